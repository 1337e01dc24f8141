/** Block devices as the kernel shows them, and what is on them. */

import type { VolumeIdentity } from "../identity.ts";

/** What a probe found on a device (the vocabulary is blkid's). */
export interface Identity {
  /** `ext2` `ext3` `ext4` `vfat` `exfat` `xfs` `btrfs` `f2fs` `iso9660` `squashfs` `erofs` `swap` `crypto_LUKS` `LVM2_member` `linux_raid_member`… */
  readonly type: string;
  readonly usage:
    | "filesystem"
    | "crypto"
    | "raid"
    /** No filesystem: all of the device is what a boot loader reads. */
    | "image"
    | "other";
  /** As blkid prints it. */
  readonly uuid: string | null;
  readonly label: string | null;
  /**
   * The superblock says that a journal or log must be replayed, or that it wasn't unmounted cleanly. (xfs keeps that
   * in its log alone: false there says nothing.)
   */
  readonly dirty: boolean;
  /** Of the format, where it matters to a person: LUKS `1` `2`, RAID `0.90` `1.0`…, FAT `FAT32`; as blkid prints it. */
  readonly version?: string | null;
  /** How many devices the filesystem (btrfs) or the array (RAID) is spread over; 1 where it isn't said. */
  readonly devices?: number;
}

export interface BlockDevice {
  /** Kernel name: `vda1`. */
  readonly name: string;
  /** `/dev/vda1`. */
  readonly node: string;
  /** Bytes. */
  readonly size: number;
  /** Where the disk is attached: its path below sysfs, `/devices/pci0000:00/0000:00:02.0/virtio1/block/vda`. */
  readonly path?: string;
  readonly kind: "disk" | "partition" | "other";
  /** The whole disk's name for a partition, else null. */
  readonly disk: string | null;
  /** From 1, for a partition. */
  readonly partition: number | null;
  /** Where on its disk a partition begins, in bytes; null for a disk. */
  readonly start?: number | null;
  readonly scheme: "gpt" | "msdos" | null;
  readonly partuuid: string | null;
  readonly partlabel: string | null;
  /** GPT type GUID in lower case, or the MBR type as `0x83`. */
  readonly partitionType: string | null;
  /** A GPT partition's attribute bits; left out where there is none, or before it was probed. */
  readonly partitionAttributes?: bigint;
  /** The kernel says so, it is optical, or it is attached by USB or FireWire. */
  readonly removable: boolean;
  /** Removable because of its cable alone. */
  readonly isPluggable?: boolean;
  /** Of what the kernel made of parts of one disk (LVM, LUKS): that disk's name. */
  readonly baseDisk?: string;
  /** How it is attached: `virtio` `ata` `nvme` `scsi` `usb` `mmc` `loop` `md` `dm`…; null where sysfs doesn't tell. */
  readonly transport: string | null;
  readonly model: string | null;
  /** Of what device-mapper made, the names that GRUB has for it: `lvm/vg0-boot`, `lvmid/…/…`, `cryptouuid/…`. */
  readonly aliases?: readonly string[];
  /** What is on it; null where nothing is recognised, or before it was probed. */
  readonly identity: Identity | null;
  /** Why nothing can be read from it, else null. */
  readonly reason: string | null;
  /** Its beginning couldn't be read, or it doesn't answer: it isn't touched again. */
  readonly isUnread?: true;
}

/** By what names a device's filesystem is known. */
export function identityOf({ name, identity, partuuid, partlabel }: BlockDevice): VolumeIdentity {
  return { name, uuid: identity?.uuid ?? null, label: identity?.label ?? null, partuuid, partlabel };
}
