/**
 * A file that holds a filesystem (squashfs, ext4…), as a volume: behind a loop device that can't be written, it is
 * mounted as a disk's is, and not a byte of it changes.
 */

import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import type { BlockDevice, Identity } from "../devices/device.ts";
import { BatonError, describeError } from "../errors.ts";
import { attachReadOnly, detachFile } from "../linux/loopdevice.ts";
import { log } from "../log.ts";
import { type MountedVolume, mountDevice } from "./mounted.ts";
import type { FileExtent } from "./volume.ts";

/** A loop device and what is mounted from it. */
interface Attached {
  readonly node: string;
  readonly volume: MountedVolume;
}

/**
 * Touches nothing until the reader's first call; then as {@link mountDevice}.
 * @param name the volume's: `vda1+root.squashfs`
 * @param place where its bytes are on this machine, asked each time that it is attached
 */
export function mountImage(
  name: string,
  identity: Identity,
  place: () => Promise<FileExtent>,
): Pick<MountedVolume, "reader" | "hostPath" | "close"> {
  let attached: Promise<Attached> | null = null;
  const volume = async (): Promise<MountedVolume> => {
    attached ??= attach(name, identity, place);
    return (await attached).volume;
  };
  const reader: MountedVolume["reader"] = {
    read: async (path, limit) => (await volume()).reader.read(path, limit),
    readAt: async (path, offset, length) => (await volume()).reader.readAt(path, offset, length),
    list: async (path) => (await volume()).reader.list(path),
    stat: async (path) => (await volume()).reader.stat(path),
    hostPath: async (path) => (await volume()).hostPath(path),
  };
  return {
    reader,
    hostPath: reader.hostPath,
    async close() {
      const closing = attached;
      attached = null;
      const done = await closing?.catch(() => null);
      if (!done) return;
      await done.volume.close();
      detach(name, done.node);
    },
  };
}

async function attach(name: string, identity: Identity, place: () => Promise<FileExtent>): Promise<Attached> {
  const extent = await place();
  let node: string;
  try {
    await loadDriver();
    node = await attachReadOnly(extent.hostPath, extent.offset, extent.size);
  } catch (error) {
    if (error instanceof BatonError && error.code === "timeout") throw error;
    throw new BatonError("io", `${name} cannot be opened: no loop device: ${describeError(error)}`, { cause: error });
  }
  const device: BlockDevice = {
    ...{ name, node, size: extent.size, kind: "other" as const, disk: null, partition: null, scheme: null },
    ...{ partuuid: null, partlabel: null, partitionType: null, removable: false, transport: "loop", model: null },
    ...{ identity, reason: null },
  };
  const volume = mountDevice(device);
  try {
    await volume.reader.stat("/");
  } catch (error) {
    await volume.close();
    detach(name, node);
    throw error;
  }
  return { node, volume };
}

function detach(name: string, node: string): void {
  try {
    detachFile(node);
  } catch (error) {
    log.debug(`${name}: ${describeError(error)}`);
  }
}

async function loadDriver(): Promise<void> {
  if (existsSync("/dev/loop-control")) return;
  await new Promise<void>((resolve) => {
    execFile("modprobe", ["-q", "loop"], { timeout: 20_000 }, () => resolve());
  });
}
