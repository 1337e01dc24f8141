/** What the owner's policy lets be loaded: what was judged, and only that. */

import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { type BootEntry, parsedEntry } from "../../src/entry.ts";
import { BatonError } from "../../src/errors.ts";
import { admit, signedEntry } from "../../src/loader/admit.ts";
import { closeFiles, digestOf, type FileSource, openFiles, readAtOfFile } from "../../src/loader/openfiles.ts";
import { filesOf, listFiles } from "../../src/loader/refs.ts";
import { manifestText, publicText, signatureLine } from "../../src/trust/manifest.ts";
import { TrustPolicy } from "../../src/trust/policy.ts";

const folder = mkdtempSync(join(tmpdir(), "baton-admit-"));
after(() => rmSync(folder, { recursive: true }));
const key = generateKeyPairSync("ed25519").privateKey;
const settings = { trustkeys: [`${publicText(key)} owner`], trustthreshold: 1, trustversion: 0 };
const STRICT = TrustPolicy.from({ ...settings, trust: "require" });
const at = (path: string): string => join(folder, path);

/** A disk, and a server that has the same tree. */
const source: FileSource = {
  volume: () => ({ hostPath: async (path: string) => at(path) }),
  fetch: async (url) => {
    try {
      return await open(at(new URL(url).pathname));
    } catch {
      throw new BatonError("not-found", `${url}: 404`);
    }
  },
};
const entryOf = (linux: BootEntry["linux"], initrd: BootEntry["initrd"]): BootEntry => ({
  ...parsedEntry({ title: "Debian", type: "grub", source: "vda1:/grub.cfg", linux, initrd, options: "ro quiet" }),
  ...{ id: "debian", isDefault: true, bootable: true },
});
const onDisk = (path: string) => ({ device: "vda1", path });
const DEBIAN = entryOf(onDisk("/boot/vmlinuz"), [onDisk("/boot/initrd.img")]);

/** As `baton sign` does it. */
async function signTree(): Promise<void> {
  rmSync(folder, { recursive: true });
  mkdirSync(at("boot"), { recursive: true });
  writeFileSync(at("boot/vmlinuz"), "a kernel");
  writeFileSync(at("boot/initrd.img"), "an initrd");
  const files = await openFiles(source, filesOf(DEBIAN, "x86_64"));
  const digests = new Map<(typeof files)["kernel"], string>();
  for (const file of listFiles(files)) digests.set(file, await digestOf(file, "sha256"));
  const text = manifestText({ version: 1, entries: [signedEntry(DEBIAN, DEBIAN.options, files, digests)] });
  await closeFiles(listFiles(files));
  writeFileSync(at("baton.manifest"), text);
  writeFileSync(at("baton.manifest.sig"), signatureLine(text, key));
}

/** What would be loaded, as text. */
async function loaded(entry = DEBIAN, options = entry.options, policy = STRICT): Promise<string[]> {
  const { files } = await admit(policy, source, entry, options, await openFiles(source, filesOf(entry, "x86_64")));
  // Somebody changes the disk after it was judged.
  writeFileSync(at("boot/vmlinuz"), "another!");
  writeFileSync(at("boot/initrd.img"), "evil");
  const texts: string[] = [];
  for (const file of listFiles(files)) texts.push(Buffer.from(await readAtOfFile(file)(0, file.size)).toString());
  await closeFiles(listFiles(files));
  return texts;
}

test("what is loaded is what was verified, whatever is on the disk afterwards", async () => {
  await signTree();
  assert.deepEqual(await loaded(), ["a kernel", "an initrd"]);
  await assert.rejects(loaded(), /lets it not boot: vda1:\/baton.manifest: \/boot\/vmlinuz is not what was signed/);
});

test("a file that says it is larger than memory is refused before it is read", async () => {
  await signTree();
  truncateSync(at("boot/initrd.img"), 2 ** 40);
  await assert.rejects(loaded(), /to verify and load 1\.0 TiB|to verify and load 1024 GiB/);
  const files = await openFiles(source, filesOf(DEBIAN, "x86_64"));
  const little = admit(STRICT, source, DEBIAN, DEBIAN.options, files, async () => 20);
  await assert.rejects(little, { code: "too-large" });
});

test("with the policy off nothing is copied or looked for", async () => {
  await signTree();
  assert.deepEqual(await loaded(DEBIAN, DEBIAN.options, TrustPolicy.off), ["another!", "evil"]);
});

test("an edited command line is refused, and with warn it boots", async () => {
  await signTree();
  await assert.rejects(loaded(DEBIAN, "ro quiet init=/bin/sh"), /its command line is not one that is signed/);
  const warn = TrustPolicy.from({ ...settings, trust: "warn" });
  assert.deepEqual(await loaded(DEBIAN, "ro quiet init=/bin/sh", warn), ["a kernel", "an initrd"]);
});

test("a manifest or signatures that are missing, a folder, a device or enormous let nothing boot", async () => {
  const faults: [string, RegExp, (path: string) => void][] = [
    ["baton.manifest", /there is no baton.manifest beside its kernel/, (path) => rmSync(path)],
    ["baton.manifest", /no regular file/, (path) => symlinkSync("/dev/zero", path)],
    ["baton.manifest.sig", /there is no baton.manifest.sig/, (path) => rmSync(path)],
    ["baton.manifest.sig", /no regular file/, (path) => mkdirSync(path)],
    ["baton.manifest.sig", /more than 65536 are none of Baton's/, (path) => truncateSync(path, 1 << 30)],
    ["baton.manifest", /are none of Baton's/, (path) => truncateSync(path, 1 << 30)],
  ];
  for (const [name, why, spoil] of faults) {
    await signTree();
    if (why.source.includes("regular")) rmSync(at(name));
    spoil(at(name));
    await assert.rejects(loaded(), why, name);
  }
});

test("from a server, with the manifest beside the kernel, it is the same", async () => {
  await signTree();
  const url = (path: string) => ({ url: `http://boot.example/${path}` });
  const served = entryOf(url("boot/vmlinuz"), [url("boot/initrd.img")]);
  await assert.rejects(loaded(served), /there is no baton.manifest beside its kernel/, "its own folder alone");
  for (const name of ["baton.manifest", "baton.manifest.sig"]) {
    rmSync(at(`boot/${name}`), { force: true });
    symlinkSync(`../${name}`, at(`boot/${name}`));
  }
  assert.deepEqual(await loaded(served), ["a kernel", "an initrd"]);
});
