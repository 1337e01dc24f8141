/** A filesystem on a device: mounted read-only at the first use, and never written to. */

import * as fs from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { BlockDevice } from "../devices/device.ts";
import { BatonError, describeError } from "../errors.ts";
import { isReadOnly, setReadOnly } from "../linux/blkdev.ts";
import { withDeadline } from "../linux/deadline.ts";
import { closeDescriptor, openDescriptor } from "../linux/descriptor.ts";
import { LinuxError } from "../linux/error.ts";
import {
  MS_BIND,
  MS_NODEV,
  MS_NOEXEC,
  MS_NOSUID,
  MS_RDONLY,
  MS_REMOUNT,
  MS_SILENT,
  mount,
  unmount,
} from "../linux/mount.ts";
import { inOwnImage, OWN_FOLDER } from "../linux/ownimage.ts";
import { log } from "../log.ts";
import { driverHasCome } from "./driver.ts";
import { deadlineFiles } from "./files.ts";
import { explainRefusal, filesystem, isWorthAnotherTry, mountTries } from "./filesystems.ts";
import { mountsOf } from "./mountinfo.ts";
import type { ReplayLayer } from "./replay.ts";
import { type HostReader, HostTree } from "./tree.ts";

interface MountOptions {
  /** Folder below which volumes are mounted, by device name; unless given, see {@link mountFolder}. */
  readonly mountRoot?: string;
  /** For one operation on the device: the mounting, or one read. */
  readonly timeoutMs?: number;
  /**
   * Nodes of other devices with the same filesystem UUID, asked when it is mounted: a btrfs over several devices
   * needs them all.
   */
  readonly siblings?: () => readonly string[];
  /**
   * Replay the journal of a filesystem that was not unmounted cleanly, in memory above the disk; where that can't be
   * done it is read as it lies. Not on a host, whose own tools have device-mapper.
   */
  readonly replays?: boolean;
  /** Called when it is mounted and was dirty: whether what is read is as new as the journal. */
  readonly onDirty?: (isReplayed: boolean) => void;
}

export interface MountedVolume {
  readonly reader: HostReader;
  readonly mounted: boolean;
  /** As the reader's. */
  hostPath(path: string): Promise<string>;
  /** The folder at which it is mounted. Mounts it, and rejects as the reader does. */
  root(): Promise<string>;
  /** Unmounts, and leaves the device as it was found. The volume mounts again when it is read again. Never rejects. */
  close(): Promise<void>;
}

/**
 * For mounting itself: the kernel first loads the filesystem's driver, which on a slow machine takes longer than any
 * disk (btrfs brings RAID code that measures itself). A disk that is dead was found out when it was probed.
 */
const DRIVER_MS = 60_000;

const FLAGS = MS_RDONLY | MS_NODEV | MS_NOEXEC | MS_NOSUID;

/** What has to be taken back at the end. */
interface MountState {
  readonly tree: HostTree;
  readonly target: string;
  /** Devices that were writable before. */
  readonly writable: readonly string[];
  /** What lies in memory above the device. */
  readonly layer: ReplayLayer | null;
}

/**
 * Touches nothing until the reader's first call, which mounts; calls at the same time wait for the one mounting. A
 * failure is remembered until `close`. Every rejection is a BatonError as Reader's; a refused mount is `io`.
 * @param device probed, with a filesystem on it.
 */
export function mountDevice(device: BlockDevice, options: MountOptions = {}): MountedVolume {
  const { mountRoot, timeoutMs = 10_000, siblings = () => [] } = options;
  let state: Promise<MountState> | null = null;
  let mounted = false;

  const mount = (): Promise<MountState> => {
    if (!state) {
      const starting = mountReadOnly(device, mountRoot, timeoutMs, siblings, options);
      state = starting;
      // The reader's caller gets the failure; here it only means that nothing is mounted.
      starting.then(
        () => {
          mounted = state === starting;
        },
        () => {},
      );
    }
    return state;
  };
  const tree = async (): Promise<HostTree> => (await mount()).tree;

  const reader: HostReader = {
    read: async (path, limit) => (await tree()).read(path, limit),
    readAt: async (path, offset, length) => (await tree()).readAt(path, offset, length),
    list: async (path) => (await tree()).list(path),
    stat: async (path) => (await tree()).stat(path),
    realPath: async (path) => (await tree()).realPath(path),
    hostPath: async (path) => (await tree()).hostPath(path),
  };
  return {
    reader,
    get mounted() {
      return mounted;
    },
    hostPath: reader.hostPath,
    root: async () => (await mount()).target,
    async close() {
      const closing = state;
      state = null;
      mounted = false;
      const done = await closing?.catch(() => null);
      if (done) await takeBack(device.name, done, timeoutMs);
    },
  };
}

