import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { driverHasCome } from "../../src/volumes/driver.ts";

const proc = mkdtempSync(join(tmpdir(), "baton-proc-"));
after(() => rmSync(proc, { recursive: true }));

function kernel(modules: string, filesystems: string): void {
  writeFileSync(join(proc, "modules"), modules);
  writeFileSync(join(proc, "filesystems"), filesystems);
}

test("a driver that is being loaded for another mount is awaited", async () => {
  kernel("jbd2 180224 1 ext4, Live 0x0\next4 983040 0 - Loading 0x0\n", "nodev\tproc\n");
  const come = driverHasCome("ext4", 30_000, proc);
  setTimeout(() => kernel("ext4 983040 0 - Live 0x0\n", "nodev\tproc\n\text4\n"), 60);
  assert.equal(await come, true);
});

test("where no module is being loaded, a driver that isn't there doesn't come", async () => {
  kernel("jbd2 180224 0 - Live 0x0\n", "nodev\tproc\n\text3\n");
  assert.equal(await driverHasCome("ext4", 30_000, proc), false);
});

test("a module whose loading never ends is given up, and so is a kernel that tells nothing", async () => {
  kernel("stuck 1 0 - Loading 0x0\n", "");
  assert.equal(await driverHasCome("ext4", 0, proc), false);
  assert.equal(await driverHasCome("ext4", 30_000, join(proc, "nowhere")), false);
});
