/** A disk with two systems and a submenu, for the tests of the menu. */

import assert from "node:assert/strict";
import { diskImage } from "./disks.ts";
import { grubConfig } from "./grub.ts";
import type { Machine } from "./machine.ts";
import { type Expected, KERNEL, payload } from "./payload.ts";
import type { SerialLine } from "./serial.ts";

const UUID = "5a6b1c2d-0004-4000-8000-000000000004";

/** Two entries at the top of GRUB's menu (one of them the submenu) and two inside. */
export async function grubDisk(): Promise<string> {
  const alpha = await payload("menu-alpha");
  const beta = await payload("menu-beta");
  const linux = (word: string) => `/boot/vmlinuz root=UUID=${UUID} ro console=ttyS0 quiet which=${word}`;
  return diskImage({
    name: "menu",
    scheme: "gpt",
    partitions: [
      {
        type: "ext4",
        sizeMiB: 64,
        uuid: UUID,
        files: {
          "/boot/grub/grub.cfg": grubConfig(
            UUID,
            [
              { title: "Alpha system", id: "alpha", linux: linux("alpha"), initrd: "/boot/alpha.img" },
              { title: "Beta system", id: "beta", linux: linux("beta"), initrd: "/boot/beta.img" },
            ],
            { timeout: 30 },
          ),
          "/boot/vmlinuz": { host: KERNEL },
          "/boot/alpha.img": { host: alpha.file },
          "/boot/beta.img": { host: beta.file },
        },
      },
    ],
  });
}

/** @param rest what was typed behind its command line */
export async function system(name: "alpha" | "beta", rest = ""): Promise<Expected> {
  const cmdline = `BOOT_IMAGE=/boot/vmlinuz root=UUID=${UUID} ro console=ttyS0 quiet which=${name}${rest}`;
  return { cmdline, initrds: [await payload(`menu-${name}`)] };
}

/** Closes the box that lies over the list, and waits until it is gone: until then the next key would only close it. */
export async function closeBox(machine: Machine): Promise<void> {
  await machine.serial.waitForScreen(/any key closes this/);
  await machine.serial.type("<esc>");
  await machine.serial.waitForScreen(/^(?![\s\S]*any key closes this)/);
}

/** Until every disk was read one of them might say who may edit or open a shell; the menu says so, and is asked once more. */
async function openBy(machine: Machine, key: string, opened: RegExp): Promise<void> {
  for (;;) {
    await machine.serial.type(key);
    await machine.serial.waitForScreen(new RegExp(`${opened.source}|Not yet: `));
    if (opened.test(machine.serial.picture())) return;
    await closeBox(machine);
  }
}

export const openEditor = (machine: Machine): Promise<void> => openBy(machine, "e", /Tab next field/);

/** The shell of the menu, in place of it until `exit`. */
export const openShell = (machine: Machine): Promise<void> => openBy(machine, "c", /baton:\S*#/);

/** Fails unless the line in inverse video is the one that is meant: what Enter would boot. */
export async function selects(machine: Machine, pattern: RegExp, line: SerialLine = machine.serial): Promise<void> {
  await line.waitForScreen(pattern, { timeoutMs: 60_000 });
  const deadline = Date.now() + 30_000;
  while (!line.terminal.selected().some((text) => pattern.test(text))) {
    assert.ok(Date.now() < deadline, `${pattern} isn't selected:\n${line.picture()}`);
    await new Promise((done) => setTimeout(done, 100));
  }
}

/** Chooses an entry as a person does, by its title. */
export async function choose(machine: Machine, title: string): Promise<void> {
  await machine.serial.type("/");
  await machine.serial.waitForScreen(/Enter select/);
  await machine.serial.type(`${title}<enter>`);
  // The list again: a second Enter that follows at once is the first one held down.
  await machine.serial.waitForScreen(/Enter boot/);
  await selects(machine, new RegExp(title));
  await pressEnter(machine);
}

/** As a person does: on a machine that is busy two keys may be read at once, and the menu asks for the second again. */
export async function pressEnter(machine: Machine, line: SerialLine = machine.serial): Promise<void> {
  await line.type("<enter>", 1000);
  if (/press it again/.test(line.picture())) await line.type("<enter>");
}
