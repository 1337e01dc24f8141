/** The start costs no more instructions than it did: counts, which are the same on every host, and no times. */

import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { type Count, countFloor, countStart, type Phase, total, type Versions } from "../bench/counts.ts";
import { ROOT } from "./host.ts";

/** Counts for some versions of QEMU, kernel and Node, newest first; `UPDATE_BUDGET=1` writes those of this host. */
const FILE = join(ROOT, "test/bench/budget.json");
/** Above the recorded figures. */
const TOLERANCE = 0.03;
/** A busy host adds blocks of drivers that run on past the menu, and takes none away: the least of these runs counts. */
const RUNS = 3;
/** Above the recorded ratio to the floor, with versions that none was recorded for. */
const RATIO_TOLERANCE = 0.15;

interface Recorded extends Count {
  readonly floor: Phase;
}

function recorded(): Recorded[] {
  return existsSync(FILE) ? (JSON.parse(readFileSync(FILE, "utf8")) as Recorded[]) : [];
}

const isSame = (one: Versions, other: Versions): boolean =>
  one.qemu === other.qemu && one.kernel === other.kernel && one.node === other.node;

function table(now: readonly Phase[], then: readonly Phase[]): string {
  const row = (cells: readonly string[]): string =>
    cells.map((cell, i) => (i ? cell.padStart(13) : cell.padEnd(28))).join("");
  const lines = [...now, total(now)].map((phase, index) => {
    const before = [...then, total(then)][index]!;
    const counts = [phase.gi.toFixed(3), before.gi.toFixed(3), String(phase.blocks), String(before.blocks)];
    return row([phase.name, ...counts]);
  });
  return [row(["", "Gi", "recorded", "blocks", "recorded"]), ...lines].join("\n");
}

const isWithin = (now: Count["phases"], limit: Count["phases"]): boolean =>
  (["gi", "blocks"] as const).every((what) => total(now)[what] <= total(limit)[what] * (1 + TOLERANCE));

test("from the kernel's start to the menu there are no more instructions and blocks than recorded, 3 % allowed", async (t) => {
  let { versions, phases } = await countStart();
  if (process.env.UPDATE_BUDGET) {
    const others = recorded().filter((one) => !isSame(one.versions, versions));
    writeFileSync(FILE, `${JSON.stringify([{ versions, phases, floor: await countFloor() }, ...others], null, 2)}\n`);
    return;
  }
  const same = recorded().find((one) => isSame(one.versions, versions));
  for (let run = 1; run < RUNS && same && !isWithin(phases, same.phases); run++) ({ phases } = await countStart());
  const then = same ?? recorded()[0]!;
  const report = `${JSON.stringify(versions)}\n${table(phases, then.phases)}`;
  t.diagnostic(report);
  if (same) {
    assert.ok(isWithin(phases, then.phases), `more instructions or blocks to the menu:\n${report}`);
    return;
  }
  const ratio = total(phases).gi / (await countFloor()).gi;
  const limit = (total(then.phases).gi / then.floor.gi) * (1 + RATIO_TOLERANCE);
  assert.ok(ratio <= limit, `the start is ${ratio.toFixed(2)} floors, ${limit.toFixed(2)} allowed:\n${report}`);
});
