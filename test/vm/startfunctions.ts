/**
 * `npm run start-functions`: boots Baton into its menu, asks V8 which functions of the program were called until then, and
 * writes their names to initramfs/start-functions.txt. With these in its code cache the next image starts quicker.
 */

import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { bundle } from "../../initramfs/build.ts";
import { bundleFunctions } from "../../initramfs/functions.ts";
import { type BatonOptions, inside, menuReady, until, withBaton } from "./baton.ts";
import { diskImage, ESP } from "./disks.ts";
import { ROOT } from "./host.ts";
import { grubDisk } from "./menudisk.ts";
import { KERNEL } from "./payload.ts";

const LIST = join(ROOT, "initramfs/start-functions.txt");
/** In the image's start.cjs's place. It counts before Baton's first line, and for a second after the first frame. */
const START = `
const { existsSync, readFileSync, renameSync, writeFileSync } = require("node:fs");
const { Script } = require("node:vm");
const session = new (require("node:inspector").Session)();
session.connect();
session.post("Profiler.enable");
session.post("Profiler.startPreciseCoverage", { callCount: false, detailed: false });
setInterval(() => {
  if (!existsSync("/run/count")) return;
  session.post("Profiler.takePreciseCoverage", (error, { result }) => {
    const { functions } = result.find(({ url }) => url.endsWith("/baton.cjs"));
    const called = functions.map(({ ranges }) => ranges[0]).filter(({ count }) => count > 0);
    writeFileSync("/run/ends", called.map(({ endOffset }) => endOffset).join(" ") + "\\n");
    renameSync("/run/ends", "/run/called");
  });
}, 1000);
const filename = \`\${__dirname}/baton.cjs\`;
const script = new Script(readFileSync(filename, "latin1"), { filename });
script.runInThisContext()(module.exports, require, module, filename, __dirname);
`;

const name = "startfunctions";

/** What most machines have beside GRUB: an ESP with systemd-boot's entries. */
function blsDisk(): Promise<string> {
  const entry = "title Arch Linux\nlinux /vmlinuz\noptions root=/dev/vda2 rw\n";
  const files = {
    "/loader/loader.conf": "timeout 3\n",
    "/loader/entries/arch.conf": entry,
    "/vmlinuz": { host: KERNEL },
  };
  return diskImage({ name, scheme: "gpt", partitions: [{ type: "vfat", sizeMiB: 64, partitionType: ESP, files }] });
}

const files = { "/usr/lib/baton/start.cjs": START };
const machine: BatonOptions = {
  name,
  disks: [
    { image: await grubDisk(), attach: "virtio" },
    { image: await blsDisk(), attach: "virtio" },
  ],
  words: "baton.timeout=-1",
  shell: true,
  vga: true,
  files,
};
const ends = await withBaton(machine, async (vm) => {
  await menuReady(vm);
  await inside(vm, "touch /run/count");
  await until(vm, "ls /run", /called/);
  return new Set((await inside(vm, "cat /run/called")).split(" ").map(Number));
});
const called = [...bundleFunctions((await bundle()).code)].filter(([, end]) => ends.has(end)).map(([name]) => name);
await writeFile(LIST, `${called.join("\n")}\n`);
console.log(`${called.length} functions in ${LIST}`);
