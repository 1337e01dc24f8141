/** A locked-down kernel: what it refuses is told, and no other call is tried to get past it. */

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { inside, menuReady, withBaton } from "./baton.ts";
import { diskImage } from "./disks.ts";
import { grubConfig } from "./grub.ts";
import { KERNEL, payload } from "./payload.ts";
import { tampered, withoutSignature } from "./signing.ts";

test("lockdown: what has no signature that this kernel knows is refused with the reason, and never got around", async () => {
  const uuid = "5a6b1c2d-0031-4000-8000-000000000031";
  const system = await payload("lockdown");
  const kernel = await readFile(KERNEL);
  const linux = "/boot/vmlinuz root=/dev/none ro console=ttyS0 quiet";
  const image = await diskImage({
    name: "lockdown",
    scheme: "gpt",
    partitions: [
      {
        type: "ext4",
        sizeMiB: 80,
        uuid,
        files: {
          "/boot/grub/grub.cfg": grubConfig(uuid, [
            { title: "Signed", id: "signed", linux, initrd: "/boot/initrd.img" },
          ]),
          "/boot/vmlinuz": kernel,
          "/boot/unsigned": withoutSignature(kernel),
          "/boot/tampered": await tampered(KERNEL),
          "/boot/initrd.img": { host: system.file },
        },
      },
    ],
  });
  const disks = [{ image, attach: "virtio" }] as const;
  const words = "baton.timeout=-1 lockdown=integrity";
  await withBaton({ name: "lockdown", words, shell: true, disks }, async (machine) => {
    await machine.serial.waitFor(/baton: start/, { timeoutMs: 300_000 });
    await menuReady(machine);
    await inside(machine, "mkdir -p /mnt; mount -o ro,noload /dev/vda1 /mnt; stty -echo");
    const refused = async (options: string, sentence: RegExp): Promise<void> => {
      const said = await inside(machine, `kexec ${options}; echo "exit $?"; cat /sys/kernel/kexec_loaded`);
      assert.match(said, sentence);
      assert.match(said, /exit [1-9]\d*\s+0$/);
    };
    // Without Secure Boot's policy (IMA) the kernel answers every fault of a signature with the same EPERM.
    await refused("-c -l /mnt/boot/vmlinuz", /locked down \(integrity\).*forbids kexec_load/);
    await refused("-s -l /mnt/boot/unsigned", /has no signature, or one that doesn't hold/);
    await refused("-s -l /mnt/boot/tampered", /has no signature, or one that doesn't hold/);
    await inside(machine, "umount /mnt");
    await machine.serial.waitForScreen(/Signed/);
    machine.serial.write("\r");
    // Debian's own key is trusted through the firmware's keys only, which this machine doesn't have.
    await machine.serial.waitFor(/baton: failed \S+: This kernel is locked down \(integrity\)/, { timeoutMs: 180_000 });
    assert.doesNotMatch(machine.serial.text, /baton: loaded/);
  });
});
