/** The boards' profiles name drivers that Debian's kernel has: a name that it doesn't have would silently be left out. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { projectRoot } from "../../initramfs/cache.ts";
import { debianKernel, moduleTables } from "../../initramfs/kernel.ts";
import { selectModules } from "../../initramfs/kernel-modules.ts";
import { readProfile } from "../../initramfs/profile.ts";

for (const name of ["raspberrypi4", "rockchip", "allwinner", "amlogic"]) {
  test(`every driver of configs/${name}.yaml is a module of Debian's arm64 kernel`, async () => {
    const profile = await readProfile(join(projectRoot, "configs", `${name}.yaml`));
    assert.equal(profile.arch, "arm64");
    const tables = await moduleTables(await debianKernel(profile));
    const wanted = [...(profile.modules.boards ?? []), ...(profile.lateModules["network on boards"] ?? [])];
    assert.ok(wanted.length > 5);
    const { missing, builtin } = selectModules(tables, wanted);
    assert.deepEqual([missing, builtin], [[], []]);
  });
}
