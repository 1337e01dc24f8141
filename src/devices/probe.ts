/** Finds out what is on a device, and says why nothing can be read from it where that is so. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { BatonError, describeError } from "../errors.ts";
import { isEmptyDrive } from "../linux/blkdev.ts";
import { arrayNames, membersOf } from "./arraynames.ts";
import { readBlockDevice } from "./block.ts";
import type { BlockDevice, Identity } from "./device.ts";
import type { Partition, PartitionTable } from "./partitions/partition.ts";
import { readPartitionTable } from "./partitions/table.ts";
import { identifyWindow } from "./probes/table.ts";
import { Window } from "./probes/window.ts";
import { Deadline, withDevice } from "./reader.ts";

/** Enough for a disk that has to spin up. */
const DEFAULT_PROBE_TIMEOUT_MS = 10_000;

interface ProbeOptions {
  /** For everything that is read from the device together. */
  readonly timeoutMs?: number;
  /** Where sysfs is mounted. */
  readonly sysfs?: string;
}

/** What one device's bytes say. */
interface Contents {
  readonly size: number;
  readonly identity: Identity | null;
  /** Why it is nothing that Baton reads, else null. */
  readonly reason: string | null;
  /** Of a whole disk. */
  readonly table: PartitionTable | null;
}

/** Disks that are being read now, or were just now: their partitions wait for the one reading, or take what it gave. */
const reading = new Map<string, Promise<Contents>>();
/** How long what a disk gave is good for its partitions: they are probed one after the other. */
const RECENT_MS = 2000;

/**
 * Reads what is on a device, off the main thread. Several may be probed in parallel; a partition waits for its disk,
 * and one on a disk that doesn't answer isn't touched.
 * @returns the device with `identity`, `partuuid` and so on filled in, or with `reason`. Never rejects.
 */
export async function probeDevice(device: BlockDevice, options: ProbeOptions = {}): Promise<BlockDevice> {
  const { timeoutMs = DEFAULT_PROBE_TIMEOUT_MS, sysfs = "/sys" } = options;
  const deadline = new Deadline(timeoutMs);
  if (device.disk === null) {
    try {
      if (isOptical(device) && (await isEmpty(device, timeoutMs))) return { ...device, reason: EMPTY };
      const { size, identity, reason } = (await readDisk(device, deadline, sysfs))!;
      return { ...device, ...(await namesOf(device, deadline, sysfs)), size, identity, reason };
    } catch (error) {
      const empty = isOptical(device) && error instanceof BatonError && error.code === "io";
      return { ...device, isUnread: true, reason: empty ? EMPTY : describeError(error) };
    }
  }

  let disk: Contents | null = null;
  try {
    disk = await readDisk(device.disk, deadline, sysfs);
  } catch (error) {
    if (error instanceof BatonError && error.code === "timeout") {
      return { ...device, isUnread: true, reason: `its disk ${device.disk} ${error.message}` };
    }
    // A disk with a bad first sector may still have good partitions; they stay without PARTUUID.
  }
  const facts = partitionFacts(device, disk?.table ?? null);
  const { aliases = [] } = await namesOf(device, deadline, sysfs);
  const names = aliases.map((alias) => `${alias},${facts.scheme ?? ""}${device.partition}`);
  const named = { ...device, ...(names.length > 0 && { aliases: names }), ...facts };
  if (disk?.identity && (disk.identity.usage === "raid" || disk.identity.usage === "crypto")) {
    return { ...named, reason: `belongs to ${device.disk}, which is ${disk.reason}` };
  }
  try {
    const { identity, reason } = await readContents(named, deadline, sysfs);
    return { ...named, identity, reason: reason ?? duplicateReason(named, identity, disk?.identity ?? null) };
  } catch (error) {
    return { ...named, isUnread: true, reason: describeError(error) };
  }
}

const EMPTY = "no disc in the drive, or an unreadable one";

/** False also where the drive can't tell: reading does. */
function isEmpty({ node }: BlockDevice, timeoutMs: number): Promise<boolean> {
  return isEmptyDrive(node, { timeoutMs }).catch((error) => {
    if (error instanceof BatonError && error.code === "timeout") throw error;
    return false;
  });
}

/** The names that GRUB has for the software RAID array that a device is, or lies on; nothing for any other device. */
async function namesOf(
  { name: own, disk, transport }: BlockDevice,
  deadline: Deadline,
  sysfs: string,
): Promise<Pick<BlockDevice, "aliases">> {
  if (transport !== "md") return {};
  const name = disk ?? own;
  for (const member of membersOf(name, sysfs)) {
    const device = readBlockDevice(member, sysfs);
    if (device === null) continue;
    try {
      const { identity } = await readContents(device, deadline, sysfs);
      const aliases = identity === null ? [] : arrayNames(name, identity);
      if (aliases.length > 0) return { aliases };
    } catch {
      // Another member knows it as well.
    }
  }
  return {};
}

/**
 * @param disk or its name: sysfs is asked about it only where it isn't being read already
 * @returns null where there is no such disk (any more)
 */
