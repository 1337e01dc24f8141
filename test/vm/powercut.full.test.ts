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

/** Milliseconds after the kernel is loaded: from before the filesystem is mounted for writing to after the jump. */
for (const delay of [0, 60, 120, 200, 300, 450, 700, 1100]) {
  test(`the power fails ${delay} ms after the kernel was loaded`, async () => {
    const folder = mkdtempSync(join(tmpdir(), "baton-cut-"));
    const after = join(folder, "after.img");
    try {
      const disks = [{ image: await nextEntryDisk(), attach: "virtio", writable: { keepAs: after } }] as const;
      await withBaton({ name: `cut-${delay}`, words: WORDS, disks }, async (machine) => {
        await machine.serial.waitFor(/baton: loaded/);
        await sleep(delay);
        await machine.kill();
      });
      // What the next start does with a journal: replays it. 1: something was mended, as after every power cut.
      await run("e2fsck", ["-fp", `${after}?offset=${START}`], { allowExit: [1] });
      const text = await fileOn(after, "/boot/grub/grubenv");
      assert.equal(text.length, 1024);
      const values = readEnvBlock(Buffer.from(text));
      assert.equal(values.get("saved_entry"), "alpha");
      assert.ok(["", "advanced>beta-advanced"].includes(values.get("next_entry") ?? ""), text.replace(/#+$/, ""));
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
}

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
