/** Loop devices for tests that need a real block device. */

import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Why a test can't have loop devices and mounts here, else false: for node:test's `skip`. */
export const withoutRoot: string | false =
  process.getuid?.() === 0 ? false : "needs root, to attach loop devices and to mount";

export interface LoopDevice {
  /** `/dev/loop3`. */
  readonly node: string;
  /** A folder of the test's own, in which the image lies as `disk`. */
  readonly folder: string;
  readonly image: string;
  detach(): void;
}

/** Attaches a loop device to a new file of `size` bytes; `format` runs on the file before. */
export function attachLoop(size: number, format: (image: string) => void = () => {}): LoopDevice {
  const folder = mkdtempSync(join(tmpdir(), "baton-loop-"));
  const image = join(folder, "disk");
  writeFileSync(image, "");
  if (size > 0) truncateSync(image, size);
  try {
    format(image);
    const node = execFileSync("losetup", ["--find", "--show", image], { encoding: "utf8" }).trim();
    // A loop device keeps the read-only mark of whoever had it before.
    execFileSync("blockdev", ["--setrw", node]);
    return {
      node,
      folder,
      image,
      detach() {
        execFileSync("losetup", ["--detach", node]);
        rmSync(folder, { recursive: true });
      },
    };
  } catch (error) {
    rmSync(folder, { recursive: true });
    throw error;
  }
}
