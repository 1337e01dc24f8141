/** Linux software RAID (md), assembled by mdadm so that nothing is written: neither superblocks nor a resync. */

import { execFile } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { BatonError } from "../errors.ts";
import { setReadOnly } from "../linux/blkdev.ts";
import { runTool } from "./tools.ts";

/** Numbers from here on: 127 and below are those that systems give. */
const FIRST = 200;
const LAST = 455;

/**
 * Assembles an array of these members, which are set read-only first. Members that were left behind by the others are
 * left out by mdadm; one that lacks members starts all the same where its level allows.
 * @param nodes `/dev/vda2`, …; all of one array
 * @returns the array's node: `/dev/md200`
 * @throws BatonError with what mdadm said
 */
export async function assembleArray(nodes: readonly string[]): Promise<string> {
  await loadDriver();
  for (const node of nodes) await setReadOnly(node, true);
  const node = freeNode();
  const args = ["--assemble", "--config=none", "--readonly", "--run", node, ...nodes];
  const { code, complaint } = await runTool("mdadm", args);
  if (code === 0) return node;
  await runTool("mdadm", ["--stop", node]).catch(() => {});
  throw new BatonError("io", `mdadm cannot assemble it: ${complaint || `exit ${code}`}`);
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
