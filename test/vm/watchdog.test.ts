/** The watchdog: its driver is loaded and it is armed where the configuration says so. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { archive } from "./archive.ts";
import { inside, menuReady, withBaton } from "./baton.ts";
import { diskImage } from "./disks.ts";
import { grubConfig } from "./grub.ts";
import { initrdFile, KERNEL, userlandFiles } from "./payload.ts";

const UUID = "5a6b1c2d-0010-4000-8000-000000000010";

/** A system that comes up and then does nothing, as one that hangs. */
async function hangingDisk(): Promise<string> {
  const initrd = await initrdFile("watchdog", archive(await userlandFiles("busybox sleep 600")));
  const linux = "/boot/vmlinuz ro console=ttyS0 quiet";
  return diskImage({
    name: "watchdog",
    scheme: "gpt",
    partitions: [
      {
        type: "ext4",
        sizeMiB: 64,
        uuid: UUID,
        files: {
          "/boot/grub/grub.cfg": grubConfig(UUID, [{ title: "Hangs", id: "hangs", linux, initrd: "/boot/initrd.img" }]),
          "/boot/vmlinuz": { host: KERNEL },
          "/boot/initrd.img": { host: initrd },
        },
      },
    ],
  });
}

const config = "watchdog: 12\ntimeout: never\n";

test("the chipset's watchdog is found, its driver loaded, and it is armed", async () => {
  const disks = [{ image: await hangingDisk(), attach: "virtio" }] as const;
  await withBaton({ name: "watchdog", config, shell: true, disks }, async (machine) => {
    await menuReady(machine);
    const state = "cat /sys/class/watchdog/watchdog0/identity /sys/class/watchdog/watchdog0/state";
    const armed = `for i in $(seq 30); do ${state} 2>/dev/null | grep -q ^active && break; sleep 1; done; ${state}`;
    assert.equal(await inside(machine, armed), "iTCO_wdt\nactive");
  });
});

test("without hardware the kernel's own watchdog restarts a machine whose Baton has stopped, and the log says so", async () => {
  const disks = [{ image: await hangingDisk(), attach: "virtio" }] as const;
  const words = "module_blacklist=iTCO_wdt";
  await withBaton({ name: "watchdog-software", config, words, shell: true, disks }, async (machine) => {
    await menuReady(machine);
    const said = "dmesg | grep 'no watchdog in hardware was found'";
    assert.match(await inside(machine, `for i in $(seq 30); do ${said} && break; sleep 1; done`), /ends at the jump/);
    const stop = 'case "$(readlink $p/exe)" in *node*) kill -STOP ${p#/proc/};; esac';
    machine.serial2!.write(`for p in /proc/[0-9]*; do ${stop}; done\n`);
    // The supervisor's patience is longer.
    const late = sleep(60_000, "late", { ref: false });
    assert.equal(await Promise.race([machine.ended.then(() => "restarted"), late]), "restarted");
  });
});

test("armed across the jump, it restarts a machine whose next system hangs", async () => {
  const disks = [{ image: await hangingDisk(), attach: "virtio" }] as const;
  const words = "module_blacklist=iTCO_wdt baton.timeout=0";
  const extra = ["-device", "i6300esb,id=dog", "-action", "watchdog=reset"];
  await withBaton({ name: "watchdog-jump", config: "watchdog: 30\n", words, extra, disks }, async (machine) => {
    await machine.serial.waitFor(/baton: jump/);
    await machine.serial.waitFor(/payload: end/);
    const late = sleep(120_000, "late", { ref: false });
    assert.equal(await Promise.race([machine.ended.then(() => "restarted"), late]), "restarted");
  });
});
