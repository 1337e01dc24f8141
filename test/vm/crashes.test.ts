/** Baton's own process dies: PID 1 starts it again, then offers a rescue menu, and the kernel never panics. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { inside, menuReady, until, withBaton } from "./baton.ts";
import { diskImage } from "./disks.ts";
import type { Machine } from "./machine.ts";
import { expectBooted, KERNEL, payload } from "./payload.ts";

async function disk(): Promise<string> {
  const system = await payload("crashes");
  return diskImage({
    name: "crashes",
    scheme: "gpt",
    partitions: [
      {
        type: "ext4",
        sizeMiB: 64,
        files: {
          "/extlinux/extlinux.conf":
            "LABEL one\n  MENU LABEL The system\n  LINUX /vmlinuz\n  INITRD /initrd.img\n  APPEND console=ttyS0 quiet\n",
          "/vmlinuz": { host: KERNEL },
          "/initrd.img": { host: system.file },
        },
      },
    ],
  });
}

/** Ends every Node process in the machine with this signal. */
async function killNode(machine: Machine, signal: string): Promise<void> {
  await inside(
    machine,
    `for p in /proc/[0-9]*; do case "$(readlink $p/exe)" in *node*) kill -${signal} \${p#/proc/};; esac; done`,
  );
}

async function bootTheSystem(machine: Machine): Promise<void> {
  await machine.serial.waitForScreen(/The system/);
  await machine.serial.type("<home><enter>", 300);
  await expectBooted(machine, {
    cmdline: "BOOT_IMAGE=/vmlinuz console=ttyS0 quiet initrd=/initrd.img",
    initrds: [await payload("crashes")],
  });
}

test("Node killed twice: Baton comes back each time with its menu, and what is chosen boots", async () => {
  const disks = [{ image: await disk(), attach: "virtio" }] as const;
  const options = { name: "crashes-restart", words: "baton.timeout=-1", shell: true, disks };
  await withBaton(options, async (machine) => {
    await menuReady(machine);
    for (const signal of ["KILL", "SEGV"]) {
      await killNode(machine, signal);
      await machine.serial.waitFor(/baton: start/);
      await menuReady(machine);
    }
    assert.doesNotMatch(machine.serial.text, /Kernel panic/);
    await bootTheSystem(machine);
  });
});

test("Node killed three times within a minute: a plain rescue menu, from which Baton can be tried again", async () => {
  const disks = [{ image: await disk(), attach: "virtio" }] as const;
  const options = { name: "crashes-rescue", words: "baton.timeout=-1", shell: true, disks };
  await withBaton(options, async (machine) => {
    // Killed as soon as it is there: long before any menu.
    await machine.serial.waitFor(/baton: start/);
    await killNode(machine, "SEGV");
    await machine.serial.waitFor(/baton: start/);
    await killNode(machine, "KILL");
    await machine.serial.waitFor(/baton: start/);
    await killNode(machine, "ABRT");
    await machine.serial.waitFor(/rescue/i);
    await machine.serial.waitFor(/shell/i);
    assert.doesNotMatch(machine.serial.text, /Kernel panic/);
    // No zombie is left behind by all that.
    await until(machine, "grep -l '^State:.Z' /proc/[0-9]*/status 2>/dev/null", /^$/);
    await machine.serial.type("r", 300);
    await menuReady(machine);
    await bootTheSystem(machine);
  });
});

test("with shell: no the rescue menu has no shell, and what the command line adds to the environment reaches no program", async () => {
  const disks = [{ image: await disk(), attach: "virtio" }] as const;
  const words = "baton.timeout=-1 baton.shell=no NODE_OPTIONS=--no-such-option LD_PRELOAD=/none";
  await withBaton({ name: "crashes-shut", words, shell: true, disks }, async (machine) => {
    for (const signal of ["SEGV", "KILL", "ABRT"]) {
      await machine.serial.waitFor(/baton: start/);
      await killNode(machine, signal);
    }
    await machine.serial.waitFor(/start Baton again\s+b {2}reboot\s+p {2}power off/);
    await machine.serial.type("s", 300);
    await machine.serial.waitFor(/power off/);
    await machine.serial.type("r", 300);
    await menuReady(machine);
    assert.doesNotMatch(machine.serial.text, /a shell \(exit/);
  });
});
