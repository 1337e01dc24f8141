/** A Debian made by Debian's own tools, through Baton to its login prompt. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { withBaton } from "./baton.ts";
import { DEBIAN_UUID, debianDisk } from "./debian-system.ts";

test("a system made by debootstrap, with its own kernel, initramfs and grub.cfg, comes up to its login prompt", async () => {
  const image = await debianDisk();
  // A running system writes to its root, so the disk isn't checked.
  const disks = [{ image, attach: "virtio", writable: true }] as const;
  await withBaton({ name: "debian", words: "baton.timeout=0", disks }, async (machine) => {
    const loaded = await machine.serial.waitFor(/baton: loaded (\S+) by/);
    assert.match(loaded.match[1]!, /gnulinux-simple/);
    await machine.serial.waitFor(/baton: jump/);
    await machine.serial.waitFor(/debian-under-test login:/, { timeoutMs: 400_000 });
    await machine.serial.type("root\r");
    await machine.serial.waitFor(/root@debian-under-test:~# /);
    await machine.serial.type('echo "<$(cat /proc/cmdline)>"\r');
    const { match } = await machine.serial.waitFor(/^<(.*)>$/m);
    const kernel = /^BOOT_IMAGE=(\S+) /.exec(match[1]!)?.[1];
    assert.match(kernel ?? "", /^\/boot\/vmlinuz-6\.1\.0-\d+-amd64$/);
    assert.equal(match[1], `BOOT_IMAGE=${kernel} root=UUID=${DEBIAN_UUID} ro console=ttyS0 quiet`);
  });
});
