/**
 * The filesystems that Baton reads, one row each: how it is mounted so that not a byte of its device changes, how its
 * journal is replayed in memory, whether state/ may write to it, how its names are compared. A new filesystem is one
 * row here and one probe in devices/probes, which names its type.
 */

/** One try; the next is made where the kernel knows the driver or an option not. */
interface MountTry {
  /** The kernel's name of the driver. */
  readonly driver: string;
  /** Its options, beside `ro`. */
  readonly data: string;
}

export interface Filesystem {
  /** As blkid and the probe name it. */
  readonly type: string;
  /** Other names of it, for `--disk …,type=`. */
  readonly also?: readonly string[];
  /** How it is mounted, the best way first; with nothing but `ro` by the driver of its own name unless given. */
  readonly tries?: readonly (readonly [driver: string, data: string])[];
  /** Options of a read-only mount that replays its journal, on a layer in memory; null: it has none that `ro` replays. */
  readonly replay: string | null;
  /** The superblock doesn't say whether a journal waits to be replayed: only a mount can tell. */
  readonly isDirtyHidden?: true;
  /**
   * How it is mounted to be written, and, before that, read-only to hear whether it is clean; null where it is never
   * written. Only those that write a file's data where it is. A crash of ours must not become the kernel's.
   */
  readonly writable: { readonly driver: string; readonly data: string; readonly clean: string } | null;
  /** Names are the same whatever their case: `/VMLINUZ` is `/vmlinuz`. */
  readonly caseless?: true;
  /** May be spread over several devices, which then have one UUID and are no copies of each other. */
  readonly isMultiDevice?: true;
  /** What is mounted somewhere may be a part of it; it can be mounted once more, from its top. */
  readonly hasSubvolumes?: true;
}

const EXT_WRITABLE = { driver: "ext4", data: "errors=remount-ro", clean: "errors=continue" };

/**
 * Plain `ro` is not enough: ext4, xfs, btrfs and f2fs replay their journals then all the same. `errors=continue`,
 * because a superblock may ask for a panic at the first damaged inode. For vfat and its kin the names are wanted in
 * UTF-8; which of the character sets the kernel insists on loading as well depends on how it was configured.
 */
export const FILESYSTEMS: readonly Filesystem[] = [
  {
    type: "ext2",
    tries: [
      ["ext4", "noload,errors=continue"],
      ["ext2", "errors=continue"],
    ],
    replay: null,
    writable: EXT_WRITABLE,
  },
  {
    type: "ext3",
    tries: [
      ["ext4", "noload,errors=continue"],
      ["ext3", "noload,errors=continue"],
    ],
    replay: "errors=continue",
    writable: EXT_WRITABLE,
  },
  {
    type: "ext4",
    tries: [["ext4", "noload,errors=continue"]],
    replay: "errors=continue",
    writable: EXT_WRITABLE,
  },
  {
    type: "xfs",
    tries: [["xfs", "norecovery,nouuid"]],
    replay: "nouuid",
    isDirtyHidden: true,
    writable: { driver: "xfs", data: "nouuid", clean: "nouuid" },
  },
  {
    type: "btrfs",
    tries: [
      ["btrfs", "rescue=nologreplay,subvolid=5"],
      // Before Linux 5.9.
      ["btrfs", "nologreplay,subvolid=5"],
    ],
    replay: "subvolid=5",
    writable: null,
    isMultiDevice: true,
    hasSubvolumes: true,
  },
  {
    type: "f2fs",
    tries: [
      ["f2fs", "norecovery"],
      ["f2fs", "disable_roll_forward"],
    ],
    replay: "",
    writable: null,
  },
  {
    type: "vfat",
    also: ["fat", "msdos"],
    tries: [
      ["vfat", "utf8=1"],
      ["vfat", "utf8=1,iocharset=ascii"],
      ["vfat", "utf8=1,iocharset=iso8859-1"],
      // Last, since names are case-sensitive then.
      ["vfat", "iocharset=utf8"],
    ],
    replay: null,
    writable: { driver: "vfat", data: "errors=remount-ro,utf8=1", clean: "utf8=1" },
    caseless: true,
  },
  {
    type: "exfat",
    tries: [
      ["exfat", "iocharset=utf8"],
      ["exfat", ""],
    ],
    replay: null,
    writable: null,
    caseless: true,
  },
  {
    type: "iso9660",
    tries: [
      ["iso9660", "iocharset=utf8"],
      ["iso9660", ""],
    ],
    replay: null,
    writable: null,
  },
  {
    type: "ntfs",
    tries: [
      ["ntfs3", "iocharset=utf8"],
      ["ntfs3", ""],
    ],
    replay: null,
    writable: null,
    caseless: true,
  },
  { type: "reiserfs", tries: [["reiserfs", "nolog"]], replay: null, writable: null },
  { type: "squashfs", replay: null, writable: null },
  { type: "erofs", replay: null, writable: null },
];

const BY_NAME: ReadonlyMap<string, Filesystem> = new Map(
  FILESYSTEMS.flatMap((row) => [row.type, ...(row.also ?? [])].map((name) => [name, row] as const)),
);

/**
 * What the table says of a filesystem.
 * @param type as blkid names it; null where that isn't known
 * @returns for one without a row, which the kernel may know nevertheless, the most careful: mounted plainly, never written
 */
export function filesystem(type: string | null): Filesystem {
  return BY_NAME.get(type ?? "") ?? { type: type ?? "", replay: null, writable: null };
}

/** True for those in the table. */
export const isKnown = (type: string): boolean => BY_NAME.has(type);

/** @param type as blkid names it. */
export function mountTries(type: string): readonly MountTry[] {
  return (filesystem(type).tries ?? [[type, ""]]).map(([driver, data]) => ({ driver, data }));
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
