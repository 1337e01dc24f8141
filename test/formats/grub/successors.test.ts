/** What a configuration gives after its default has failed, by what the attempt would have saved: slots, one-shot entries. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { read } from "./support.ts";

const block = (variables: Record<string, string>): string => {
  const lines = Object.entries(variables).map(([name, value]) => `${name}=${value}\n`);
  return `# GRUB Environment Block\n${lines.join("")}`.padEnd(1024, "#");
};

/** The default's title, and those that follow it. */
async function order(script: string, variables: Record<string, string>): Promise<readonly (string | undefined)[]> {
  const files = { "/boot/grub/grubenv": block(variables) };
  const { entries, defaultIndex, successors = [] } = await read(script, { files });
  return [defaultIndex, ...successors].map((index) => (index === null ? undefined : entries[index]?.title));
}

/** Two slots, each with a mark that it works and one that it is being tried (as RAUC's integration for GRUB has them). */
const SLOTS = `
load_env
set default=2
for SLOT in $ORDER; do
  if [ "$SLOT" == "A" ]; then
    if [ "$A_OK" == "1" ]; then
      if [ "$A_TRY" == "0" ]; then set default=0; A_TRY=1; break; fi
    fi
  fi
  if [ "$SLOT" == "B" ]; then
    if [ "$B_OK" == "1" ]; then
      if [ "$B_TRY" == "0" ]; then set default=1; B_TRY=1; break; fi
    fi
  fi
done
save_env A_TRY B_TRY
menuentry "Slot A" { linux /kernel-a root=/dev/vda2 }
menuentry "Slot B" { linux /kernel-b root=/dev/vda3 }
menuentry "Neither" { linux /kernel-rescue root=/dev/vda4 }
`;

test("after a slot comes the other one, then what the configuration has where both were tried", async () => {
  const fresh = { ORDER: "A B", A_OK: "1", A_TRY: "0", B_OK: "1", B_TRY: "0" };
  assert.deepEqual(await order(SLOTS, fresh), ["Slot A", "Slot B", "Neither"]);
  assert.deepEqual(await order(SLOTS, { ...fresh, ORDER: "B A" }), ["Slot B", "Slot A", "Neither"]);
});

test("a slot that is bad, or is being tried already, doesn't come after the other", async () => {
  const one = { ORDER: "A B", A_OK: "1", A_TRY: "0", B_OK: "0", B_TRY: "0" };
  assert.deepEqual(await order(SLOTS, one), ["Slot A", "Neither"]);
  assert.deepEqual(await order(SLOTS, { ...one, B_OK: "1", B_TRY: "1" }), ["Slot A", "Neither"]);
});

/** A partition that is new until it has confirmed itself, and a count of its starts (as Mender keeps them). */
const UPDATE = `
load_env
if [ "\${upgrade_available}" = "1" ]; then
  if [ "\${bootcount}" != "0" ]; then
    if [ "\${boot_part}" = "2" ]; then boot_part=3; else boot_part=2; fi
    upgrade_available=0
    bootcount=0
  else
    bootcount=1
  fi
  save_env bootcount upgrade_available boot_part
fi
if [ "\${boot_part}" = "2" ]; then set default=two; else set default=three; fi
menuentry "Partition 2" --id two { linux /kernel root=/dev/vda2 }
menuentry "Partition 3" --id three { linux /kernel root=/dev/vda3 }
`;

test("an update that fails gives way to the partition before it", async () => {
  const update = { upgrade_available: "1", bootcount: "0", boot_part: "3" };
  assert.deepEqual(await order(UPDATE, update), ["Partition 3", "Partition 2"]);
  assert.deepEqual(await order(UPDATE, { ...update, boot_part: "2" }), ["Partition 2", "Partition 3"]);
});

test("what has confirmed itself has no successor", async () => {
  assert.deepEqual(await order(UPDATE, { upgrade_available: "0", bootcount: "0", boot_part: "3" }), ["Partition 3"]);
});

test("after grub-reboot's one-shot entry comes the usual default", async () => {
  const script = `
load_env
if [ "\${next_entry}" ]; then
  set default="\${next_entry}"
  set next_entry=
  save_env next_entry
else
  set default="\${saved_entry}"
fi
menuentry "Usual" --id usual { linux /kernel root=/dev/vda2 }
menuentry "Once" --id once { linux /kernel root=/dev/vda3 }
`;
  assert.deepEqual(await order(script, { next_entry: "once", saved_entry: "usual" }), ["Once", "Usual"]);
  assert.deepEqual(await order(script, { saved_entry: "usual" }), ["Usual"]);
});

test("what an attempt saves without changing the default leads to nothing", async () => {
  const recordfail = `
load_env
if [ "\${recordfail}" = 1 ]; then set timeout=30; else set timeout=0; fi
set default=0
menuentry "Ubuntu" { recordfail=1; save_env recordfail; linux /kernel root=/dev/vda2 }
menuentry "Other" { linux /other root=/dev/vda3 }
`;
  assert.deepEqual(await order(recordfail, { recordfail: "0" }), ["Ubuntu"]);
});

test("a configuration that counts without end ends after some evaluations", async () => {
  const counting = `
load_env
set default="e\${at}"
if [ "\${at}" = "" ]; then at=x; else at="\${at}x"; fi
save_env at
menuentry "Start" --id e { linux /kernel }
menuentry "One" --id ex { linux /kernel one }
menuentry "Two" --id exx { linux /kernel two }
`;
  assert.deepEqual(await order(counting, { other: "1" }), ["Start", "One", "Two"]);
});

test("an evaluation that takes too many commands leads to nothing", async () => {
  const slow = (count: number): string => `
load_env
set default=0
if [ "\${tried}" = "1" ]; then
  set default=1
  for a in ${"x ".repeat(count)}; do for b in ${"y ".repeat(count)}; do true; done; done
fi
menuentry "First" { tried=1; save_env tried; linux /kernel }
menuentry "Second" { linux /kernel two }
`;
  assert.deepEqual(await order(slow(10), { tried: "0" }), ["First", "Second"]);
  assert.deepEqual(await order(slow(300), { tried: "0" }), ["First"]);
});
