/** The disks of the demo's machine, and the small system that what is picked there ends in. */

import { gzipSync } from "node:zlib";
import { archive } from "./archive.ts";
import { diskImage, ESP } from "./disks.ts";
import { grubConfig, grubEnvironment } from "./grub.ts";
import type { MachineDisk } from "./machine.ts";
import { busyboxFiles, initrdFile, KERNEL } from "./payload.ts";

const ROOT_UUID = "0d15c0de-1111-4111-8111-111111111111";

/** Printed by the second system when its shell is about to start. */
export const SHELL_MARK = "Baton handed this machine over.";

const INIT = `#!/bin/sh
mkdir -p /proc /sys /dev
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev 2>/dev/null
dmesg -n 1
read -r cmdline </proc/cmdline
for word in $cmdline; do
  case $word in demo.system=*) name=$(echo "\${word#*=}" | tr _ ' ') ;; esac
done
read -r uptime rest </proc/uptime
printf '\\033[0m\\033[2J\\033[H'
cat <<END

  ${SHELL_MARK}

  Picked        $name
  Kernel        $(uname -sr), up for $uptime s
  Command line  $cmdline

  This is a small userland with a shell. Look around; then
    reboot      starts the machine again, into Baton's menu
    exit        ends the demo

END
# The line doesn't carry its terminal's size, so the terminal is asked, as Baton's menu does.
stty -F /dev/ttyS0 raw -echo
printf '\\0337\\033[999;999H\\033[6n\\0338' >/dev/ttyS0
read -r -t 2 -d R answer </dev/ttyS0
stty -F /dev/ttyS0 sane
size=\${answer#*[}
case $size in *[0-9]';'*[0-9]) stty -F /dev/ttyS0 rows \${size%;*} cols \${size#*;} ;; esac
export PS1='demo# ' HOME=/ TERM=vt220 ENV=/etc/aliases
setsid -c sh -i </dev/ttyS0 >/dev/ttyS0 2>&1
exec poweroff -f
`;

/** Read by the shell at its start. Busybox's own reboot and poweroff would ask an init that isn't here. */
const ALIASES = "alias reboot='reboot -f' poweroff='poweroff -f' halt='poweroff -f'\n";

const APPLETS =
  "sh cat dmesg echo free grep head ls mkdir mount ps setsid sleep stty tail tr uname uptime vi wc lspci which reboot poweroff halt".split(
    " ",
  );

async function systemInitrd(): Promise<string> {
  const files = [
    ...(await busyboxFiles(APPLETS)),
    { path: "init", bytes: Buffer.from(INIT), mode: 0o755 },
    { path: "etc/aliases", bytes: Buffer.from(ALIASES) },
  ];
  return initrdFile("demo-system", gzipSync(archive(files)));
}

/**
 * Two disks as people have them: one with an ESP for systemd-boot and a root with GRUB's menu, one that extlinux
 * boots from.
 * @param say called before each step that takes a moment
 */
export async function demoDisks(say: (what: string) => void): Promise<MachineDisk[]> {
  const initrd = { host: await systemInitrd() };
  const kernel = { host: KERNEL };
  const words = (name: string) => `console=ttyS0 quiet demo.system=${name}`;
  const debian = (rest: string, name: string) => `/boot/vmlinuz-6.1.0 root=UUID=${ROOT_UUID} ro ${rest}${words(name)}`;

  say("the disk with an EFI system partition and a Debian-like root");
  const main = await diskImage({
    name: "demo-main",
    scheme: "gpt",
    partitions: [
      {
        type: "vfat",
        sizeMiB: 64,
        partitionType: ESP,
        partlabel: "EFI system partition",
        uuid: "BA70-0001",
        label: "ESP",
        files: {
          "/loader/loader.conf": "timeout 10\n",
          "/loader/entries/rolling.conf": [
            "title Rolling Linux",
            "version 6.1.0",
            "sort-key rolling",
            "linux /rolling/linux",
            "initrd /rolling/initrd",
            `options root=UUID=${ROOT_UUID} rw ${words("Rolling_Linux_(systemd-boot)")}`,
            "",
          ].join("\n"),
          "/loader/entries/removed.conf": [
            "title Rolling Linux (a kernel that was removed)",
            "version 5.10.0",
            "sort-key rolling",
            "linux /rolling/5.10/linux",
            "options ro",
            "",
          ].join("\n"),
          "/rolling/linux": kernel,
          "/rolling/initrd": initrd,
        },
      },
      {
        type: "ext4",
        sizeMiB: 96,
        partlabel: "root",
        uuid: ROOT_UUID,
        label: "debian",
        files: {
          "/boot/grub/grub.cfg": grubConfig(
            ROOT_UUID,
            [
              {
                title: "Debian GNU/Linux",
                id: "gnulinux-simple",
                linux: debian("", "Debian_GNU/Linux_(GRUB)"),
                initrd: "/boot/initrd.img-6.1.0",
              },
              {
                title: "Debian GNU/Linux, recovery mode",
                id: "gnulinux-recovery",
                linux: debian("single ", "Debian_GNU/Linux,_recovery_mode_(GRUB)"),
                initrd: "/boot/initrd.img-6.1.0",
              },
            ],
            { timeout: 120 },
          ).replaceAll(" (again)", ""),
          "/boot/grub/grubenv": grubEnvironment({ saved_entry: "gnulinux-simple" }),
          "/boot/vmlinuz-6.1.0": kernel,
          "/boot/initrd.img-6.1.0": initrd,
          "/etc/os-release": 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n',
        },
      },
    ],
  });
  say("a second, smaller disk");
  const small = await diskImage({
    name: "demo-small",
    scheme: "dos",
    diskId: "0xba700002",
    partitions: [
      {
        type: "ext4",
        sizeMiB: 48,
        label: "rescue",
        files: {
          "/extlinux/extlinux.conf": [
            "MENU TITLE Rescue disk",
            "LABEL rescue",
            "  MENU LABEL ^Rescue system",
            "  LINUX /vmlinuz",
            "  INITRD /initrd.img",
            `  APPEND ${words("Rescue_system_(extlinux)")}`,
            "",
          ].join("\n"),
          "/vmlinuz": kernel,
          "/initrd.img": initrd,
        },
      },
    ],
  });
  return [
    { image: main, attach: "virtio" },
    { image: small, attach: "ahci" },
  ];
}
