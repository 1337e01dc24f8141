/** Systems on RAID, LVM2 and LUKS boot from Baton's pc-volumes image, and no byte of their disks changes. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { inside, menuReady, withBaton } from "./baton.ts";
import { choose } from "./menudisk.ts";
import { expectBooted } from "./payload.ts";
import { bootedFrom, PASSPHRASE, stackDisks, volumesImage } from "./stacks.ts";

test("a mirror, a RAID 5 that lacks a disk, striped LVM, and LVM in LUKS: all are read, and what the passphrase opened boots", async () => {
  const made = await stackDisks();
  // The third disk of the RAID 5 has died.
  const disks = [made.mirrorA, made.stripeB, made.fiveA, made.vault, made.fiveC, made.mirrorB, made.stripeA].map(
    (image) => ({ image, attach: "virtio" }) as const,
  );
  const image = await volumesImage();
  const options = { name: "stacks", words: "baton.timeout=-1", shell: true, disks, image };
  await withBaton(options, async (machine) => {
    await menuReady(machine);
    for (const name of ["mirror", "stripes", "five"]) {
      await machine.serial.waitForScreen(new RegExp(`System on ${name}`));
    }
    assert.doesNotMatch(machine.serial.picture(), /System on vault/);
    // Whatever was made is read-only by itself; what may be written lies in memory.
    const list = 'for d in /sys/block/md* /sys/block/dm-*; do echo "$(cat $d/ro) $(cat $d/dm/name)"; done 2>/dev/null';
    const made = (await inside(machine, list)).split("\n").map((line) => line.trim());
    assert.deepEqual(made.filter((line) => !line.includes("baton-")).sort(), ["1", "1", "1 stripes-boot"]);
    assert.doesNotMatch(await inside(machine, "cat /proc/mdstat"), /resync|recovery/);

    await machine.serial.type("u", 500);
    await machine.serial.waitForScreen(/Passphrase for \w+/);
    for (const answer of [/2 tries are left/, /One try is left/, /stays shut/]) {
      await machine.serial.type("a wrong one<enter>");
      await machine.serial.waitForScreen(answer);
    }
    // Closes what it says; everything else can be chosen.
    await machine.serial.type("<esc>", 1500);
    await machine.serial.waitForScreen(/System on mirror/);
    await machine.serial.type("u", 500);
    await machine.serial.waitForScreen(/Passphrase for \w+/);
    await machine.serial.type(`${PASSPHRASE}<enter>`);
    await machine.serial.waitForScreen(/is open, read-only/);
    await machine.serial.type("<esc>", 1500);
    await machine.serial.waitForScreen(/System on vault/);
    const passphrase = PASSPHRASE.slice(0, 13);
    const commandLines = "cat /proc/[0-9]*/cmdline | tr '\\0' ' '; dmesg";
    assert.ok(!(await inside(machine, commandLines)).includes(passphrase));
    await choose(machine, "vault");
    await expectBooted(machine, await bootedFrom("vault"));
  });
});

test("the usual image, which has no such tools, names what is missing", async () => {
  const made = await stackDisks();
  const disks = [made.mirrorA, made.stripeA, made.vault].map((image) => ({ image, attach: "virtio" }) as const);
  await withBaton({ name: "stacks-none", words: "baton.timeout=-1", disks }, async (machine) => {
    await menuReady(machine);
    for (const tool of ["mdadm", "lvm", "cryptsetup"]) {
      await machine.serial.waitForScreen(new RegExp(`this image has no ${tool};[\\s\\S]*pc-volumes\\.yaml`));
    }
  });
});
