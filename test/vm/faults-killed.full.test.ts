/** What goes wrong in the machine itself: killed processes, full memory, consoles that vanish, noise on the line. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { inside, withBaton } from "./baton.ts";
import { goodDisk, goodSystem } from "./faultydisks.ts";
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
    assert.equal(await inside(machine, "grep -l '^State:.Z' /proc/[0-9]*/status"), "");
    await bootGood(machine);
  });
});
