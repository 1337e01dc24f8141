/** Kernels in other forms than Debian ships them, and Xen; disks whose one GRUB entry starts them. */

import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { debianPackages } from "../../initramfs/debian.ts";
import { readSetupHeader } from "../../src/images/bzimage.ts";
import { compressionOf } from "../../src/images/compressed.ts";
import { decompress } from "../../src/images/decompress.ts";
import { withBaton } from "./baton.ts";
import { type Content, diskImage } from "./disks.ts";
import type { Machine } from "./machine.ts";
import { expectBooted, KERNEL, payload } from "./payload.ts";

/** What a bzImage unpacks to: the kernel as an ELF file. */
export async function unpackedKernel(file: Buffer): Promise<Uint8Array> {
  const header = readSetupHeader(file);
  assert.ok(header);
  const start = header.setupSize + header.payloadOffset;
  // Behind it stands its unpacked size, in four bytes.
  const packed = file.subarray(start, start + header.payloadLength - 4);
  return decompress(packed, compressionOf(packed)!);
}

const UUID = "5a6b1c2d-00e1-4000-8000-0000000000e1";

/** A disk with one GRUB entry; its commands name files below /boot. */
export async function disk(name: string, commands: readonly string[], files: Readonly<Record<string, Content>>) {
  const config = [
    "set timeout=0",
    // By name: a memory test that merely comes first would wait for a person.
    `set default='${name}'`,
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
export async function loadedBy(machine: Machine, method: string): Promise<void> {
  const { match } = await machine.serial.waitFor(/baton: (?:loaded \S+ by (\S+) in|failed .*\n)/);
  assert.equal(match[1], method, match[0]);
}

/** Boots Xen with Linux as its dom0, up to that one's userland. */
export async function bootXen(firmware: "bios" | "uefi"): Promise<void> {
  const { root } = await debianPackages(["xen-hypervisor-4.17-amd64"], { suite: "bookworm" });
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
    // Without a BIOS dom0 has to be told where ACPI's root pointer is.
    const cmdline = firmware === "bios" ? options : new RegExp(`^${options} acpi_rsdp=0x[0-9a-f]{5}$`);
    await expectBooted(vm, { cmdline, initrds: [system], timeoutMs: 300_000 });
  });
}
