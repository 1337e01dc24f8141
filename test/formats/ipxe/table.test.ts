import assert from "node:assert/strict";
import { test } from "node:test";
import { Table } from "../../../src/formats/ipxe/table.ts";

test("what is set in a copy of a table, or in the table afterwards, the other doesn't see", () => {
  const table = new Table<string>();
  table.set("a", "1");
  table.set("b", "2");
  const copy = table.copy();
  table.set("a", "3");
  copy.set("b", "4");
  copy.delete("a");
  assert.deepEqual([table.get("a"), table.get("b")], ["3", "2"]);
  assert.deepEqual([copy.get("a"), copy.get("b")], [undefined, "4"]);
});

test("copies of copies remember everything, however many there are", () => {
  let table = new Table<string>();
  table.set("gone", "x");
  for (let i = 0; i < 100; i++) {
    table.set(`s${i}`, String(i));
    if (i === 50) table.delete("gone");
    table = table.copy();
  }
  for (let i = 0; i < 100; i++) assert.equal(table.get(`s${i}`), String(i));
  assert.equal(table.get("gone"), undefined);
});
