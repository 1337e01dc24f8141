/**
 * Secure Boot for real: firmware with an owner's key, a first kernel signed by it, and second kernels signed by the owner,
 * by a stranger, changed afterwards, or not at all. What the kernel's own selftests (tools/testing/selftests/kexec)
 * expect of kexec under Secure Boot is here, too.
 */

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { initramfsWith, inside } from "./baton.ts";
import { diskImage } from "./disks.ts";
import { withMachine } from "./machine.ts";
import { closeBox, selects } from "./menudisk.ts";
import { expectBooted, KERNEL, payload } from "./payload.ts";
import { signed, tampered, withoutSignature } from "./signing.ts";

test("Secure Boot: the owner's kernel loads; an unsigned, a changed and a stranger's are each refused for their own reason", async () => {
  const uuid = "5a6b1c2d-0032-4000-8000-000000000032";
  const system = await payload("secureboot");
  const unsigned = withoutSignature(await readFile(KERNEL));
  const own = await signed(unsigned, "owner");
  const options = `root=UUID=${uuid} ro console=ttyS0 quiet`;
  const entry = (name: string) =>
    `menuentry '${name}' --id ${name} {\n\tlinux /boot/${name} ${options}\n\tinitrd /boot/initrd.img\n}\n`;
  const image = await diskImage({
    name: "secureboot",
    scheme: "gpt",
    partitions: [
      {
        type: "ext4",
        sizeMiB: 96,
        uuid,
        files: {
          "/boot/grub/grub.cfg": `${entry("unsigned")}${entry("own")}`,
          "/boot/own": { host: own },
          "/boot/unsigned": unsigned,
          "/boot/tampered": await tampered(own),
          "/boot/stranger": { host: await signed(unsigned, "stranger") },
          "/boot/initrd.img": { host: system.file },
        },
      },
    ],
  });
  const shell = "while :; do setsid sh -i </dev/ttyS1 >/dev/ttyS1 2>&1; done";
  const wait = "while ! [ -c /dev/ttyS1 ]; do /bin/busybox sleep 0.1; done";
  const initrd = await initramfsWith("baton-secureboot", `(${wait}; ${shell}) &`);
  const machine = { kernel: own, initrd, cmdline: "console=ttyS0 quiet baton.timeout=-1", secondSerial: true } as const;
  const disks = [{ image, attach: "virtio" }] as const;
  await withMachine({ name: "secureboot", firmware: "secureboot", ...machine, disks }, async (vm) => {
    await vm.serial.waitFor(/baton: menu ready/, { timeoutMs: 400_000 });
    const state = await inside(
      vm,
      "mkdir -p /mnt; mount -o ro,noload /dev/vda1 /mnt; stty -echo; dmesg | grep -i 'secure boot'; mount -t securityfs s /sys/kernel/security; cat /sys/kernel/security/lockdown",
    );
    assert.match(state, /Secure boot enabled/i);
    assert.match(state, /\[integrity\]/);

    const loads = async (words: string): Promise<string> =>
      inside(vm, `kexec ${words}; echo "exit $?, loaded $(cat /sys/kernel/kexec_loaded)"`);
    const refused = async (words: string, sentence: RegExp): Promise<void> => {
      const said = await loads(words);
      assert.match(said, sentence, words);
      assert.match(said, /exit [1-9]\d*, loaded 0$/, words);
    };
    const reasons = {
      unsigned: /The kernel file has no signature, and Secure Boot is on/,
      tampered: /signature is wrong: the file was changed after it was signed/,
      stranger: /signed with a key that this kernel doesn't trust, and Secure Boot is on/,
    };
    for (const [name, sentence] of Object.entries(reasons)) {
      await refused(`-s -l /mnt/boot/${name}`, sentence);
      // No way around it: neither -a nor a bare -l tries the call that checks nothing.
      await refused(`-l /mnt/boot/${name}`, sentence);
    }
    await refused(
      "-c -l /mnt/boot/own",
      /locked down \(integrity\) because Secure Boot is on, which forbids kexec_load/,
    );

    // The selftests' own lines: kexec_load must fail, kexec_file_load of what is signed must not.
    await refused("--load /mnt/boot/unsigned", reasons.unsigned);
    assert.match(await loads("--load --kexec-file-syscall /mnt/boot/own"), /^exit 0, loaded 1$/m);
    assert.match(await loads("--unload --kexec-file-syscall"), /^exit 0, loaded 0$/m);
    await inside(vm, "umount /mnt");

    // From the menu: the first entry's reason is shown, the second boots, by the call that checks.
    await selects(vm, /unsigned/);
    await vm.serial.type("<enter>");
    await vm.serial.waitFor(/baton: failed \S+: The kernel file has no signature, and Secure Boot is on/);
    await closeBox(vm);
    await vm.serial.type("<down>");
    await selects(vm, /\bown\b/);
    await vm.serial.type("<enter>");
    await vm.serial.waitFor(/baton: loaded \S+ by kexec_file_load in/);
    await expectBooted(vm, { cmdline: `BOOT_IMAGE=/boot/own ${options}`, initrds: [system] });
  });
});
