/** How each filesystem is mounted so that not a byte of its device changes, and what its refusals mean. */

/** One try; the next is made where the kernel knows the driver or an option not. */
export interface MountTry {
  /** The kernel's name of the driver. */
  readonly driver: string;
  /** Its options, beside `ro`. */
  readonly data: string;
}

/**
 * Plain `ro` is not enough: ext4, xfs, btrfs and f2fs replay their journals then all the same. `errors=continue`,
 * because a superblock may ask for a panic at the first damaged inode. For vfat and its kin the names are wanted in
 * UTF-8; which of the character sets the kernel insists on loading as well depends on how it was configured.
 */
const TRIES: Readonly<Record<string, readonly (readonly [driver: string, data: string])[]>> = {
  ext2: [
    ["ext4", "noload,errors=continue"],
    ["ext2", "errors=continue"],
  ],
  ext3: [
    ["ext4", "noload,errors=continue"],
    ["ext3", "noload,errors=continue"],
  ],
  ext4: [["ext4", "noload,errors=continue"]],
  xfs: [["xfs", "norecovery,nouuid"]],
  btrfs: [
    ["btrfs", "rescue=nologreplay,subvolid=5"],
    // Before Linux 5.9.
    ["btrfs", "nologreplay,subvolid=5"],
  ],
  f2fs: [
    ["f2fs", "norecovery"],
    ["f2fs", "disable_roll_forward"],
  ],
  vfat: [
    ["vfat", "utf8=1"],
    ["vfat", "utf8=1,iocharset=ascii"],
    ["vfat", "utf8=1,iocharset=iso8859-1"],
    // Last, since names are case-sensitive then.
    ["vfat", "iocharset=utf8"],
  ],
  exfat: [
    ["exfat", "iocharset=utf8"],
    ["exfat", ""],
  ],
  iso9660: [
    ["iso9660", "iocharset=utf8"],
    ["iso9660", ""],
  ],
  ntfs: [
    ["ntfs3", "iocharset=utf8"],
    ["ntfs3", ""],
  ],
  reiserfs: [["reiserfs", "nolog"]],
};

/** @param type as blkid names it. */
export function mountTries(type: string): readonly MountTry[] {
  return (TRIES[type] ?? [[type, ""]]).map(([driver, data]) => ({ driver, data }));
}

/** Refusals that the next try may not meet. */
export function isWorthAnotherTry(errnoName: string): boolean {
  return errnoName === "EINVAL" || errnoName === "ENODEV" || errnoName === "EOPNOTSUPP";
}

const DAMAGED = "the filesystem is damaged; check it with fsck from another system";
const GONE = "the device is gone, or has no medium";
const ROOT = "mounting needs root";

const REFUSALS: Readonly<Record<string, string>> = {
  EUCLEAN: DAMAGED,
  EBADMSG: DAMAGED,
  EFSCORRUPTED: DAMAGED,
  EINVAL: "the kernel finds it damaged, or with features that it does not know; the kernel's log says which",
  EOPNOTSUPP: "it has features that this kernel does not know; the kernel's log says which",
  EROFS: "its journal has to be replayed before it can be read, and Baton does not write to disks",
  EIO: "the device reports read errors",
  EBUSY: "it is in use (mounted elsewhere, or part of a RAID or LVM)",
  EEXIST: "another disk has a filesystem with the same UUID, a copy of this one, and the kernel takes only one of them",
  ENXIO: GONE,
  ENOMEDIUM: GONE,
  ENOENT: GONE,
  EPERM: ROOT,
  EACCES: ROOT,
  EFBIG: "it is larger than this kernel can handle",
  ENOMEM: "there is not enough memory",
};

/** Why the kernel refused to mount, for a person. */
export function explainRefusal(type: string, errnoName: string): string {
  const reason = errnoName === "ENODEV" ? `this kernel has no driver for ${type}` : REFUSALS[errnoName];
  return reason === undefined ? errnoName : `${reason} (${errnoName})`;
}
