/** Consoles as machines have them: one that comes late, one that hangs, a keyboard of another layout; a slow load. */

import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { inside, menuReady, until, withBaton } from "./baton.ts";
import { grubDisk, openShell, pressEnter, selects, system } from "./menudisk.ts";
import { expectBooted } from "./payload.ts";
import { SerialLine } from "./serial.ts";

/** A serial line of QEMU's over a socket in a folder of its own. */
async function withLine(work: (chardev: string, open: () => SerialLine) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "baton-line-"));
  const path = join(folder, "line");
  try {
    await work(`socket,id=line,path=${path},server=on,wait=off`, () => {
      const socket = connect(path);
      return new SerialLine(socket, socket, performance.now(), true);
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test("after a shell the menu is there again; a USB serial line that is plugged in joins it, and boots what is chosen there", () =>
  withLine(async (chardev, open) => {
    const disks = [{ image: await grubDisk(), attach: "virtio" }] as const;
    const extra = ["-device", "qemu-xhci,id=xhci", "-chardev", chardev];
    const words = "baton.timeout=-1 baton.console=ttyS0,ttyUSB0";
    await withBaton({ name: "console-late", words, extra, disks }, async (machine) => {
      await menuReady(machine);
      await selects(machine, /Alpha system/);
      await openShell(machine);
      machine.serial.write("echo by a shell: $((6 * 7)); exit\n");
      await machine.serial.waitFor(/by a shell: 42/);
      await selects(machine, /Alpha system/);
      const line = open();
      const plugIn = (): Promise<unknown> =>
        machine.call("device_add", { driver: "usb-serial", id: "cable", chardev: "line", "always-plugged": true });
      await plugIn();
      await selects(machine, /Alpha system/, line);
      // Pulled out and plugged in again it is the same console.
      await machine.call("device_del", { id: "cable" });
      await sleep(3000);
      await machine.serial.type("<down>");
      await selects(machine, /Advanced options/);
      await plugIn();
      await selects(machine, /Advanced options/, line);
      await line.type("<up>");
      await selects(machine, /Alpha system/);
      await line.type("<down>");
      await selects(machine, /Advanced options/);
      await line.type("<enter><down>");
      await selects(machine, /Beta system \(again\)/, line);
      await pressEnter(machine, line);
      await expectBooted(machine, await system("beta"));
    });
  }));

test("a serial line that takes nothing any more slows no other, and shows what is new when it goes on", () =>
  withLine(async (chardev, open) => {
    const disks = [{ image: await grubDisk(), attach: "virtio" }] as const;
    // The third of the lines that the kernel knows by itself: its second is the test's own shell.
    const extra = ["-chardev", chardev, "-serial", "chardev:line"];
    const words = "baton.timeout=-1 baton.console=ttyS0,ttyS2";
    await withBaton({ name: "console-hangs", words, extra, shell: true, disks }, async (machine) => {
      const line = open();
      await menuReady(machine);
      await selects(machine, /Alpha system/, line);
      // Its terminal says XOFF, and no more can be written to it.
      await inside(machine, "busybox stty -F /dev/ttyS2 ixon");
      line.write("\x13");
      await sleep(500);
      for (let round = 0; round < 20; round++) {
        await machine.serial.type("<down>");
        await selects(machine, /Advanced options/);
        await machine.serial.type("<up>");
        await selects(machine, /Alpha system/);
      }
      await machine.serial.type("<down>");
      await selects(machine, /Advanced options/);
      assert.ok(!line.terminal.selected().some((text) => text.includes("Advanced options")), line.picture());
      line.write("\x11");
      await selects(machine, /Advanced options/, line);
      await machine.serial.type("<enter>");
      await selects(machine, /Alpha system \(again\)/, line);
      await pressEnter(machine);
      await expectBooted(machine, await system("alpha"));
    });
  }));

test("keymap: de gives the machine's own keyboard German letters; baton.debug puts everything in the kernel log", async () => {
  const disks = [{ image: await grubDisk(), attach: "virtio" }] as const;
  const config = "keymap: de\ntimeout: never\n";
  const options = { name: "keymap", config, words: "baton.debug", vga: true, shell: true, disks };
  await withBaton(options, async (machine) => {
    await menuReady(machine);
    await selects(machine, /Alpha system/);
    await until(machine, "dmesg", /baton: the keyboard's layout is de/);
    // Until then a disk might still say who may edit.
    await until(machine, "dmesg", /baton: every device has been read/);
    await machine.pressKeys("e");
    await machine.serial.waitForScreen(/Tab next field/);
    // Where a German keyboard has them: z and y, ß, ö, ä, ü, and - beside the right shift key.
    for (const qcode of ["spc", "y", "z", "minus", "semicolon", "apostrophe", "bracket_left", "slash", "7"]) {
      await machine.call("send-key", { keys: [{ type: "qcode", data: qcode }] });
      await sleep(150);
    }
    await machine.serial.waitForScreen(/which=alpha zyßöäü-7/);
    await machine.screenshot("keymap");
    // A user's record (facility 1) of level 7, which is not written without the word.
    assert.match(await inside(machine, "dmesg -r"), /^<15>.*baton: vda1: ext4 mounted on/m);
    await machine.pressKeys("<enter>");
    await expectBooted(machine, await system("alpha", " zyßöäü-7"));
  });
});

test("a load from a slow disk shows how far it is and how fast, and Esc ends it; what is chosen then boots", async () => {
  const disks = [{ image: await grubDisk(), attach: "virtio" }] as const;
  const config = "stage: no\ntimeout: never\n";
  await withBaton({ name: "progress", config, disks }, async (machine) => {
    await menuReady(machine);
    await selects(machine, /Alpha system/);
    const throttle = (bytes: number): Promise<unknown> => {
      const none = { bps_rd: 0, bps_wr: 0, iops: 0, iops_rd: 0, iops_wr: 0 };
      return machine.call("block_set_io_throttle", {
        id: "/machine/peripheral/virtio0/virtio-backend",
        bps: bytes,
        ...none,
      });
    };
    await throttle(1 << 20);
    await machine.serial.type("<enter>");
    await machine.serial.waitForScreen(
      /Loading Alpha system[\s\S]*vmlinuz[\s\S]* of [\d.]+ MiB, [\d.]+ \w+\/s, \d+ s left/,
    );
    await machine.serial.type("<esc>");
    await machine.serial.waitForScreen(/ended by a key/);
    await machine.serial.waitFor(/baton: failed \S+alpha: .*ended by a key/);
    await throttle(0);
    await machine.serial.type("<esc><down><enter>", 300);
    await selects(machine, /Alpha system \(again\)/);
    await machine.serial.type("<down><enter>", 300);
    await expectBooted(machine, await system("beta"));
  });
});
