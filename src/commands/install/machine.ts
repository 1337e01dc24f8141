/** The machine on which Baton is installed: its mounts, its firmware, and the programs that are called for it. */

import { execFile } from "node:child_process";
import { existsSync, readdirSync, readFileSync, realpathSync } from "node:fs";
import { statfs } from "node:fs/promises";
import { basename } from "node:path";
import { readBlockDevice } from "../../devices/block.ts";
import type { BlockDevice } from "../../devices/device.ts";
import { probeDevice } from "../../devices/probe.ts";
import { BatonError, describeError } from "../../errors.ts";
import { formatSize } from "../../text.ts";
import { type Mount, parseMountinfo } from "../../volumes/mountinfo.ts";

/** One thing that is done, or would be. */
export interface Step {
  /** As a command of what happens: `copy baton.efi to /boot/efi/EFI/baton/baton.efi`. */
  readonly says: string;
  readonly run: () => Promise<void>;
}

export interface Machine {
  /** Where the system's root is; empty for this one's. */
  readonly root: string;
  /**
   * Runs a program with these arguments, without a shell.
   * @returns its standard output
   * @throws BatonError where it isn't there or fails, with its last words
   */
  readonly run: (program: string, args: readonly string[]) => Promise<string>;
  /** What a mount's source is; null where that is no block device. */
  readonly device: (source: string) => Promise<BlockDevice | null>;
}

const PROGRAM_MS = 60_000;

export const thisMachine: Machine = {
  root: "",
  run: (program, args) =>
    new Promise((resolve, reject) => {
      const options = { env: { ...process.env, LC_ALL: "C" }, timeout: PROGRAM_MS };
      execFile(program, args, options, (error, stdout, stderr) => {
        if (!error) return resolve(stdout);
        const last = stderr.trim().split("\n").at(-1);
        const why =
          error.code === "ENOENT" ? `it is not installed (apt install ${program})` : last || describeError(error);
        reject(new BatonError("io", `${program} ${args.join(" ")}: ${why}`, { cause: error }));
      });
    }),
  device: async (source) => {
    if (!source.startsWith("/dev/")) return null;
    const device = readBlockDevice(basename(realpathSync(source)));
    return device === null ? null : await probeDevice(device);
  },
};

/** Where EFI system partitions are mounted; a look at these makes systemd mount one that it mounts on demand. */
export const ESP_FOLDERS: readonly string[] = ["/efi", "/boot", "/boot/efi"];

/** What is mounted, the topmost last. */
export function mountsOn({ root }: Machine): readonly Mount[] {
  for (const folder of ESP_FOLDERS) {
    try {
      readdirSync(`${root}${folder}/.`);
    } catch {
      // It isn't there.
    }
  }
  return parseMountinfo(readFileSync(`${root}/proc/self/mountinfo`, "utf8"));
}

/** The mount in which a path lies. */
export function mountOf(path: string, mounts: readonly Mount[]): Mount | undefined {
  const around = mounts.filter(({ mountPoint }) => `${path}/`.startsWith(mountPoint.replace(/\/*$/, "/")));
  return around.sort((a, b) => a.mountPoint.length - b.mountPoint.length).at(-1);
}

/** True where the machine was started by UEFI. */
export const isUefi = ({ root }: Machine): boolean => existsSync(`${root}/sys/firmware/efi`);

/** Left free beside what is written. */
const SPARE = 1024 * 1024;

/**
 * Makes sure that files of so many bytes find room in a folder's filesystem, beside those that they will replace.
 * @throws BatonError `refused`
 */
export async function checkRoom(
  { root }: Machine,
  folder: string,
  size: number,
  mounts: readonly Mount[],
): Promise<void> {
  if (mountOf(folder, mounts)?.isReadOnly) {
    throw new BatonError("refused", `${folder} is mounted read-only: mount -o remount,rw it first`);
  }
  const { bavail, bsize } = await statfs(`${root}${folder}`);
  const free = bavail * bsize;
  if (free >= size + SPARE) return;
  throw new BatonError(
    "refused",
    `${folder} has ${formatSize(free)} free, and Baton takes ${formatSize(size + SPARE)}: make room there; nothing was written`,
  );
}
