/** The log outlives a crash of the kernel where the firmware keeps it (pstore over EFI variables). */

import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { inside, menuReady, withBaton } from "./baton.ts";
import { grubDisk } from "./menudisk.ts";

/** Drivers come before the menu or after it. */
const MOUNTED = "for i in $(seq 60); do grep -q /sys/fs/pstore /proc/mounts && break; sleep 1; done";

test("after a panic the next start finds Baton's lines in pstore", async () => {
  const folder = mkdtempSync(join(tmpdir(), "baton-pstore-"));
  try {
    const disks = [{ image: await grubDisk(), attach: "virtio" }] as const;
    const options = { firmware: "uefi", variables: join(folder, "vars"), shell: true, disks } as const;
    const words = "baton.timeout=-1 panic=1";
    await withBaton({ ...options, name: "pstore-panic", words }, async (machine) => {
      await menuReady(machine);
      assert.equal(await inside(machine, `${MOUNTED}; ls /sys/fs/pstore`), "");
      machine.serial2!.write("echo c >/proc/sysrq-trigger\n");
      await machine.ended;
    });
    await withBaton({ ...options, name: "pstore-after", words }, async (machine) => {
      await menuReady(machine);
      const kept = await inside(machine, `${MOUNTED}; cat /sys/fs/pstore/dmesg-efi*`);
      assert.match(kept, /baton: menu ready, 3 entries/);
      assert.match(kept, /sysrq: Trigger a crash/);
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
});
