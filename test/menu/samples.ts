/** Entries and devices as a machine with several systems shows them. */

import type { BootEntry, ParsedEntry } from "../../src/entry.ts";
import { parsedEntry } from "../../src/entry.ts";
import type { MenuState } from "../../src/menu/model.ts";
import type { DeviceStatus } from "../../src/status.ts";

let count = 0;

export function sampleEntry(fields: Partial<BootEntry> & Pick<ParsedEntry, "title">): BootEntry {
  count++;
  const { source = "vda2:/boot/grub/grub.cfg", type = "grub", ...rest } = fields;
  return {
    ...parsedEntry({ source, type, title: fields.title }),
    id: `entry-${count}`,
    isDefault: false,
    bootable: (fields.reason ?? null) === null,
    linux: { device: source.slice(0, source.indexOf(":")), path: "/boot/vmlinuz-6.1.0-18-amd64" },
    initrd: [{ device: source.slice(0, source.indexOf(":")), path: "/boot/initrd.img-6.1.0-18-amd64" }],
    options: "root=UUID=3f6c1d0e-77a1-4b0c-9d5a-5b7f3a4d1e90 ro quiet",
    ...rest,
  };
}

export function sampleDevice(fields: Partial<DeviceStatus> & Pick<DeviceStatus, "name">): DeviceStatus {
  return {
    size: 20 * 2 ** 30,
    type: null,
    uuid: null,
    label: null,
    model: null,
    transport: "virtio",
    sources: [],
    reason: null,
    ...fields,
  };
}

/** A Debian machine with an older disk, a Fedora one and a rescue stick. */
export function sampleState(): Partial<MenuState> {
  const advanced = ["Advanced options for Debian GNU/Linux"];
  const linux = (path: string, device = "vda2") => ({ device, path });
  const entries: BootEntry[] = [
    sampleEntry({
      id: "debian",
      title: "Debian GNU/Linux",
      isDefault: true,
      options:
        "BOOT_IMAGE=/boot/vmlinuz-6.1.0-18-amd64 root=UUID=3f6c1d0e-77a1-4b0c-9d5a-5b7f3a4d1e90 ro quiet console=ttyS0,115200n8",
    }),
    sampleEntry({ id: "adv-18", title: "Debian GNU/Linux, with Linux 6.1.0-18-amd64", submenu: advanced }),
    sampleEntry({
      id: "adv-18-r",
      title: "Debian GNU/Linux, with Linux 6.1.0-18-amd64 (recovery mode)",
      submenu: advanced,
      options: "root=UUID=3f6c1d0e-77a1-4b0c-9d5a-5b7f3a4d1e90 ro single",
    }),
    sampleEntry({
      id: "adv-17",
      title: "Debian GNU/Linux, with Linux 6.1.0-17-amd64",
      submenu: advanced,
      linux: linux("/boot/vmlinuz-6.1.0-17-amd64"),
    }),
    sampleEntry({
      id: "old",
      title: "Debian GNU/Linux",
      source: "sda1:/boot/grub/grub.cfg",
      options: "root=UUID=0b6bd1f4-93b7-4c5e-8f5e-2f0f1a1f9c11 ro quiet",
    }),
    sampleEntry({
      id: "fedora",
      title: "Fedora Linux (6.8.5-301.fc40.x86_64) 40 (Server Edition)",
      type: "bls",
      source: "nvme0n1p2:/loader/entries/fedora.conf",
      linux: linux("/vmlinuz-6.8.5-301.fc40.x86_64", "nvme0n1p2"),
      initrd: [linux("/initramfs-6.8.5-301.fc40.x86_64.img", "nvme0n1p2")],
      options: "root=UUID=77c2b6a8-0f0f-4d62-9e5c-8a2b77f0d1ce ro rhgb quiet",
      reason: "initrd /initramfs-6.8.5-301.fc40.x86_64.img is missing on nvme0n1p2",
    }),
    sampleEntry({
      id: "memtest",
      title: "Memory test (memtest86+x64.efi)",
      kind: "efi",
      linux: null,
      initrd: [],
      options: "",
      reason: "an EFI program, which kexec cannot start",
    }),
    sampleEntry({
      id: "rescue",
      title: "Rescue system",
      type: "syslinux",
      source: "sdb1:/syslinux/syslinux.cfg",
      linux: linux("/live/vmlinuz", "sdb1"),
      initrd: [linux("/live/initrd.img", "sdb1"), linux("/live/firmware.img", "sdb1")],
      options: "boot=live components quiet splash",
    }),
  ];
  const devices: DeviceStatus[] = [
    sampleDevice({ name: "vda", reason: "a disk with partitions (gpt)" }),
    sampleDevice({
      name: "vda1",
      size: 512 * 2 ** 20,
      type: "vfat",
      uuid: "1A2B-3C4D",
      reason: "no configuration was found",
    }),
    sampleDevice({
      name: "vda2",
      size: 19 * 2 ** 30,
      type: "ext4",
      label: "root",
      uuid: "3f6c1d0e-77a1-4b0c-9d5a-5b7f3a4d1e90",
      sources: ["/boot/grub/grub.cfg"],
    }),
    sampleDevice({
      name: "sda1",
      size: 500 * 2 ** 30,
      type: "ext4",
      transport: "ata",
      model: "WDC WD5000AAKX",
      uuid: "0b6bd1f4-93b7-4c5e-8f5e-2f0f1a1f9c11",
      sources: ["/boot/grub/grub.cfg"],
    }),
    sampleDevice({
      name: "nvme0n1p2",
      size: 2 ** 30,
      type: "xfs",
      transport: "nvme",
      label: "boot",
      sources: ["/loader/loader.conf", "/loader/entries/fedora.conf"],
    }),
    sampleDevice({
      name: "nvme0n1p3",
      size: 475 * 2 ** 30,
      type: "LVM2_member",
      transport: "nvme",
      reason: "a physical volume of LVM: Baton cannot read it yet",
    }),
    sampleDevice({
      name: "sdb1",
      size: 8 * 2 ** 30,
      type: "vfat",
      transport: "usb",
      label: "RESCUE",
      sources: ["/syslinux/syslinux.cfg"],
    }),
    sampleDevice({
      name: "sdc",
      size: 4 * 2 ** 40,
      type: null,
      transport: "usb",
      reason: "did not answer within 10 s",
    }),
  ];
  return {
    entries,
    devices,
    diagnostics: [
      {
        severity: "warning",
        source: "sda1:/boot/grub/grub.cfg",
        line: 41,
        column: 7,
        message: "unknown command 'play'",
      },
    ],
    scanning: false,
    defaultId: "debian",
    machine: ["Baton 0.1.0 on Linux 6.1.0-18-amd64, x86_64, EFI", "QEMU Standard PC (Q35 + ICH9, 2009), 2.0 GiB"],
  };
}
