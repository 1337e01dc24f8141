/** What goes wrong in the machine itself: killed processes, full memory, consoles that vanish, noise on the line. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { inside, menuReady, until, withBaton } from "./baton.ts";
import { goodDisk, goodSystem, hugeInitrd, tenThousandEntries } from "./faultydisks.ts";
import type { Machine } from "./machine.ts";
import { expectBooted } from "./payload.ts";

/** xorshift32: the same numbers every time. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}

/** How many processes of Node were killed. */
async function killNode(machine: Machine): Promise<number> {
  const kill = 'case "$(readlink $p/exe)" in *node*) kill -KILL ${p#/proc/} && echo killed;; esac';
  const said = await inside(machine, `for p in /proc/[0-9]*; do ${kill}; done`);
  return said.match(/^killed$/gm)?.length ?? 0;
}

const isAtRescue = (text: string): boolean =>
  text.lastIndexOf("r  start Baton again") > text.lastIndexOf("baton: start");

/** Waits for a menu that came after the first `from` characters; where it is the rescue menu, for what follows `r`. */
async function menuAgain(machine: Machine, from: number): Promise<void> {
  for (let tries = 0; !/baton: menu ready/.test(machine.serial.text.slice(from)); tries++) {
    assert.ok(tries < 600, `no menu came again:\n${machine.serial.tail()}`);
    if (isAtRescue(machine.serial.text)) await machine.serial.type("r");
    await sleep(200);
  }
}

async function bootGood(machine: Machine): Promise<void> {
  await machine.serial.waitForScreen(/Good system/);
  await machine.serial.type("<home>", 500);
  await machine.serial.type("<enter>", 500);
  await expectBooted(machine, await goodSystem());
}

test("Node killed at 20 random moments: a menu comes again each time, and what is chosen in the end boots", async () => {
  const disks = [{ image: await goodDisk(), attach: "virtio" }] as const;
  const options = { name: "faults-killed", words: "baton.timeout=-1", shell: true, disks };
  await withBaton(options, async (machine) => {
    await machine.serial.waitFor(/baton: start/);
    const next = random(20);
    let from = 0;
    for (let kills = 0; kills < 20; ) {
      // From its first instruction to a menu that has been idle for a while.
      await sleep(next() % 3500);
      from = machine.serial.text.length;
      kills += await killNode(machine);
      if (isAtRescue(machine.serial.text)) await machine.serial.type("r");
    }
    await menuAgain(machine, from);
    // An `r` that was meant for the rescue menu may make Baton look at its disks again.
    await sleep(10_000);
    assert.doesNotMatch(machine.serial.text, /Kernel panic/);
    await until(machine, "grep -l '^State:.Z' /proc/[0-9]*/status 2>/dev/null", /^$/);
    await bootGood(machine);
  });
});

test("the memory file system full, an initrd larger than memory: the menu stays, and the next choice boots", async () => {
  const disks = [
    { image: await goodDisk(), attach: "virtio" },
    { image: await hugeInitrd(), attach: "virtio" },
  ] as const;
  const words = "baton.timeout=-1";
  const options = { name: "faults-memory", words, memoryMiB: 768, shell: true, disks };
  await withBaton(options, async (machine) => {
    await menuReady(machine);
    await machine.serial.waitForScreen(/Good system/);
    assert.match(await inside(machine, "dd if=/dev/zero of=/fill bs=64k"), /No space left/);
    // With nothing left to write to, Baton is started anew, and everything is looked at again.
    const from = machine.serial.text.length;
    assert.equal(await killNode(machine), 1);
    await menuAgain(machine, from);
    await machine.serial.waitForScreen(/Good system[\s\S]*Huge initrd/);
    await machine.serial.type("r", 3000);
    await machine.serial.waitForScreen(/Good system[\s\S]*Huge initrd/);
    await machine.serial.type("<end>", 500);
    await machine.serial.type("<enter>", 500);
    await machine.serial.waitForScreen(/not enough (free )?memory|more than half of the memory/i);
    await machine.serial.type("<esc>", 1500);
    await bootGood(machine);
  });
});

test("10,000 entries and 100,000 bytes of noise on the serial line: nothing boots by them, and what is chosen does", async () => {
  const disks = [
    { image: await goodDisk(), attach: "virtio" },
    { image: await tenThousandEntries(), attach: "virtio" },
  ] as const;
  const options = { name: "faults-noise", words: "baton.timeout=-1", shell: true, disks };
  await withBaton(options, async (machine) => {
    const { entries } = await menuReady(machine);
    assert.ok(entries > 0);
    await machine.serial.waitForScreen(/Good system[\s\S]*Entry 1\b/);
    const next = random(7);
    for (let sent = 0; sent < 100_000; sent += 1000) {
      machine.serial.write(Uint8Array.from({ length: 1000 }, () => next() & 0xff));
      await sleep(30);
    }
    await sleep(2000);
    await machine.serial.type("<esc><esc><esc><esc>", 1000);
    await machine.serial.type("\f", 500);
    assert.doesNotMatch(machine.serial.text, /baton: (loaded|jump|failed)/);
    assert.equal(machine.serial.all(/baton: start/g).length, 1);
    await machine.serial.type("/");
    await machine.serial.type("Entry 9876");
    await machine.serial.waitForScreen(/Entry 9876/);
    await machine.serial.type("<esc>", 1500);
    await bootGood(machine);
  });
});

test("an image whose system calls can't be made: PID 1 offers the rescue menu, with the reason", async () => {
  const disks = [{ image: await goodDisk(), attach: "virtio" }] as const;
  const files = { "/usr/lib/baton/koffi.node": "this is no library\n" };
  await withBaton({ name: "faults-koffi", words: "baton.timeout=-1", files, disks }, async (machine) => {
    await machine.serial.waitFor(/baton: start/);
    await machine.serial.waitFor(/koffi\.node/);
    await machine.serial.waitFor(/r {2}start Baton again/);
  });
});
