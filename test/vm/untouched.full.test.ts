/** As untouched.test.ts: the other filesystems. */

import { test } from "node:test";
import { bootsUntouched, dirtyDisks } from "./filesystems.ts";

for (const type of ["xfs", "btrfs", "vfat"] as const) {
  test(`dirty ext4, xfs, btrfs and vfat are all listed, the ${type} one boots, and no byte changed`, () =>
    bootsUntouched("dirty", dirtyDisks, type));
}