async function mountReadOnly(
  device: BlockDevice,
  mountRoot: string | undefined,
  timeoutMs: number,
  siblings: () => readonly string[],
  { replays = false, onDirty }: MountOptions,
): Promise<MountState> {
  const type = device.identity?.type;
  if (!type) throw new BatonError("unsupported", `${device.name} cannot be mounted: ${device.reason ?? "not probed"}`);
  const target = makeMountPoint(mountRoot ?? mountFolder(), device.name);
  const writable: string[] = [];
  let layer: ReplayLayer | null = null;
  try {
    const inUse = mountsOf(device.name, device.node);
    if (inUse.length > 0 && !filesystem(type).hasSubvolumes) {
      await bindMounted(device, inUse.find((other) => other.root === "/")?.mountPoint, target, timeoutMs);
    } else {
      const others = (device.identity?.devices ?? 1) > 1 ? siblings() : [];
      // A filesystem that this system has mounted must not become read-only underneath it.
      if (inUse.length === 0) {
        for (const node of [device.node, ...others]) await protect(device.name, node, writable, timeoutMs);
      }
      const isDirty = await needsReplay(device, type, target, timeoutMs, replays && others.length === 0);
      if (isDirty === "mounted") {
        log.debug(`${device.name}: its log is clean`);
      } else {
        if (isDirty && replays && others.length === 0) layer = await mountReplayed(device, type, target, timeoutMs);
        if (layer === null) await tryMounts(device, type, others, target, timeoutMs);
        if (isDirty) onDirty?.(layer !== null);
      }
    }
  } catch (error) {
    await layer?.release();
    await restore(writable, timeoutMs);
    removeMountPoint(target);
    throw error instanceof LinuxError ? mountError(device.name, type, error) : error;
  }
  log.debug(`${device.name}: ${type} mounted on ${target}`);
  const isCaseless = filesystem(type).caseless ?? false;
  const tree = new HostTree(target, deadlineFiles(timeoutMs, device.name), { name: device.name, isCaseless });
  return { tree, target, writable, layer };
}

/**
 * Whether something waits to be replayed. xfs alone keeps that to itself: on a device that can't be written it refuses
 * a mount that would have to replay, and any other is as good as one.
 */
async function needsReplay(
  device: BlockDevice,
  type: string,
  target: string,
  timeoutMs: number,
  mayReplay: boolean,
): Promise<boolean | "mounted"> {
  const { replay, isDirtyHidden } = filesystem(type);
  if (replay === null) return false;
  if (!isDirtyHidden || !mayReplay) return device.identity?.dirty === true;
  const wait = Math.max(timeoutMs, DRIVER_MS);
  const request = { source: device.node, target, type, flags: FLAGS | MS_SILENT, timeoutMs: wait };
  try {
    await mount({ ...request, data: replay });
    return "mounted";
  } catch (error) {
    return error instanceof LinuxError && error.errnoName === "EROFS";
  }
}

/** @returns null where it can't be done; the device is untouched either way. */
async function mountReplayed(
  device: BlockDevice,
  type: string,
  target: string,
  timeoutMs: number,
): Promise<ReplayLayer | null> {
  let layer: ReplayLayer | null = null;
  try {
    const { replayLayer } = await import("./replay.ts");
    layer = await replayLayer(device.node, device.name);
    const wait = Math.max(timeoutMs, DRIVER_MS);
    const request = { source: layer.node, target, type, flags: FLAGS | MS_SILENT, timeoutMs: wait };
    await mount({ ...request, data: filesystem(type).replay ?? "" });
    log.info(`${device.name}: its journal was replayed in memory; the disk is as it was`);
    return layer;
  } catch (error) {
    log.warn(`${device.name}: its journal was not replayed: ${describeError(error)}`);
    await layer?.release();
    return null;
  }
}

/** The folder on a host, while anything is mounted below it. */
let hostFolder: string | null = null;

/** Where volumes are mounted: in Baton's own image a folder that is always there, on a host one that goes again. */
function mountFolder(): string {
  if (inOwnImage()) return `${OWN_FOLDER}/mnt`;
  hostFolder ??= fs.mkdtempSync(join(tmpdir(), "baton-"));
  return hostFolder;
}

/** The device's name, or the first free one after it: an earlier Baton may have been killed with it mounted. */
function makeMountPoint(mountRoot: string, name: string): string {
  fs.mkdirSync(mountRoot, { recursive: true, mode: 0o700 });
  for (let count = 0; ; count++) {
    const target = join(mountRoot, count === 0 ? name : `${name}.${count}`);
    try {
      fs.mkdirSync(target, { mode: 0o700 });
      return target;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST" || count > 100) {
        throw new BatonError("io", `${name} cannot be mounted: no folder ${target}: ${describeError(error)}`);
      }
    }
  }
}

