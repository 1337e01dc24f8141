/**
 * Disks with RAID, LVM2 and LUKS on them, made by mdadm, lvm and cryptsetup themselves: in a machine that boots the
 * pc-volumes image, since the host may have neither device-mapper nor md.
 */

import { existsSync } from "node:fs";
import { readFile, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { archive } from "./archive.ts";
import { diskImage, hashOf } from "./disks.ts";
import { CACHE, ROOT, run } from "./host.ts";
import { type MachineDisk, withMachine } from "./machine.ts";
import { initrdFile, KERNEL, type Payload, payload } from "./payload.ts";

export const PASSPHRASE = "correct horse, Batterie & Klammer";
const RECIPE = "1";
const MIB = 1 << 20;

/** Baton with mdadm, lvm and cryptsetup; the archive isn't packed, which saves minutes. */
export async function volumesImage(): Promise<string> {
  const initrd = join(CACHE, "baton-volumes.cpio");
  const args = ["initramfs/image.ts", "--profile", "configs/pc-volumes.yaml", "--uncompressed", initrd];
  await run(join(ROOT, "node_modules/.bin/tsx"), args, { cwd: ROOT });
  return initrd;
}

/** A filesystem from which `System on NAME` boots. */
async function system(name: string): Promise<string> {
  const config = [
    `LABEL ${name}`,
    `  MENU LABEL System on ${name}`,
    "  LINUX /vmlinuz",
    "  INITRD /initrd.img",
    `  APPEND console=ttyS0 quiet on=${name}`,
    "",
  ].join("\n");
  return diskImage({
    name: `stack-${name}`,
    scheme: "none",
    partitions: [
      {
        type: "ext4",
        sizeMiB: 24,
        files: {
          "/extlinux/extlinux.conf": config,
          "/vmlinuz": { host: KERNEL },
          "/initrd.img": { host: (await payload(`stack-${name}`)).file },
        },
      },
    ],
  });
}

export async function bootedFrom(name: string): Promise<{ cmdline: string; initrds: Payload[] }> {
  return {
    cmdline: `BOOT_IMAGE=/vmlinuz console=ttyS0 quiet on=${name} initrd=/initrd.img`,
    initrds: [await payload(`stack-${name}`)],
  };
}

/** Which disk is which in the machine that makes them. */
const DISKS = {
  mirrorA: "vda",
  mirrorB: "vdb",
  stripeA: "vdc",
  stripeB: "vdd",
  fiveA: "vde",
  fiveB: "vdf",
  fiveC: "vdg",
  vault: "vdh",
} as const;
export type StackDisk = keyof typeof DISKS;

const COMMANDS = `
set -e
D=/dev
mdadm --create $D/md1 --run --metadata=1.2 --bitmap=internal --level=1 --raid-devices=2 --assume-clean $D/vda $D/vdb
dd if=$D/vdi of=$D/md1 bs=1M conv=fsync
lvm pvcreate -y $D/vdc $D/vdd
lvm vgcreate stripes $D/vdc $D/vdd
lvm lvcreate -y -W n -Z n -i 2 -l 100%FREE -n boot stripes
dd if=$D/vdj of=$D/mapper/stripes-boot bs=1M conv=fsync
mdadm --create $D/md5 --run --metadata=1.0 --level=5 --raid-devices=3 --assume-clean $D/vde $D/vdf $D/vdg
dd if=$D/vdk of=$D/md5 bs=1M conv=fsync
printf %s "$PASSPHRASE" >/key
cryptsetup luksFormat -q --type luks2 --pbkdf pbkdf2 --pbkdf-force-iterations 1000 --key-file=/key $D/vdh
cryptsetup open --type luks --key-file=/key $D/vdh crypt
lvm pvcreate -y $D/mapper/crypt
lvm vgcreate vault $D/mapper/crypt
lvm lvcreate -y -W n -Z n -l 100%FREE -n root vault
dd if=$D/vdl of=$D/mapper/vault-root bs=1M conv=fsync
lvm vgchange -an
cryptsetup close crypt
mdadm --stop $D/md1 $D/md5
sync
echo made: everything
`;

/** The disks, from the cache where they were made before. */
export async function stackDisks(): Promise<Record<StackDisk, string>> {
  const sources = await Promise.all(["mirror", "stripes", "five", "vault"].map((name) => system(name)));
  const hash = hashOf(RECIPE, COMMANDS, PASSPHRASE, ...sources).slice(0, 16);
  const names = Object.keys(DISKS) as StackDisk[];
  const made = Object.fromEntries(names.map((name) => [name, join(CACHE, `stack-${name}-${hash}.img`)]));
  if (names.some((name) => !existsSync(made[name]!))) await makeDisks(made, sources);
  return made as Record<StackDisk, string>;
}

async function makeDisks(made: Readonly<Record<string, string>>, sources: readonly string[]): Promise<void> {
  const empty = join(CACHE, "stack-empty.img");
  await writeFile(empty, "");
  await truncate(empty, 64 * MIB);
  const disks: MachineDisk[] = [
    ...Object.values(made).map((keepAs) => ({ image: empty, attach: "virtio", writable: { keepAs } }) as const),
    ...sources.map((image) => ({ image, attach: "virtio" }) as const),
  ];
  const modules = "/lib/modules/*/kernel/drivers";
  const init = `#!/bin/busybox sh
/bin/busybox mount -a
export PATH=/usr/sbin:/usr/bin:/sbin:/bin DM_DISABLE_UDEV=1 MDADM_NO_UDEV=1 LVM_SUPPRESS_FD_WARNINGS=1
modprobe -a virtio_pci md_mod raid1 raid456 dm_mod dm_crypt algif_skcipher
# Without async_probe, for disks named in their order.
insmod $(echo ${modules}/block/virtio_blk.ko)
PASSPHRASE='${PASSPHRASE}'
(${COMMANDS}) || echo "made: failed"
poweroff -f
`;
  const front = archive([{ path: "init", bytes: Buffer.from(init), mode: 0o755 }]);
  const initrd = await initrdFile("stack-maker", Buffer.concat([await readFile(await volumesImage()), front]));
  const cmdline = "console=ttyS0 quiet";
  await withMachine({ name: "stack-maker", kernel: KERNEL, initrd, cmdline, disks }, async (machine) => {
    const { match } = await machine.serial.waitFor(/made: (\w+)\s/);
    if (match[1] !== "everything") throw new Error(`the disks could not be made:\n${machine.serial.tail(40)}`);
    await machine.ended;
  });
  await rm(initrd, { force: true });
}
