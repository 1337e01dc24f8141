/**
 * A filesystem mounted for writing, for a moment. Never one that is removable, dirty or in use, and never one on which
 * a file's blocks move when it is written.
 */

import { constants, mkdirSync, realpathSync, rmdirSync } from "node:fs";
import { open } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { BatonError, describeError } from "../errors.ts";
import { isReadOnly, setReadOnly } from "../linux/blkdev.ts";
import { MS_NODEV, MS_NOEXEC, MS_NOSUID, MS_RDONLY, MS_SILENT, mount, unmount } from "../linux/mount.ts";
import { OWN_FOLDER } from "../linux/ownimage.ts";
import { log } from "../log.ts";
import { filesystem } from "../volumes/filesystems.ts";

/** What is known of the device, looked at just now. */
export interface WritableDevice {
  readonly name: string;
  readonly node: string;
  readonly type: string | null;
  readonly removable: boolean;
  readonly dirty: boolean;
  readonly transport: string | null;
}

const FLAGS = MS_NODEV | MS_NOEXEC | MS_NOSUID | MS_SILENT;
const ROOT = `${OWN_FOLDER}/state`;
const TIMEOUT_MS = 20_000;

/** Why nothing may be written to it, else null. As far as can be told without mounting it. */
export function writeRefusal(device: WritableDevice): string | null {
  if (device.removable) return "it is removable";
  if (filesystem(device.type).writable === null) {
    return `${device.type ?? "what is on it"} does not keep a file in its place when it is written`;
  }
  // GRUB does not write to these either: each write would have to go to several disks.
  if (device.transport === "md" || device.transport === "dm") return "it is spread over other devices";
  if (device.dirty) return "it was not unmounted cleanly, and has to be checked first";
  return null;
}

/**
 * Mounts it for writing, does the work, unmounts it, and leaves the device as it was found.
 * @param work gets the folder where the filesystem's root is
 * @throws BatonError where nothing may be written, with the reason; what `work` throws
 */
export async function withWritable(device: WritableDevice, work: (root: string) => Promise<void>): Promise<void> {
  const refusal = writeRefusal(device);
  const { writable } = filesystem(device.type);
  if (refusal !== null || writable === null) throw new BatonError("refused", `${device.name}: ${refusal}`);
  const { driver, data, clean } = writable;
  const target = `${ROOT}/${device.name}`;
  mkdirSync(target, { recursive: true, mode: 0o700 });
  await waitUntilFree(device);
  const wasReadOnly = await isReadOnly(device.node);
  const source = device.node;
  try {
    // The kernel's own opinion: on a read-only device it refuses what would have to replay a journal first.
    if (!wasReadOnly) await setReadOnly(source, true);
    await mount({ source, target, type: driver, flags: FLAGS | MS_RDONLY, data: clean, timeoutMs: TIMEOUT_MS }).catch(
      (error) => {
        throw new BatonError(
          "refused",
          `${device.name}: it has to be checked before it is written: ${describeError(error)}`,
        );
      },
    );
    await unmount(target, { timeoutMs: TIMEOUT_MS });
    await setReadOnly(source, false);
    await mount({ source, target, type: driver, flags: FLAGS, data, timeoutMs: TIMEOUT_MS });
    try {
      await work(realpathSync(target));
    } finally {
      await unmount(target, { timeoutMs: TIMEOUT_MS });
    }
  } finally {
    await setReadOnly(source, wasReadOnly).catch((error) => log.warn(describeError(error)));
    try {
      rmdirSync(target);
    } catch {
      // Still mounted, where unmounting failed: that has been told.
    }
  }
}

/** How long readers may take to let go of the filesystem, in milliseconds. */
const BUSY_MS = 5000;

/**
 * O_EXCL fails on a block device that anything has claimed: a mount, also one that was detached while a file of it was
 * open, or in another namespace. On a running system a filesystem in use must not be touched.
 */
async function waitUntilFree({ node, name }: WritableDevice): Promise<void> {
  const { O_RDONLY, O_EXCL, O_NONBLOCK } = constants;
  for (const end = performance.now() + BUSY_MS; ; await sleep(100)) {
    try {
      await (await open(node, O_RDONLY | O_EXCL | O_NONBLOCK)).close();
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EBUSY") throw error;
      if (performance.now() > end) throw new BatonError("refused", `${name}: it is in use`, { cause: error });
    }
  }
}
