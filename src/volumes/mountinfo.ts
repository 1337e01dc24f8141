/** What is mounted already (proc_pid_mountinfo(5)). */

import { readFileSync, realpathSync } from "node:fs";

export interface Mount {
  /** `8:1`; for btrfs an invented number. */
  readonly device: string;
  /** What of the filesystem is seen: `/` for all of it. */
  readonly root: string;
  readonly mountPoint: string;
  /** `ext4`. */
  readonly type: string;
  /** `/dev/sda1`. */
  readonly source: string;
  /** By the mount's options or the filesystem's own. */
  readonly isReadOnly: boolean;
}

/** @param text of /proc/self/mountinfo. */
export function parseMountinfo(text: string): Mount[] {
  const mounts: Mount[] = [];
  for (const line of text.split("\n")) {
    const [front = "", back = ""] = line.split(" - ");
    const [, , device, root, mountPoint, options = ""] = front.split(" ");
    const [type, source, ownOptions = ""] = back.split(" ");
    if (device === undefined || root === undefined || mountPoint === undefined) continue;
    if (type === undefined || source === undefined) continue;
    const isReadOnly = [options, ownOptions].some((words) => words.split(",").includes("ro"));
    const [at, on, from] = [root, mountPoint, source].map(fromOctal) as [string, string, string];
    mounts.push({ device, root: at, mountPoint: on, type, source: from, isReadOnly });
  }
  return mounts;
}

/** Spaces and the like are written in octal. */
function fromOctal(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}

/** The mounts of a device that this process sees. Reads /proc and sysfs only. @param places where those are mounted */
export function mountsOf(name: string, node: string, { sysfs = "/sys", proc = "/proc" } = {}): Mount[] {
  try {
    const device = readFileSync(`${sysfs}/class/block/${name}/dev`, "utf8").trim();
    return parseMountinfo(readFileSync(`${proc}/self/mountinfo`, "utf8")).filter(
      (mount) => mount.device === device || (mount.source.startsWith("/") && sameNode(mount.source, node)),
    );
  } catch {
    return [];
  }
}

/** /dev/mapper's and /dev/disk's names are symlinks. */
function sameNode(source: string, node: string): boolean {
  if (source === node) return true;
  try {
    return source.startsWith("/dev/") && realpathSync(source) === node;
  } catch {
    return false;
  }
}
