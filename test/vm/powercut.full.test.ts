/** The power fails while Baton writes what it may: the disk has the old state or the new one, and nothing between. */

import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { readEnvBlock } from "../../src/state/envblock.ts";
import { withBaton } from "./baton.ts";
import { grubEnvironment } from "./grub.ts";
import { run } from "./host.ts";
import { expectBooted } from "./payload.ts";
import { booted, fileOn, nextEntryDisk, START } from "./statedisk.ts";

const WORDS = "baton.writes=bootloader-state";

/** What was in the file after the cuts. */
const found = new Set<string>();

/** Writes in a second that the disk takes from then on: what is a moment else takes seconds, and is cut in its midst. */
const WRITES_A_SECOND = 4;

/** Milliseconds after the kernel is loaded: from before the filesystem is mounted for writing to after the jump. */
for (const delay of [0, 600, 900, 1200, 1600, 2200, 3000, 6000]) {
  test(`the power fails ${delay} ms after the kernel was loaded, while the disk takes one write after the other`, async () => {
    const folder = mkdtempSync(join(tmpdir(), "baton-cut-"));
    const after = join(folder, "after.img");
    try {
      const disks = [{ image: await nextEntryDisk(), attach: "virtio", writable: { keepAs: after } }] as const;
      await withBaton({ name: `cut-${delay}`, words: WORDS, disks }, async (machine) => {
        await machine.serial.waitFor(/baton: loaded/);
        const none = { bps: 0, bps_rd: 0, bps_wr: 0, iops: 0, iops_rd: 0 };
        await machine.call("block_set_io_throttle", {
          id: "/machine/peripheral/virtio0/virtio-backend",
          ...none,
          iops_wr: WRITES_A_SECOND,
        });
        await sleep(delay);
        await machine.kill();
      });
      // What the next start does with a journal: replays it. 1: something was mended, as after every power cut.
      const partition = join(folder, "partition.img");
      await run("dd", [`if=${after}`, `of=${partition}`, "bs=1M", `skip=${START >> 20}`, "count=64", "status=none"]);
      await run("e2fsck", ["-fp", partition], { allowExit: [1] });
      const text = await run("debugfs", ["-R", "cat /boot/grub/grubenv", partition]);
      assert.equal(text.length, 1024);
      const values = readEnvBlock(Buffer.from(text));
      assert.equal(values.get("saved_entry"), "alpha");
      assert.ok(["", "advanced>beta-advanced"].includes(values.get("next_entry") ?? ""), text.replace(/#+$/, ""));
      found.add(values.get("next_entry") ?? "");
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
}

test("the cuts came before the write and after it", () => {
  assert.deepEqual([...found].sort(), ["", "advanced>beta-advanced"]);
});

test("an entry that nobody confirms gives way after two boots, and comes back when nothing else is left", async () => {
  const folder = mkdtempSync(join(tmpdir(), "baton-tries-"));
  try {
    let image = await nextEntryDisk({
      "/boot/batonenv": grubEnvironment({}),
      "/boot/grub/grubenv": grubEnvironment({ saved_entry: "alpha" }),
    });
    const words = `${WORDS} baton.tries=2 baton.timeout=0`;
    // Baton's file is on the disk with the systems, which are not what counts here.
    for (const [round, which] of ["alpha", "alpha", "beta"].entries()) {
      const after = join(folder, `${round}.img`);
      const disks = [{ image, attach: "virtio", writable: { keepAs: after } }] as const;
      await withBaton({ name: `tries-${round}`, words, disks }, async (machine) => {
        const expected = await booted(which);
        await expectBooted(machine, expected);
      });
      image = after;
      const values = readEnvBlock(Buffer.from(await fileOn(image, "/boot/batonenv")));
      assert.match(values.get("last") ?? "", round < 2 ? /:alpha/ : /:beta/);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});
