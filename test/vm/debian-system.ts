/**
 * A disk with a real Debian: debootstrap, Debian's kernel, initramfs-tools, and a grub.cfg that Debian's own
 * grub-mkconfig wrote on the running system. Takes some minutes once; then it is in the cache.
 */

import { mkdir, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { debianSources } from "../../initramfs/debian-sources.ts";
import { hashOf, makeOnce } from "./disks.ts";
import { CACHE, run, runAsRoot } from "./host.ts";
import { withMachine } from "./machine.ts";

export const DEBIAN_UUID = "5a6b1c2d-0012-4000-8000-00000000000c";

const PACKAGES = [
  "linux-image-amd64",
  "initramfs-tools",
  "zstd",
  "grub2-common",
  "grub-pc-bin",
  "systemd-sysv",
  "udev",
];
const DISK_MIB = 1536;
const PARTITION_START_MIB = 1;

/**
 * PID 1 of the one boot in which the system writes its own grub.cfg: grub-probe needs the disk as the system will
 * see it, with the links that udev makes.
 */
const CONFIGURE = `#!/bin/sh
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
mount -o remount,rw /
mount -t proc proc /proc 2>/dev/null
mount -t sysfs sys /sys 2>/dev/null
/lib/systemd/systemd-udevd --daemon
udevadm trigger
udevadm settle
mkdir -p /boot/grub
passwd -d root
if update-grub && grub-editenv /boot/grub/grubenv create; then echo "configure: done"; else echo "configure: failed"; fi
udevadm control --exit
sync
mount -o remount,ro / || echo "configure: failed to leave a clean filesystem"
echo "configure: over"
poweroff -f
`;

const FILES: Readonly<Record<string, string>> = {
  "etc/hostname": "debian-under-test\n",
  "etc/fstab": `UUID=${DEBIAN_UUID} / ext4 errors=remount-ro 0 1\n`,
  "etc/default/grub": [
    "GRUB_DEFAULT=0",
    "GRUB_TIMEOUT=5",
    "GRUB_DISTRIBUTOR=`lsb_release -i -s 2> /dev/null || echo Debian`",
    'GRUB_CMDLINE_LINUX_DEFAULT="quiet"',
    'GRUB_CMDLINE_LINUX="console=ttyS0"',
    "",
  ].join("\n"),
  "usr/local/sbin/configure": CONFIGURE,
};

/** The disk's image: GPT with one ext4 partition. Needs root, by sudo where this isn't root. */
export async function debianDisk(): Promise<string> {
  const key = hashOf(JSON.stringify([PACKAGES, FILES, DISK_MIB])).slice(0, 16);
  const image = join(CACHE, `debian-${key}.img`);
  const base = join(CACHE, `debian-base-${key}`);
  await makeOnce(image, async (work) => {
    await makeOnce(base, makeBase);
    const configured = join(work, "configured.img");
    await withMachine(
      {
        name: "debian-configure",
        kernel: join(base, "vmlinuz"),
        initrd: join(base, "initrd.img"),
        cmdline: `root=UUID=${DEBIAN_UUID} ro console=ttyS0 quiet init=/usr/local/sbin/configure`,
        disks: [{ image: join(base, "disk.img"), attach: "virtio", writable: { keepAs: configured } }],
      },
      async (machine) => {
        await machine.serial.waitFor(/configure: over/, { timeoutMs: 400_000 });
        if (/configure: failed/.test(machine.serial.text)) throw new Error(machine.serial.tail());
        await machine.ended;
      },
    );
    await rm(base, { recursive: true });
    return configured;
  });
  return image;
}

/** A directory with the disk before it was configured, and the kernel and initrd to boot it with. */
async function makeBase(work: string): Promise<string> {
  const root = join(work, "root");
  const base = join(work, "base");
  const target = join(base, "disk.img");
  await mkdir(base);
  try {
    await bootstrap(root);
    await run("cp", ["-L", join(root, "vmlinuz"), join(root, "initrd.img"), base]);
    await writeFile(target, "");
    await truncate(target, DISK_MIB * 1024 * 1024);
    await run("sfdisk", ["-q", "--no-tell-kernel", target], {
      input: `label: gpt\nstart=${PARTITION_START_MIB * 2048}, size=${(DISK_MIB - 2) * 2048}, type=linux\n`,
    });
    const offset = `offset=${PARTITION_START_MIB * 1024 * 1024}`;
    const options = ["-q", "-F", "-d", root, "-U", DEBIAN_UUID, "-L", "debian", "-E", `${offset},lazy_itable_init=0`];
    await runAsRoot("mkfs.ext4", [...options, target, `${(DISK_MIB - 2) * 1024}k`]);
  } finally {
    await runAsRoot("rm", ["-rf", "--one-file-system", root]);
  }
  return base;
}

async function bootstrap(root: string): Promise<void> {
  const uri = /^deb (?:\[[^\]]*\] )?(\S+) bookworm /m.exec(await debianSources({ suite: "bookworm" }))?.[1];
  if (!uri) throw new Error("the host's apt sources name no mirror of bookworm");
  const proxy = /"(.+)"/.exec(await run("apt-config", ["dump", "Acquire::http::Proxy"]))?.[1];
  const env = { DEBIAN_FRONTEND: "noninteractive", ...(proxy ? { http_proxy: proxy } : {}) };
  console.error("vm: making a Debian system with debootstrap (a few minutes, once)");
  const options = ["--variant=minbase", `--include=${PACKAGES.join(",")}`, "bookworm", root, uri];
  await runAsRoot("debootstrap", options, { env });
  for (const [path, content] of Object.entries(FILES)) {
    const mode = path.includes("bin/") ? "755" : "644";
    await runAsRoot(
      "sh",
      ["-c", 'mkdir -p "$(dirname "$0")" && cat > "$0" && chmod "$1" "$0"', join(root, path), mode],
      {
        input: content,
      },
    );
  }
  await runAsRoot("chmod", ["a+r", "-R", join(root, "boot")]);
  // What only a package manager needs.
  await runAsRoot("sh", ["-c", 'rm -rf "$0"/var/cache/apt/archives/*.deb "$0"/var/lib/apt/lists/*', root]);
}
