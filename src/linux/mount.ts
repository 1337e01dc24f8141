/** mount(2) and umount2(2), off the main thread: both can wait for ever for a disk. */

import { log } from "../log.ts";
import { describeFlags } from "./error.ts";
import { callBlocking } from "./libc.ts";

// include/uapi/linux/mount.h
export const MS_RDONLY = 0x1;
export const MS_NOSUID = 0x2;
export const MS_NODEV = 0x4;
export const MS_NOEXEC = 0x8;
export const MS_REMOUNT = 0x20;
const MS_NOATIME = 0x400;
export const MS_BIND = 0x1000;
const MS_MOVE = 0x2000;
const MS_REC = 0x4000;
/** Keeps the kernel from logging what it thinks of the filesystem, for tries that may fail. */
export const MS_SILENT = 0x8000;

const MS_FLAGS = {
  MS_RDONLY,
  MS_NOSUID,
  MS_NODEV,
  MS_NOEXEC,
  MS_REMOUNT,
  MS_NOATIME,
  MS_BIND,
  MS_MOVE,
  MS_REC,
  MS_SILENT,
};

const MNT_DETACH = 0x2;
/** A symlink put where a mount point was isn't followed. */
const UMOUNT_NOFOLLOW = 0x8;

/** Long enough for a disk that spins up; a caller that knows better says so. */
const DEFAULT_MOUNT_TIMEOUT_MS = 20_000;

interface MountRequest {
  /** `/dev/vda1`; null or `none` for a filesystem without a device. */
  readonly source: string | null;
  readonly target: string;
  /** `ext4`; null only together with MS_BIND, MS_MOVE or MS_REMOUNT. */
  readonly type: string | null;
  /** MS_ flags; 0 unless given. */
  readonly flags?: number;
  /** The filesystem's own options, separated by commas: `noload`. */
  readonly data?: string | null;
  readonly timeoutMs?: number;
}

/**
 * Mounts a filesystem.
 *
 * If the call returns successfully after its deadline, when the caller has been told that nothing is mounted, the
 * mount is taken away again.
 * @throws LinuxError; BatonError `timeout` when the device doesn't answer
 */
export async function mount(request: MountRequest): Promise<void> {
  const { source, target, type, flags = 0, data = null } = request;
  await callBlocking(
    "mount",
    [source, target, type, flags, data],
    { call: "mount", args: [source, target, type, describeFlags(flags, MS_FLAGS), data ?? undefined] },
    {
      timeoutMs: request.timeoutMs ?? DEFAULT_MOUNT_TIMEOUT_MS,
      timeoutReason: "the device does not answer",
      onLateSuccess: () => {
        log.warn(`mount of ${source} on ${target} succeeded after its deadline; taking it away again`);
        unmount(target, { lazy: true }).catch((error) => log.warn(String(error)));
      },
    },
  );
}

/**
 * Unmounts a filesystem.
 * @param options.lazy detach it now and let the kernel clean up once nothing uses it (MNT_DETACH)
 * @throws LinuxError (EBUSY while files in it are open, EINVAL where nothing is mounted); BatonError `timeout`
 */
export async function unmount(target: string, options: { lazy?: boolean; timeoutMs?: number } = {}): Promise<void> {
  const flags = UMOUNT_NOFOLLOW | (options.lazy ? MNT_DETACH : 0);
  await callBlocking(
    "umount2",
    [target, flags],
    { call: "umount2", args: [target, options.lazy ? { word: "MNT_DETACH" } : undefined] },
    { timeoutMs: options.timeoutMs ?? DEFAULT_MOUNT_TIMEOUT_MS, timeoutReason: "the device does not answer" },
  );
}
