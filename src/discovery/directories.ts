/**
 * `--disk SPEC`: directories that stand for a machine's disks, and files for partitions without a filesystem. Nothing of
 * the host is read.
 */

import { closeSync, openSync, readSync, statSync } from "node:fs";
import { identityReason } from "../devices/probe.ts";
import { identify } from "../devices/probes/table.ts";
import { BatonError, describeError } from "../errors.ts";
import type { Platform } from "../formats/format.ts";
import type { VolumeIdentity } from "../identity.ts";
import type { BootRules } from "../policy/readconfig.ts";
import { openDirectory } from "../volumes/directory.ts";
import { syncFiles } from "../volumes/files.ts";
import { filesystem } from "../volumes/filesystems.ts";
import { openPartition } from "../volumes/partitionfile.ts";
import type { Volume } from "../volumes/volume.ts";
import { type DeviceFacts, Discovery } from "./discovery.ts";

/** A directory that stands for a filesystem's root (docs/interfaces.md, "Commands"). */
export interface DiskSpec extends VolumeIdentity {
  /** Absolute path on this machine. */
  readonly directory: string;
  readonly type: string | null;
}

/** Reads every directory; one that isn't there is a device with a reason. */
export async function discoverDirectories(
  specs: readonly DiskSpec[],
  platform: Platform,
  rules: BootRules,
): Promise<Discovery> {
  const discovery = new Discovery(platform);
  // Before there is anything to choose from: the list is made anew for them.
  discovery.setRules(rules);
  for (const spec of specs) {
    const facts: DeviceFacts = {
      name: spec.name,
      size: null,
      type: spec.type,
      uuid: spec.uuid,
      label: spec.label,
      model: null,
      transport: null,
      reason: null,
    };
    if (discovery.devices.some(({ name }) => name === spec.name)) {
      throw new BatonError("usage", `--disk ${spec.name}=…: two disks can't have the same name`);
    }
    const stats = statSync(spec.directory, { throwIfNoEntry: false });
    if (stats?.isFile()) {
      const image = await imageVolume(spec, stats.size);
      if (typeof image === "string") discovery.noteDevice({ ...facts, reason: image });
      else discovery.attach(image, { ...facts, size: stats.size, type: image.type });
      continue;
    }
    if (!stats?.isDirectory()) {
      discovery.noteDevice({ ...facts, reason: `${spec.directory} is not a directory` });
      continue;
    }
    const unreadable = spec.type === null ? null : identityReason({ type: spec.type });
    if (unreadable !== null) {
      discovery.noteDevice({ ...facts, reason: unreadable });
      continue;
    }
    const reader = openDirectory(spec.directory, { caseInsensitive: filesystem(spec.type).caseless ?? false });
    const tree = { reader, hostPath: (path: string) => reader.hostPath(path), close: async () => {} };
    discovery.attach({ ...volumeOf(spec), ...tree }, facts);
  }
  await discovery.scan();
  await discovery.scanIsoFiles();
  return discovery;
}

function volumeOf({
  name,
  type,
  uuid,
  label,
  partuuid,
  partlabel,
}: DiskSpec): Omit<Volume, "reader" | "hostPath" | "close"> {
  return { name, type, uuid, label, partuuid, partlabel, disk: null, partition: null, scheme: null, removable: false };
}

/** A file that stands for a partition; why it doesn't, as a sentence. */
async function imageVolume(spec: DiskSpec, size: number): Promise<Volume | string> {
  const { name, directory: node, partlabel } = spec;
  const fd = openSync(node, "r");
  try {
    const read = async (offset: number, length: number): Promise<Uint8Array> => {
      const bytes = Buffer.alloc(Math.max(0, Math.min(length, size - offset)));
      return bytes.subarray(0, readSync(fd, bytes, 0, bytes.length, offset));
    };
    const identity = await identify(read, size);
    if (identity?.usage !== "image")
      return `${node} is neither a directory nor a partition's image without a filesystem`;
    const tree = openPartition(name, identity.type, { node, size, partlabel }, syncFiles);
    return { ...volumeOf(spec), type: identity.type, ...tree };
  } catch (error) {
    return `${node}: ${describeError(error)}`;
  } finally {
    closeSync(fd);
  }
}
