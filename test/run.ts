/** Runs a set of test files with node's own runner: `tsx test/run.ts unit|vm|full [NAME…]`, NAME a part of a path. */

import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";

const [set = "unit", ...names] = process.argv.slice(2);

/** vm: whatever boots a machine. full: what takes longer than `npm test` may. unit: the rest. */
function setOf(path: string): string {
  if (path.endsWith(".full.test.ts")) return "full";
  return path.startsWith(join("test", "vm")) ? "vm" : "unit";
}

const files = readdirSync("test", { recursive: true, encoding: "utf8" })
  .map((name) => join("test", name))
  .filter((path) => path.endsWith(".test.ts") && setOf(path) === set)
  .filter((path) => names.length === 0 || names.some((name) => path.includes(name)))
  .sort();

if (files.length === 0) {
  console.error(`No ${set} tests match ${names.join(", ") || "anything"}.`);
  process.exit(1);
}
// Machines are heavy: two at once fill two cores.
const concurrency = set === "unit" ? [] : ["--test-concurrency=2"];
const run = spawnSync(process.execPath, ["--import", "tsx", "--test", ...concurrency, ...files], { stdio: "inherit" });
process.exit(run.status ?? 1);