async function readDisk(disk: BlockDevice | string, deadline: Deadline, sysfs: string): Promise<Contents | null> {
  const isPartitions = typeof disk === "string";
  const key = join(sysfs, isPartitions ? disk : disk.name);
  const recent = isPartitions ? reading.get(key) : undefined;
  if (recent !== undefined) return recent;
  const whole = isPartitions ? readBlockDevice(disk, sysfs) : disk;
  if (whole === null) return null;
  const contents = readContents(whole, deadline, sysfs);
  reading.set(key, contents);
  const forget = (): void => {
    const timer = setTimeout(() => {
      if (reading.get(key) === contents) reading.delete(key);
    }, RECENT_MS);
    timer.unref();
  };
  contents.then(forget, forget);
  return contents;
}

function readContents(device: BlockDevice, deadline: Deadline, sysfs: string): Promise<Contents> {
  const wholeDisk = device.disk === null;
  return withDevice(device.node, deadline, async (read) => {
    // Opening is what makes a drive look at its medium; before, sysfs has the size of the last one.
    const size = (wholeDisk ? readBlockDevice(device.name, sysfs)?.size : null) ?? device.size;
    const optical = isOptical(device);
    // Only partition tables count in sectors.
    const window = new Window(
      read,
      size,
      wholeDisk ? { wholeDisk, optical, sectorSize: sectorSizeOf(device, sysfs) } : {},
    );
    const table = wholeDisk ? await readPartitionTable(window) : null;
    let identity: Identity | null = null;
    try {
      identity = await identifyWindow(window);
    } catch (error) {
      if (!(error instanceof BatonError) || error.code !== "bad-format") throw error;
      return { size, identity, reason: error.message, table };
    }
    const reason = identity ? identityReason(identity) : await unknownReason(device, window, table);
    return { size, identity, reason, table };
  });
}

/** PARTUUID and the rest for the partition that the kernel shows, if the table has one there. */
function partitionFacts(device: BlockDevice, table: PartitionTable | null): Partial<BlockDevice> {
  if (!table) return {};
  const here = (partition: Partition): boolean => partition.start === device.start;
  const partition =
    table.partitions.find((candidate) => here(candidate) && candidate.number === device.partition) ??
    table.partitions.find(here);
  if (!partition) return {};
  return {
    scheme: table.scheme,
    partuuid: partition.uuid,
    partlabel: partition.name,
    partitionType: partition.type,
    ...(partition.attributes === undefined ? {} : { partitionAttributes: partition.attributes }),
  };
}

const CANNOT = "Baton cannot open it yet";

const REASONS: Readonly<Record<string, (version: string) => string>> = {
  crypto_LUKS: (version) => `encrypted (LUKS${version})`,
  BitLocker: () => `encrypted (BitLocker): ${CANNOT}`,
  LVM2_member: () => "an LVM2 physical volume",
  linux_raid_member: (version) => `a member of a Linux RAID (metadata ${version})`,
  isw_raid_member: () => `a member of an Intel firmware RAID: ${CANNOT}`,
  bcache: () => `a bcache device: ${CANNOT}`,
  zfs_member: () => "a member of a ZFS pool: Linux has no driver for it",
  apfs: () => "an APFS container: Linux has no driver for it",
  swap: () => "swap space, nothing to boot",
  swsuspend: () => "the memory of a hibernated system, nothing to boot",
  jbd: () => "the journal of another filesystem, nothing to boot",
};

/** Why what was recognised can't be read, else null. */
export function identityReason({ type, version }: Pick<Identity, "type"> & Partial<Identity>): string | null {
  return REASONS[type]?.(version ?? "") ?? null;
}

async function unknownReason(device: BlockDevice, window: Window, table: PartitionTable | null): Promise<string> {
  if (table) {
    const count = table.partitions.length;
    const kind = table.scheme === "gpt" ? "GPT" : "MBR";
    return `holds a partition table (${kind}, ${count} partition${count === 1 ? "" : "s"})`;
  }
  if (["0x5", "0xf", "0x85"].includes(device.partitionType ?? "")) return "an extended partition, holds logical ones";
  const start = await window.bytes(0, Math.min(512, window.size));
  if (!start) return "cannot be read: it ends before its first sector does";
  if (start.every((byte) => byte === 0)) return "no known filesystem (begins with zeros)";
  const bytes = [...start.subarray(0, 8)].map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
  return `no known filesystem (begins with ${bytes})`;
}

/** The partition of a hybrid ISO image shows the filesystem that its disk shows: once is enough. */
function duplicateReason(device: BlockDevice, identity: Identity | null, disk: Identity | null): string | null {
  if (identity?.type !== "iso9660" || disk?.type !== "iso9660" || identity.uuid !== disk.uuid) return null;
  return `the same filesystem as ${device.disk}`;
}

function isOptical(device: BlockDevice): boolean {
  return /^sr\d/.test(device.name);
}

function sectorSizeOf(device: BlockDevice, sysfs: string): number {
  try {
    const size = Number(readFileSync(join(sysfs, "class/block", device.name, "queue/logical_block_size"), "utf8"));
    return Number.isFinite(size) ? Math.max(size, 512) : 512;
  } catch {
    return 512;
  }
}
