/** Baton as the image starts it: start.cjs, and beside it the bundle as a function. */

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { bundle, wrapForStart } from "../../initramfs/build.ts";

const folder = mkdtempSync(join(tmpdir(), "baton-start-"));
after(() => rmSync(folder, { recursive: true }));

test("what needs a thread of its own, a long configuration in YAML, is read there", async () => {
  copyFileSync("initramfs/start.cjs", join(folder, "start.cjs"));
  writeFileSync(join(folder, "baton.cjs"), wrapForStart((await bundle()).code));
  writeFileSync(join(folder, "baton.yaml"), `timeout: 5\n${"# said at length\n".repeat(1000)}`);
  const run = spawnSync(process.execPath, ["start.cjs", "config", "baton.yaml"], { cwd: folder, encoding: "utf8" });
  assert.deepEqual([run.status, run.stderr], [0, ""]);
});

test("what is imported only when it is wanted comes in the image, too, where the bundle is a script of node:vm", async () => {
  const entry = join(folder, "entry.ts");
  writeFileSync(entry, 'void import("node:os").then(({ EOL }) => process.stdout.write(`imported${EOL}`));\n');
  copyFileSync("initramfs/start.cjs", join(folder, "start.cjs"));
  writeFileSync(join(folder, "baton.cjs"), wrapForStart((await bundle(entry)).code));
  const run = spawnSync(process.execPath, ["start.cjs"], { cwd: folder, encoding: "utf8" });
  assert.deepEqual([run.status, run.stdout, run.stderr], [0, "imported\n", ""]);
});
