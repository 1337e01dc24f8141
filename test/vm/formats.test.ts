/** Each format on the filesystem and the controller where it is met, through to the second kernel's userland. */

import { test } from "node:test";
import { menuReady, withBaton } from "./baton.ts";
import { diskImage, ESP, XBOOTLDR } from "./disks.ts";
import { grubConfig, grubEnvironment } from "./grub.ts";
import { selects } from "./menudisk.ts";
import { expectBooted, KERNEL, payload } from "./payload.ts";

test("GRUB on ext4 over virtio: the saved entry boots with its variables expanded, its words quoted as GRUB quotes them, and two initrds joined", async () => {
  const uuid = "5a6b1c2d-0001-4000-8000-000000000001";
  const system = await payload("grub-system", { gzip: true, payloadBytes: 200_001 });
  const second = await payload("grub-second", { userland: false });
  const entries = [
    { title: "Debian GNU/Linux", id: "gnulinux-simple", linux: "/boot/wrong ro", initrd: "/boot/wrong.img" },
    {
      title: "The saved one",
      id: "saved",
      linux: `/boot/vmlinuz-6.1.0 root=UUID=${uuid} ro\tconsole=ttyS0  "opt=two words" 'lit=$default' quiet`,
      initrd: "/boot/initrd.img-6.1.0 /boot/more/second.img",
    },
  ];
  const image = await diskImage({
    name: "grub-ext4",
    scheme: "gpt",
    partitions: [
      {
        type: "ext4",
        sizeMiB: 64,
        uuid,
        files: {
          "/boot/grub/grub.cfg": grubConfig(uuid, entries),
          "/boot/grub/grubenv": grubEnvironment({ saved_entry: "advanced>saved-advanced" }),
          "/boot/vmlinuz-6.1.0": { host: KERNEL },
          "/boot/initrd.img-6.1.0": { host: system.file },
          "/boot/more": { symlink: "../srv" },
          "/srv/second.img": { host: second.file },
        },
      },
    ],
  });
  const disks = [{ image, attach: "virtio" }] as const;
  await withBaton({ name: "grub-ext4-virtio", words: "baton.timeout=0", disks }, async (machine) => {
    await machine.serial.waitFor(/baton: start/);
    await machine.serial.waitFor(/baton: entries ready, \d+ entr/);
    await machine.serial.waitFor(/baton: loaded \S+ by kexec_\S+ in [\d.]+ s/);
    await machine.serial.waitFor(/baton: jump/);
    await expectBooted(machine, {
      cmdline: `BOOT_IMAGE=/boot/vmlinuz-6.1.0 root=UUID=${uuid} ro console=ttyS0 "opt=two words" lit=$default quiet`,
      initrds: [system, second],
    });
  });
});

test("extlinux on vfat over AHCI: its own timeout boots its own default", async () => {
  const system = await payload("extlinux-system");
  const other = await payload("extlinux-other", { userland: false });
  const image = await diskImage({
    name: "extlinux-vfat",
    scheme: "dos",
    diskId: "0x5eed0002",
    partitions: [
      {
        type: "vfat",
        sizeMiB: 64,
        partitionType: "0c",
        uuid: "5EED-0002",
        label: "EXTLINUX",
        files: {
          "/EXTLINUX/extlinux.conf": [
            "# extlinux as a small distribution writes it",
            "DEFAULT second",
            "PROMPT 0",
            "TIMEOUT 20",
            "MENU TITLE A menu",
            "LABEL first",
            "  MENU LABEL ^First",
            "  LINUX ../vmlinuz",
            "  APPEND console=ttyS0 wrong",
            "LABEL second",
            "  MENU LABEL ^Second",
            "  LINUX ../vmlinuz",
            "  INITRD ../system.img,/boot/Other.img",
            "  APPEND console=ttyS0 root=/dev/sda1 rw quiet",
            "",
          ].join("\n"),
          "/vmlinuz": { host: KERNEL },
          "/system.img": { host: system.file },
          "/boot/other.img": { host: other.file },
        },
      },
    ],
  });
  const disks = [{ image, attach: "ahci" }] as const;
  await withBaton({ name: "extlinux-vfat-ahci", disks }, async (machine) => {
    await machine.serial.waitFor(/baton: menu ready, 2 entries/);
    await expectBooted(machine, {
      cmdline: "BOOT_IMAGE=../vmlinuz console=ttyS0 root=/dev/sda1 rw quiet initrd=../system.img,/boot/Other.img",
      initrds: [system, other],
    });
  });
});

