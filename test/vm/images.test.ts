/** Kernels that are no bzImage, from the menu's entries to their userland. */

import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { debianPackages } from "../../initramfs/debian.ts";
import { withBaton } from "./baton.ts";
import { type Content, diskImage } from "./disks.ts";
import { unpackedKernel } from "./images.ts";
import type { Machine } from "./machine.ts";
import { expectBooted, KERNEL, payload } from "./payload.ts";

const UUID = "5a6b1c2d-00e1-4000-8000-0000000000e1";

/** A disk with one GRUB entry; its commands name files below /boot. */
async function disk(name: string, commands: readonly string[], files: Readonly<Record<string, Content>>) {
  const config = [
    "set timeout=0",
    `menuentry '${name}' --id ${name} {`,
    ...commands.map((line) => `\t${line}`),
    "}",
    "",
  ];
  const image = await diskImage({
    name: `images-${name}`,
    scheme: "gpt",
    partitions: [
      { type: "ext4", sizeMiB: 128, uuid: UUID, files: { ...files, "/boot/grub/grub.cfg": config.join("\n") } },
    ],
  });
  return [{ image, attach: "virtio" }] as const;
}

/** Waits until the entry is loaded, and fails at once where it wasn't. */
async function loadedBy(machine: Machine, method: string): Promise<void> {
  const { match } = await machine.serial.waitFor(/baton: (?:loaded \S+ by (\S+)|failed .*)/);
  assert.equal(match[1], method, match[0]);
}

for (const firmware of ["bios", "uefi"] as const) {
  test(`Xen by multiboot2 under ${firmware.toUpperCase()}, with Linux and its initrd as modules, comes up to dom0's userland`, async () => {
    const { root } = await debianPackages(["xen-hypervisor-4.17-amd64"]);
    const xen = (await readdir(join(root, "boot"))).find((file) => /^xen-.*\.gz$/.test(file))!;
    const system = await payload("xen-dom0");
    const options = "placeholder root=/dev/none ro console=hvc0 quiet";
    const disks = await disk(
      "xen",
      [
        "multiboot2 /boot/xen.gz placeholder console=com1 com1=115200 dom0_mem=640M",
        `module2 /boot/vmlinuz ${options}`,
        "module2 --nounzip /boot/initrd.img",
      ],
      {
        "/boot/xen.gz": { host: join(root, "boot", xen) },
        "/boot/vmlinuz": { host: KERNEL },
        "/boot/initrd.img": { host: system.file },
      },
    );
    // Without hardware virtualisation QEMU's SMAP stops dom0 under Xen, however that was booted.
    const extra = ["-cpu", "max,-smap,-smep"];
    const machine = { name: `images-xen-${firmware}`, words: "baton.timeout=0", firmware, disks, extra };
    await withBaton(machine, async (vm) => {
      await loadedBy(vm, "kexec_load");
      await vm.serial.waitFor(/Xen version 4\.\d+/);
      await expectBooted(vm, { cmdline: options, initrds: [system], timeoutMs: 300_000 });
    });
  });
}

test("vmlinux, in a gzip file, boots with its initrd and its command line", async () => {
  const system = await payload("vmlinux");
  const options = "root=/dev/none ro console=ttyS0 quiet";
  const disks = await disk("vmlinux", [`linux /boot/vmlinux.gz ${options}`, "initrd /boot/initrd.img"], {
    "/boot/vmlinux.gz": gzipSync(await unpackedKernel(await readFile(KERNEL)), { level: 1 }),
    "/boot/initrd.img": { host: system.file },
  });
  await withBaton({ name: "images-vmlinux", words: "baton.timeout=0", disks }, async (machine) => {
    await loadedBy(machine, "kexec_load");
    await expectBooted(machine, { cmdline: `BOOT_IMAGE=/boot/vmlinux.gz ${options}`, initrds: [system] });
  });
});
