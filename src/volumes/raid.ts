/**
 * Linux software RAID (md), assembled by mdadm so that nothing is written to a disk. Each member is given to the kernel
 * with a layer in memory above it: md writes to the bitmap and the superblocks of its members even where the array and
 * they are read-only (md_bitmap_load() in drivers/md/md-bitmap.c; bio_check_ro() in block/blk-core.c only warns).
 */

import { execFile } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { BatonError } from "../errors.ts";
import { setReadOnly } from "../linux/blkdev.ts";
import { type ReplayLayer, replayLayer } from "./replay.ts";
import { runTool } from "./tools.ts";

/** `vda2`, `/dev/vda2` */
export interface Member {
  readonly name: string;
  readonly node: string;
}

/** Numbers from here on: 127 and below are those that systems give. */
const FIRST = 200;
const LAST = 455;

/**
 * Assembles an array of these members, which are set read-only first. Members that were left behind by the others are
 * left out by mdadm; one that lacks members starts all the same where its level allows.
 * @param members all of one array
 * @returns the array's node: `/dev/md200`
 * @throws BatonError with what mdadm said
 */
export async function assembleArray(members: readonly Member[]): Promise<string> {
  await loadDriver();
  const layers: ReplayLayer[] = [];
  try {
    for (const { name, node } of members) {
      await setReadOnly(node, true);
      layers.push(await replayLayer(node, name));
    }
    const node = freeNode();
    const args = ["--assemble", "--config=none", "--readonly", "--run", node];
    const { code, complaint } = await runTool("mdadm", [...args, ...layers.map((layer) => layer.node)]);
    if (code === 0) return node;
    await runTool("mdadm", ["--stop", node]).catch(() => {});
    throw new BatonError("io", `mdadm cannot assemble it: ${complaint || `exit ${code}`}`);
  } catch (error) {
    for (const layer of layers) await layer.release();
    throw error;
  }
}

function freeNode(): string {
  for (let number = FIRST; number <= LAST; number++) {
    if (!existsSync(`/sys/class/block/md${number}`)) return `/dev/md${number}`;
  }
  throw new BatonError("unsupported", "no number for another array is free");
}

async function loadDriver(): Promise<void> {
  const startReadOnly = "/sys/module/md_mod/parameters/start_ro";
  if (!existsSync(startReadOnly)) {
    await new Promise<void>((resolve) => {
      execFile("modprobe", ["-q", "md_mod"], { timeout: 20_000 }, () => resolve());
    });
  }
  // An array that is started by anything but `--readonly` still writes nothing before it is written to.
  if (existsSync(startReadOnly)) writeFileSync(startReadOnly, "1");
}