test("Boot Loader Specification: loader.conf on the ESP chooses, entry and kernel lie on xfs over NVMe", async () => {
  const system = await payload("bls-system");
  const image = await diskImage({
    name: "bls-xfs",
    scheme: "gpt",
    partitions: [
      {
        type: "vfat",
        sizeMiB: 34,
        partitionType: ESP,
        uuid: "5EED-0003",
        files: { "/loader/loader.conf": "timeout 0\ndefault *-old.conf\n" },
      },
      {
        type: "xfs",
        sizeMiB: 300,
        partitionType: XBOOTLDR,
        files: {
          "/loader/entries/debian-new.conf": [
            "title Debian GNU/Linux 12",
            "version 6.1.0-56",
            "sort-key debian",
            "linux /debian/6.1/linux",
            "options console=ttyS0 wrong",
            "",
          ].join("\n"),
          "/loader/entries/debian-old.conf": [
            "title Debian GNU/Linux 12",
            "version 6.1.0-55",
            "sort-key debian",
            "linux /debian/6.1/linux",
            "initrd /debian/6.1/initrd",
            "options root=/dev/nvme0n1p2 ro",
            "options console=ttyS0 quiet",
            "",
          ].join("\n"),
          "/debian/6.1/linux": { host: KERNEL },
          "/debian/6.1/initrd": { host: system.file },
        },
      },
    ],
  });
  const disks = [{ image, attach: "nvme" }] as const;
  await withBaton({ name: "bls-xfs-nvme", words: "baton.timeout=0", disks }, async (machine) => {
    await expectBooted(machine, {
      cmdline: "root=/dev/nvme0n1p2 ro console=ttyS0 quiet",
      initrds: [system],
    });
  });
});

test("snapshots of btrfs, snapper's and another: opened in their submenu by keys, one boots with its own kernel, initrd and subvolume", async () => {
  const uuid = "5a6b1c2d-0005-4000-8000-000000000005";
  const system = await payload("btrfs-snapshot");
  const entry = {
    title: "Debian GNU/Linux",
    id: "simple",
    linux: `/boot/vmlinuz-6.1.0 root=UUID=${uuid} ro console=ttyS0`,
  };
  const image = await diskImage({
    name: "btrfs-snapshot",
    scheme: "gpt",
    partitions: [
      {
        type: "btrfs",
        sizeMiB: 128,
        uuid,
        files: {
          "/boot/grub/grub.cfg": grubConfig(uuid, [{ ...entry, initrd: "/boot/initrd.img-6.1.0" }]),
          "/boot/vmlinuz-6.1.0": { host: KERNEL },
          "/boot/initrd.img-6.1.0": { host: system.file },
        },
        snapshots: ["/.snapshots/4/snapshot", "/backup/before"],
      },
    ],
  });
  const disks = [{ image, attach: "virtio" }] as const;
  await withBaton({ name: "btrfs-snapshot", words: "baton.timeout=-1", disks }, async (machine) => {
    await menuReady(machine);
    await machine.serial.waitForScreen(/Snapshots on vda1/);
    await machine.serial.type("<end>");
    await selects(machine, /Snapshots on vda1/);
    await machine.serial.type("<enter>");
    await selects(machine, /Snapshot 4, Linux/);
    await machine.serial.waitForScreen(/it is a snapshot;/);
    await machine.serial.type("<down>");
    await selects(machine, /Snapshot backup\/before, Linux/);
    await machine.serial.type("<enter>");
    const path = "backup/before";
    await expectBooted(machine, {
      cmdline: `BOOT_IMAGE=/${path}/boot/vmlinuz-6.1.0 root=UUID=${uuid} ro console=ttyS0 rootflags=subvol=${path}`,
      initrds: [system],
    });
  });
});