function removeMountPoint(target: string): void {
  try {
    fs.rmdirSync(target);
    if (dirname(target) !== hostFolder) return;
    fs.rmdirSync(hostFolder);
    hostFolder = null;
  } catch {
    // Still mounted after a timeout: the next one takes another name. Or another volume is mounted beside it.
  }
}

/**
 * Sets the device read-only, so that the kernel refuses what mount options might forget: ext4 would still clean up
 * orphaned inodes. The partition's own flag is what filesystems ask for.
 */
async function protect(name: string, node: string, writable: string[], timeoutMs: number): Promise<void> {
  await refuseIfUsed(name, node, timeoutMs);
  if (await isReadOnly(node, { timeoutMs })) return;
  await setReadOnly(node, true, { timeoutMs });
  writable.push(node);
}

/** O_EXCL on a block device fails where anything has claimed it: a mount in another namespace, RAID, LVM, swap. */
async function refuseIfUsed(name: string, node: string, timeoutMs: number): Promise<void> {
  const { O_RDONLY, O_EXCL, O_NONBLOCK } = fs.constants;
  const opening = openDescriptor(node, O_RDONLY | O_EXCL | O_NONBLOCK, "O_EXCL");
  const fd = await withDeadline(opening, timeoutMs, `${name} cannot be opened`, closeDescriptor);
  // Closed before anything else, or the mount would find it claimed.
  await closeDescriptor(fd);
}

async function tryMounts(
  device: BlockDevice,
  type: string,
  siblings: readonly string[],
  target: string,
  timeoutMs: number,
): Promise<void> {
  let refusal: LinuxError | null = null;
  const devices = siblings.map((node) => `device=${node}`);
  const wait = Math.max(timeoutMs, DRIVER_MS);
  for (const { driver, data } of mountTries(type)) {
    const request = { source: device.node, target, type: driver, flags: FLAGS | MS_SILENT, timeoutMs: wait };
    const options = { ...request, data: [data, ...devices].filter(Boolean).join(",") };
    try {
      await mount(options).catch(async (error) => {
        const isMissing = error instanceof LinuxError && error.errnoName === "ENODEV";
        if (!isMissing || !(await driverHasCome(driver, timeoutMs))) throw error;
        await mount(options);
      });
      return;
    } catch (error) {
      if (!(error instanceof LinuxError) || !isWorthAnotherTry(error.errnoName)) throw error;
      log.debug(`${device.name}: ${error.message}`);
      // That one driver is missing says less than what another had to say.
      if (!refusal || refusal.errnoName === "ENODEV") refusal = error;
    }
  }
  throw refusal ?? new BatonError("unsupported", `${device.name} cannot be mounted: no way to mount ${type} is known`);
}

/** Shows what this system has mounted already (Baton on a running host), without touching how it is mounted. */
async function bindMounted(
  device: BlockDevice,
  mountPoint: string | undefined,
  target: string,
  timeoutMs: number,
): Promise<void> {
  if (mountPoint === undefined) {
    throw new BatonError("io", `${device.name} cannot be read: this system has mounted only a part of it`);
  }
  await mount({ source: mountPoint, target, type: null, flags: MS_BIND, timeoutMs });
  try {
    await mount({ source: null, target, type: null, flags: MS_BIND | MS_REMOUNT | FLAGS, timeoutMs });
  } catch (error) {
    await unmount(target, { lazy: true, timeoutMs }).catch(() => {});
    throw error;
  }
}

function mountError(name: string, type: string, error: LinuxError): BatonError {
  const message = `${name} (${type}) cannot be mounted: ${explainRefusal(type, error.errnoName)}`;
  return new BatonError("io", message, { cause: error });
}

async function takeBack(name: string, state: MountState, timeoutMs: number): Promise<void> {
  const { target, writable, layer } = state;
  try {
    await unmount(target, { timeoutMs });
    await layer?.release();
  } catch (error) {
    log.debug(`${name}: ${describeError(error)}; detaching it`);
    await unmount(target, { lazy: true, timeoutMs }).catch((late) => log.warn(`${name}: ${describeError(late)}`));
    removeMountPoint(target);
    // Something may still use the filesystem: its device stays read-only.
    return;
  }
  await restore(writable, timeoutMs);
  removeMountPoint(target);
}

/** Makes devices writable again that were so before. */
async function restore(writable: readonly string[], timeoutMs: number): Promise<void> {
  for (const node of writable) {
    await setReadOnly(node, false, { timeoutMs }).catch((error) => log.warn(describeError(error)));
  }
}
