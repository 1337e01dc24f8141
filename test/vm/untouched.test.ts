/**
 * No byte of any disk ever changes, clean or as a power cut left it. (Every test here checks its disks; these have
 * the journals that a careless mount would replay.)
 */

import { test } from "node:test";
import { bootsUntouched, cleanDisks, dirtyDisks } from "./filesystems.ts";

test("clean ext4, xfs, btrfs and vfat are all listed, the btrfs one boots, and no byte changed", () =>
  bootsUntouched("clean", cleanDisks, "btrfs"));

test("dirty ext4, xfs, btrfs and vfat are all listed, the ext4 one boots, and no byte changed", () =>
  bootsUntouched("dirty", dirtyDisks, "ext4"));
