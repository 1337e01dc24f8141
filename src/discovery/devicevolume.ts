/** A device that was probed, as discovery knows it: what is said of it, and the filesystem on it as a volume. */

import { type BlockDevice, type Identity, identityOf } from "../devices/device.ts";
import { describeError } from "../errors.ts";
import type { Subvolume } from "../formats/format.ts";
import { log } from "../log.ts";
import { deadlineFiles } from "../volumes/files.ts";
import { filesystem } from "../volumes/filesystems.ts";
import { type MountedVolume, mountDevice } from "../volumes/mounted.ts";
import { openPartition } from "../volumes/partitionfile.ts";
import type { Volume } from "../volumes/volume.ts";
import type { DeviceFacts } from "./discovery.ts";
import { diskOf } from "./startdisk.ts";

/** Baton reads a filesystem as it lies on the disk; files that only its journal knows are missing. */
const REPLAYED = "it was not unmounted cleanly: its journal was replayed in memory, and the disk is as it was";
const STALE = "it was not unmounted cleanly: what Baton reads may be old, and newer kernels missing";

export function factsOf(device: BlockDevice): DeviceFacts {
  return {
    name: device.name,
    size: device.size,
    type: device.identity?.type ?? null,
    uuid: device.identity?.uuid ?? null,
    label: device.identity?.label ?? null,
    model: device.model,
    transport: device.transport,
    reason: device.reason,
    note: device.identity?.usage === "filesystem" && device.identity.dirty ? STALE : null,
  };
}

interface VolumeHooks {
  /** For one operation on the device. */
  readonly timeoutMs: number;
  /** Replay journals in memory. */
  readonly replays: boolean;
  /** Every device that there is, asked when it is mounted: a btrfs may lie on several. */
  devices(): Iterable<BlockDevice>;
  /** Which disk Baton was started from may be known only when another partition of it has answered. */
  isRemovable(): boolean;
  onNote(note: string): void;
}

/** What is a volume: a filesystem, or an image that takes a whole partition. */
export const isReadable = (usage: Identity["usage"]): boolean => usage === "filesystem" || usage === "image";

/** Nothing is mounted before it is read. */
export function deviceVolume(device: BlockDevice, hooks: VolumeHooks): Volume {
  return {
    ...identityOf(device),
    type: device.identity?.type ?? null,
    aliases: device.aliases ?? [],
    disk: device.disk,
    partition: device.partition,
    scheme: device.scheme,
    get removable() {
      return hooks.isRemovable();
    },
    isPluggable: device.isPluggable ?? false,
    baseDisk: diskOf(device),
    ...treeOf(device, hooks),
  };
}

type Tree = Pick<Volume, "reader" | "hostPath" | "extent" | "close" | "subvolumes">;

function treeOf(device: BlockDevice, hooks: VolumeHooks): Tree {
  const { timeoutMs, replays } = hooks;
  const { type = null, usage, uuid = null } = device.identity ?? {};
  if (type !== null && usage === "image") {
    return openPartition(device.name, type, device, deadlineFiles(timeoutMs, device.name));
  }
  const mounted = mountDevice(device, {
    ...{ timeoutMs, replays },
    siblings: () =>
      [...hooks.devices()]
        .filter((other) => other.name !== device.name && other.identity?.uuid === uuid)
        .map((other) => other.node),
    onDirty: (isReplayed) => hooks.onNote(isReplayed ? REPLAYED : STALE),
  });
  return {
    reader: mounted.reader,
    hostPath: (path) => mounted.hostPath(path),
    ...(filesystem(type).hasSubvolumes && { subvolumes: () => subvolumesOf(device.name, mounted) }),
    close: () => mounted.close(),
  };
}

async function subvolumesOf(name: string, mounted: MountedVolume): Promise<readonly Subvolume[]> {
  try {
    const { listSubvolumes } = await import("../volumes/btrfs.ts");
    return await listSubvolumes(await mounted.root());
  } catch (error) {
    log.debug(`${name}: its subvolumes are not known: ${describeError(error)}`);
    return [];
  }
}

/** Subvolumes and snapshots of a btrfs, in words; empty for any other filesystem. Never rejects. */
export async function subvolumeTexts(volume: Volume): Promise<readonly string[]> {
  if (volume.subvolumes === undefined) return [];
  const { describeSubvolume } = await import("../volumes/btrfs.ts");
  return (await volume.subvolumes()).map(describeSubvolume);
}
