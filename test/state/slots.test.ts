/** Slots of an updater in Baton's own state. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { OwnState } from "../../src/state/own.ts";
import { badSlots, isSlotGood, lastSlot, makePrimary, markSlot, primarySlot, slotName } from "../../src/state/slots.ts";

const [A, B] = ["5a6b:baton:A", "5a6b:baton:B"];

test("after an update the other slot is primary; when it doesn't come up, the first one is again", () => {
  const state = OwnState.fromVariable("");
  assert.equal(primarySlot(state), null, "nothing is known yet");
  markSlot(state, "A", true);
  // RAUC marks what it writes to as bad, and makes it primary when it is whole.
  markSlot(state, "B", false);
  assert.deepEqual([primarySlot(state), isSlotGood(state, "B"), badSlots(state)], ["A", false, ["B"]]);
  markSlot(state, "B", true);
  makePrimary(state, "B");
  assert.deepEqual([primarySlot(state), state.saved, badSlots(state)], ["B", "B", []]);
  // Being tried is no fault yet; having given way to another is.
  state.boot(B);
  assert.deepEqual([primarySlot(state), lastSlot(state)], ["B", "B"]);
  state.boot(A);
  assert.deepEqual([isSlotGood(state, "B"), primarySlot(state), lastSlot(state)], [false, "A", "A"]);
});

test("marking a slot as good confirms its boots, and no others", () => {
  const state = OwnState.fromVariable(`last=${A}\ntries.${A}=2\ntries.${B}=1\nbad.A=1\nslots=A B`);
  markSlot(state, "A", true);
  assert.deepEqual([state.triesOf(A), state.triesOf(B), state.last, badSlots(state)], [0, 1, null, []]);
});

test("a slot is called by its whole id or the id's last part, and not by a part of a word", () => {
  const state = OwnState.fromVariable(`last=x\ntries.${A}=1`);
  assert.deepEqual(
    ["A", A, "baton:A", "a", "6b:baton:A", "on:A"].map((name) => isSlotGood(state, name)),
    [false, false, false, true, true, true],
  );
});

test("names that the file couldn't hold are refused", () => {
  for (const name of [undefined, "", "a b", "a=b", "#a", "a\nb", "a\0", "x".repeat(129)]) {
    assert.throws(() => slotName(name), /slot's name/);
  }
  assert.equal(slotName("system-1.B"), "system-1.B");
});
