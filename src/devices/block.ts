/** Block devices and partitions as sysfs lists them (Documentation/ABI/stable/sysfs-block). */

import { readdirSync, readFileSync, realpathSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { OWN_FOLDER } from "../linux/ownimage.ts";
import type { BlockDevice } from "./device.ts";

/** sysfs counts in these, whatever the device's own sectors are. */
const SECTOR = 512;

/**
 * Never holds anything to boot: memory disks, the key store of eMMC chips (reading it fails), floppy drives (an
 * empty one takes seconds to say so, and no Linux of today starts from one).
 */
const SKIPPED = /^(ram|zram|fd)\d|^mmcblk\d+rpmb$/;

/**
 * The devices attached now, structure only: nothing is read from any of them. Without those of no size (an empty
 * loop device, a card reader without a card) and those that can't hold anything to boot.
 * @param options.sysfs where sysfs is mounted.
 * @param options.only the names that are looked at; all unless given.
 * @returns in the order of {@link compareDevices}, each disk followed by its partitions; empty where there is no sysfs.
 */
export async function listBlockDevices(
  options: { readonly sysfs?: string; readonly only?: (name: string) => boolean } = {},
): Promise<BlockDevice[]> {
  const { sysfs = "/sys", only = () => true } = options;
  let names: string[];
  try {
    names = readdirSync(join(sysfs, "class/block"));
  } catch {
    return [];
  }
  return names
    .filter(only)
    .map((name) => readBlockDevice(name, sysfs))
    .filter((device) => device !== null)
    .sort(compareDevices);
}

/**
 * One device by its kernel name.
 * @returns null where it isn't there (any more) or can't hold anything to boot.
 */
export function readBlockDevice(name: string, sysfs = "/sys"): BlockDevice | null {
  if (SKIPPED.test(name)) return null;
  let path: string;
  try {
    path = realpathSync.native(join(sysfs, "class/block", name));
  } catch {
    return null;
  }
  const size = readNumber(`${path}/size`) * SECTOR;
  if (!(size > 0)) return null;
  const uevent = readAttribute(`${path}/uevent`) ?? "";
  const isPartition = /^DEVTYPE=partition$/m.test(uevent);
  // `hidden`: one of several ways to the same NVMe disk; it has no node of its own.
  if (!isPartition && readAttribute(`${path}/hidden`) === "1") return null;

  const diskPath = isPartition ? dirname(path) : path;
  // Relative to sysfs, so that a test's own path says nothing.
  const devicePath = diskPath.slice(realpathSync.native(sysfs).length);
  const transport = transportOf(devicePath);
  if ((transport === "dm" || transport === "loop") && isBatonsOwn(path)) return null;
  const { removable, isPluggable, disks } = attachmentOf(diskPath, transport);
  const devname = /^DEVNAME=(.+)$/m.exec(uevent)?.[1] ?? name.replaceAll("!", "/");
  return {
    name,
    node: `/dev/${devname}`,
    size,
    path: devicePath,
    kind: isPartition ? "partition" : STACKED.has(transport ?? "") ? "other" : "disk",
    disk: isPartition ? basename(diskPath) : null,
    partition: isPartition ? readNumber(`${path}/partition`) : null,
    start: isPartition ? readNumber(`${path}/start`) * SECTOR : null,
    scheme: null,
    partuuid: null,
    partlabel: null,
    partitionType: null,
    removable,
    ...(isPluggable ? { isPluggable } : {}),
    transport,
    model: modelOf(diskPath, transport),
    ...(isStacked(transport) && disks.size === 1 ? { baseDisk: [...disks][0]! } : {}),
    ...(transport === "dm" && !isPartition ? { aliases: mappedNames(path) } : {}),
    identity: null,
    reason: null,
  };
}

interface Attachment {
  readonly removable: boolean;
  /** Removable only because of the cable: the kernel doesn't call it so. */
  readonly isPluggable: boolean;
  /** The disks that it is, or is made of. */
  readonly disks: ReadonlySet<string>;
}

/** By these cables a disk can be pulled out, whatever it reports: most USB disks and many sticks report that they can't. */
const PLUGS: ReadonlySet<string | null> = new Set(["usb", "firewire"]);
/** The deepest stack of arrays and mappings that is followed. */
const MAX_STACK = 8;

const isStacked = (transport: string | null): boolean => transport === "dm" || transport === "md";

/** Whether the disk can be pulled out; what the kernel made of several can where one of them can. */
function attachmentOf(diskPath: string, transport: string | null, depth = 0): Attachment {
  const name = basename(diskPath);
  const disks = new Set([name]);
  if (readAttribute(`${diskPath}/removable`) === "1" || /^sr\d/.test(name)) {
    return { removable: true, isPluggable: false, disks };
  }
  if (PLUGS.has(transport)) return { removable: true, isPluggable: true, disks };
  if (!isStacked(transport) || depth > MAX_STACK) return { removable: false, isPluggable: false, disks };
  try {
    const parts = readdirSync(`${diskPath}/slaves`).map((slave) => {
      const path = realpathSync.native(`${diskPath}/slaves/${slave}`);
      const disk = readAttribute(`${path}/partition`) === null ? path : dirname(path);
      return attachmentOf(disk, transportOf(disk), depth + 1);
    });
    const loose = parts.filter(({ removable }) => removable);
    return {
      removable: loose.length > 0,
      isPluggable: loose.length > 0 && loose.every(({ isPluggable }) => isPluggable),
      disks: new Set(parts.flatMap((part) => [...part.disks])),
    };
  } catch {
    return { removable: false, isPluggable: false, disks };
  }
}

/** Transports of devices that the kernel makes of something else. */
const STACKED: ReadonlySet<string> = new Set(["loop", "md", "dm", "nbd", "zd", "rbd", "bcache"]);

/**
 * What a device path says of how a disk is attached: the first pattern that fits, those nearer to the cable first
 * (a USB disk is also a SCSI disk, a SATA disk too).
 */
const TRANSPORTS: readonly (readonly [RegExp, string])[] = [
  [/\/virtual\/block\/loop\d/, "loop"],
  [/\/virtual\/block\/md[\d_]/, "md"],
  [/\/virtual\/block\/dm-/, "dm"],
  [/\/virtual\/block\/nbd/, "nbd"],
  [/\/virtual\/block\/zd\d/, "zd"],
  [/\/rbd\d/, "rbd"],
  [/\/block\/bcache\d/, "bcache"],
  [/\/mtd\//, "mtd"],
  [/\/virtual\/nvme-subsystem\/|\/nvme\d/, "nvme"],
  [/\/usb\d/, "usb"],
  [/\/(mmc_host|mmc\d)/, "mmc"],
  [/\/fw\d/, "firewire"],
  [/\/session\d+\/target/, "iscsi"],
  [/\/rport-\d/, "fc"],
  [/\/(sas_|end_device-|expander-)/, "sas"],
  [/\/ata\d|\/ide\d/, "ata"],
  [/\/virtio\d+\/block\//, "virtio"],
  [/\/vbd-\d/, "xen"],
  [/\/(pmem|ndbus|btt)\d/, "nvdimm"],
  [/\/host\d+\/target/, "scsi"],
];

/** How the disk at this path below /sys is attached; null where the path doesn't tell. */
export function transportOf(devicePath: string): string | null {
  return TRANSPORTS.find(([pattern]) => pattern.test(devicePath))?.[1] ?? null;
}

/** What a device of each transport calls itself; SCSI, NVMe and the rest say `device/model`. */
const MODELS: Readonly<Record<string, string | null>> = {
  virtio: null,
  mmc: "device/name",
  dm: "dm/name",
  loop: "loop/backing_file",
};

function modelOf(diskPath: string, transport: string | null): string | null {
  const attribute = MODELS[transport ?? ""];
  if (attribute === null) return null;
  if (attribute !== undefined) return readAttribute(`${diskPath}/${attribute}`) || null;
  const model = readAttribute(`${diskPath}/device/model`);
  if (!model) return null;
  const vendor = readAttribute(`${diskPath}/device/vendor`);
  // "ATA" is what libata says for every disk, and virtio's vendor is a number.
  return vendor && vendor !== "ATA" && !vendor.startsWith("0x") ? `${vendor} ${model}` : model;
}

/** LVM's UUIDs are written in groups. */
const LVM_GROUPS = /^(.{6})(.{4})(.{4})(.{4})(.{4})(.{4})(.{6})$/;

/** GRUB's names for what device-mapper made (grub-core/disk/lvm.c, luks.c), by what made it. */
function mappedNames(path: string): string[] {
  const name = readAttribute(`${path}/dm/name`) ?? "";
  const uuid = readAttribute(`${path}/dm/uuid`) ?? "";
  const [, group, volume] = /^LVM-(\w{32})(\w{32})$/.exec(uuid) ?? [];
  if (group !== undefined && volume !== undefined) {
    const dashed = (text: string): string => text.replace(LVM_GROUPS, "$1-$2-$3-$4-$5-$6-$7");
    return [`lvm/${name}`, `lvmid/${dashed(group)}/${dashed(volume)}`];
  }
  const container = /^CRYPT-(?:LUKS\d|PLAIN)-([0-9a-f]{32})-/.exec(uuid)?.[1];
  return container === undefined ? [] : [`cryptouuid/${container}`];
}

function readAttribute(path: string): string | null {
  try {
    return readFileSync(path, "utf8").replace(/\0/g, "").trim();
  } catch {
    return null;
  }
}

/** NaN where there is no such attribute. */
function readNumber(path: string): number {
  return Number.parseInt(readAttribute(path) ?? "", 10);
}

/**
 * The order in which devices are listed: by kind of name, and among those of a kind by where they are attached (USB
 * last), which is the same at every start. Names are not: drivers look at their devices side by side, and whichever answers first
 * is `vda`. Last comes what is made of others, which is there only when these have answered.
 */
export function compareDevices(a: Placed, b: Placed): number {
  const isMade = ({ name }: Placed): number => (/^(dm-|md[\d_])/.test(name) ? 1 : 0);
  if (isMade(a) !== isMade(b)) return isMade(a) - isMade(b);
  const families = compareTexts(familyOf(a.name), familyOf(b.name));
  if (families !== 0) return families;
  const isUsb = ({ path = "" }: Placed): number => (/\/usb\d/.test(path) ? 1 : 0);
  if (isUsb(a) !== isUsb(b)) return isUsb(a) - isUsb(b);
  const left = placeOf(a);
  const right = placeOf(b);
  for (let i = 0; i < left.length && i < right.length; i++) {
    // PCI addresses are hexadecimal and of one width.
    const isPci = /^[0-9a-f]{4,}:[0-9a-f]{2}:/.test(left[i]!);
    const order = isPci ? compareTexts(left[i]!, right[i]!) : compareDeviceNames(left[i]!, right[i]!);
    if (order !== 0) return order;
  }
  return left.length - right.length || compareDeviceNames(a.name, b.name);
}

type Placed = Pick<BlockDevice, "name" | "path">;

/** `vd` of `vda1`, `nvme` of `nvme0n1p2`. */
function familyOf(name: string): string {
  return /^(sd|vd|xvd|hd)[a-z]/.exec(name)?.[1] ?? /^\D*/.exec(name)![0];
}

/** The device path in pieces, without the disk's own name. */
function placeOf({ path = "" }: Placed): string[] {
  return path.split("/").slice(1, -1);
}

function compareTexts(a: string, b: string): number {
  return a === b ? 0 : a < b ? -1 : 1;
}

/**
 * Natural order of kernel names: `vda` < `vda1` < `vdb`, `sd2` < `sd10`, and as the kernel counts, `sdz` < `sdaa`.
 */
export function compareDeviceNames(a: string, b: string): number {
  const left = nameParts(a);
  const right = nameParts(b);
  for (let i = 0; i < left.length && i < right.length; i++) {
    const x = left[i]!;
    const y = right[i]!;
    if (x === y) continue;
    if (typeof x === "number" && typeof y === "number") return x - y;
    return String(x) < String(y) ? -1 : 1;
  }
  return left.length - right.length;
}

function nameParts(name: string): (string | number)[] {
  const lettered = /^(sd|vd|xvd|hd)([a-z]+)(.*)$/.exec(name);
  const [family, rest] = lettered ? [lettered[1]!, lettered[3]!] : ["", name];
  const parts: (string | number)[] = lettered ? [family, letterNumber(lettered[2]!)] : [];
  for (const [part] of rest.matchAll(/\d+|\D+/g)) parts.push(/^\d/.test(part) ? Number(part) : part);
  return parts;
}

/** a 1, z 26, aa 27. */
function letterNumber(letters: string): number {
  let number = 0;
  for (const letter of letters) number = number * 26 + (letter.charCodeAt(0) - 96);
  return number;
}

/** What Baton itself has made to read another device: a layer in memory above a disk, and the file that holds it. */
function isBatonsOwn(path: string): boolean {
  return (
    (readAttribute(`${path}/dm/name`) ?? "").startsWith("baton-") ||
    (readAttribute(`${path}/loop/backing_file`) ?? "").startsWith(`${OWN_FOLDER}/`)
  );
}
