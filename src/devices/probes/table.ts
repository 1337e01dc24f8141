/** Every format that Baton can name, and which of several finds counts. */

import { BatonError } from "../../errors.ts";
import type { Identity } from "../device.ts";
import { androidProbes } from "./android.ts";
import { apfs } from "./apfs.ts";
import { bcache } from "./bcache.ts";
import { bitlocker } from "./bitlocker.ts";
import { btrfs } from "./btrfs.ts";
import { erofs } from "./erofs.ts";
import { exfat } from "./exfat.ts";
import { ext } from "./ext.ts";
import { f2fs } from "./f2fs.ts";
import { intelRaid } from "./intelraid.ts";
import { iso9660 } from "./iso9660.ts";
import { jfs } from "./jfs.ts";
import { luks } from "./luks.ts";
import { lvm } from "./lvm.ts";
import { md } from "./md.ts";
import { ntfs } from "./ntfs.ts";
import type { Magic, Probe } from "./probe.ts";
import { reiserfs } from "./reiserfs.ts";
import { squashfs } from "./squashfs.ts";
import { swap, swsuspend } from "./swap.ts";
import { vfat } from "./vfat.ts";
import { type ReadDevice, Window, type WindowOptions } from "./window.ts";
import { xfs } from "./xfs.ts";
import { zfs } from "./zfs.ts";

/**
 * In blkid's order: RAID and encryption first, since what is inside can show through (a RAID 1 member looks like
 * the filesystem in it), then filesystems.
 */
export const PROBES: readonly Probe[] = [
  md,
  intelRaid,
  bcache,
  lvm,
  luks,
  bitlocker,
  vfat,
  swsuspend,
  swap,
  xfs,
  ext,
  reiserfs,
  jfs,
  iso9660,
  ntfs,
  squashfs,
  btrfs,
  exfat,
  f2fs,
  apfs,
  erofs,
  zfs,
  ...androidProbes,
];

/** Anything smaller, as the stub of an extended partition, holds nothing. */
const MIN_SIZE = 1024 + 1;
/** On a floppy's size the first find counts. */
const TINY = 1440 * 1024;

/**
 * What is on a device, as blkid decides it: a RAID member or an encrypted device is that, whatever shows through;
 * a device that looks like two filesystems is neither.
 * @param size bytes.
 * @returns null where nothing is recognised.
 * @throws BatonError `bad-format` where it looks like two filesystems; what `read` throws for the first 128 KiB,
 *   and `timeout`.
 */
export async function identify(read: ReadDevice, size: number, options: WindowOptions = {}): Promise<Identity | null> {
  return identifyWindow(new Window(read, size, options));
}

/** {@link identify} on a window that others use too. */
export async function identifyWindow(window: Window): Promise<Identity | null> {
  if (window.size < MIN_SIZE) return null;
  const tiny = window.size <= TINY;
  const found: { probe: Probe; identity: Identity }[] = [];
  for (const probe of PROBES) {
    if (window.size < (probe.least ?? 0) || (tiny && probe.usage === "raid")) continue;
    // The end of a disc may be unreadable, which takes a drive long to say.
    if (window.optical && (probe.usage === "raid" || probe.usage === "other")) continue;
    if (probe.last && found.length > 0) continue;
    const identity = await tryProbe(probe, window);
    if (!identity) continue;
    if (tiny) return identity;
    found.push({ probe, identity });
    if (probe.usage === "raid" || probe.usage === "crypto") break;
  }
  const first = found[0];
  const last = found.at(-1);
  if (!first || !last) return null;
  if (found.length > 1 && found.some(({ probe }) => !probe.tolerant)) {
    const types = found.map(({ identity }) => identity.type);
    throw new BatonError(
      "bad-format",
      `looks like ${types.slice(0, -1).join(", ")} and ${types.at(-1)} at once; erase the old signature with wipefs`,
    );
  }
  return first.identity;
}

async function tryProbe(probe: Probe, window: Window): Promise<Identity | null> {
  const magic = await findMagic(probe.magics, window);
  if (probe.magics.length > 0 && !magic) return null;
  const match = await probe.read(window, magic);
  if (!match) return null;
  return {
    type: match.type ?? probe.type,
    usage: match.type === "jbd" ? "other" : probe.usage,
    uuid: match.uuid,
    label: match.label,
    dirty: match.dirty ?? false,
    version: match.version ?? null,
    ...(match.devices === undefined ? {} : { devices: match.devices }),
  };
}

async function findMagic(magics: readonly Magic[], window: Window): Promise<Magic | null> {
  for (const magic of magics) {
    const there = await window.bytes(magic.at, magic.bytes.length);
    if (there?.toString("latin1") === magic.bytes) return magic;
  }
  return null;
}
