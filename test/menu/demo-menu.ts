/**
 * The menu over sample entries, to be looked at and driven by tests:
 * `npx tsx test/menu/demo-menu.ts [--console PATH[:vt|:serial]]... [--countdown N] [--many N] [--empty] [--scanning] [--ascii]`
 * What is booted is printed to the file named by BATON_DEMO_LOG and fails, as a kernel that can't be read would.
 */

import { appendFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { log, logLines } from "../../src/log.ts";
import { type ConsoleSpec, ownTerminal } from "../../src/menu/consoles.ts";
import { runMenu } from "../../src/menu/menu.ts";
import { MenuStore } from "../../src/menu/model.ts";
import type { Menu } from "../../src/menu/options.ts";
import { sampleDevice, sampleEntry, sampleState } from "./samples.ts";

const { values } = parseArgs({
  options: {
    console: { type: "string", multiple: true },
    countdown: { type: "string" },
    many: { type: "string" },
    empty: { type: "boolean" },
    scanning: { type: "boolean" },
    ascii: { type: "boolean" },
    slow: { type: "boolean" },
  },
});

const note = (text: string): void => {
  if (process.env.BATON_DEMO_LOG !== undefined) appendFileSync(process.env.BATON_DEMO_LOG, `${text}\n`);
};

function consoles(): ConsoleSpec[] {
  if (values.console === undefined) {
    const own = ownTerminal();
    return own === null ? [] : [values.ascii === true ? { ...own, unicode: false } : own];
  }
  return values.console.map((word) => {
    const [path = "", kind = "serial"] = word.split(":");
    const name = path.replace(/^\/dev\//, "");
    if (kind === "vt") return { name, path, kind: "vt", term: "linux", unicode: true };
    return { name, path, kind: "serial", term: "vt220", unicode: null };
  });
}

const store = new MenuStore(sampleState());
if (values.many !== undefined) {
  const entries = Array.from({ length: Number(values.many) }, (_, index) =>
    sampleEntry({ id: `many-${index}`, title: `Entry ${index + 1}` }),
  );
  store.update({ entries, defaultId: null });
}
if (values.empty === true || values.scanning === true) {
  store.update({
    entries: [],
    defaultId: null,
    diagnostics: [],
    scanning: values.scanning === true,
    devices: [
      sampleDevice({ name: "vda", type: "swap", reason: "swap space: nothing to boot" }),
      sampleDevice({
        name: "sda1",
        type: "crypto_LUKS",
        transport: "ata",
        reason: "encrypted (LUKS): this image has no cryptsetup; the profile configs/pc-volumes.yaml adds it",
      }),
    ],
  });
}
if (values.countdown !== undefined) store.update({ countdown: Number(values.countdown) });

log.info("the demonstration began");
log.warn("sda1:/boot/grub/grub.cfg:41:7: unknown command 'play'");
log.error('vda3: mount("/dev/vda3", "/run/baton/mnt/vda3", "ext4"): EIO (input/output error)');

const wait = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));

let menu: Menu | null = null;
async function end(): Promise<void> {
  clearInterval(ticker);
  await menu?.close();
  note(`closed fds=${process.getActiveResourcesInfo().filter((name) => name.startsWith("TTY")).length}`);
}

const ticker = setInterval(() => {
  const { countdown } = store.state;
  if (countdown === null || values.slow === true) return;
  if (countdown > 1) store.update({ countdown: countdown - 1 });
  else {
    store.update({ countdown: null });
    note("countdown ran out");
  }
}, 1000);

menu = await runMenu({
  consoles: consoles(),
  store,
  printk: null,
  shell: { argv: ["/bin/sh"], env: { PS1: "demo$ " } },
  actions: {
    async boot(entry, options) {
      note(`boot ${entry.id}${options === undefined ? "" : ` ${options}`}`);
      const total = 38 * 2 ** 20;
      const steps = values.slow === true ? 40 : 4;
      for (let step = 0; step <= steps; step++) {
        store.update({
          progress: {
            title: `Loading ${entry.title}`,
            detail: step < steps / 4 ? "vda2:/boot/vmlinuz-6.1.0-18-amd64" : "vda2:/boot/initrd.img-6.1.0-18-amd64",
            done: (total * step) / steps,
            total,
          },
        });
        await wait(100);
      }
      const message = `${entry.title}: vda2:/boot/vmlinuz-6.1.0-18-amd64 is not a kernel: it begins with "<!DOCTYPE html>". Look at the file, or choose another entry.`;
      log.error(`failed ${entry.id}: ${message}`);
      store.update({ progress: null, message });
    },
    async rescan() {
      note("rescan");
      store.update({ scanning: true });
      await wait(500);
      store.update({ scanning: false });
    },
    stopCountdown() {
      note("countdown stopped");
      store.update({ countdown: null });
    },
    async reboot() {
      note("reboot");
      await end();
    },
    async powerOff() {
      note("power off");
      await end();
    },
    log: logLines,
  },
  onNoConsole: () => {
    note("no console");
    void end();
  },
});
note("ready");
process.on("SIGUSR1", () => menu?.aloud(() => note("aloud")));
process.on("SIGTERM", () => void end());
