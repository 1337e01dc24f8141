/** A place in the file tree where every operation waits for ever, as on a disk that never answers. Needs root. */

import * as fs from "node:fs";
import { mount, unmount } from "../../src/linux/mount.ts";
import { isRoot } from "./images.ts";

/** Why these tests can't run here, else false: for node:test's `skip`. */
export const withoutHang =
  isRoot && fs.existsSync("/dev/fuse") ? false : "needs root and FUSE to make a disk that hangs";

/** A FUSE filesystem without anybody to answer its requests. When `use` is over they all fail. */
export async function withHang<T>(target: string, use: (path: string) => Promise<T>): Promise<T> {
  fs.mkdirSync(target, { recursive: true });
  const fd = fs.openSync("/dev/fuse", "r+");
  await mount({ source: "hang", target, type: "fuse", data: `fd=${fd},rootmode=40000,user_id=0,group_id=0` });
  try {
    return await use(`${target}/disk`);
  } finally {
    fs.closeSync(fd);
    await unmount(target, { lazy: true });
  }
}
