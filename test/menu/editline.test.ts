import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { applyKey, breakLine, type EditLine, editLine, lineText } from "../../src/menu/editline.ts";

/** Types keys given by name; `'text'` types each of its characters. */
function type(line: EditLine, ...keys: string[]): EditLine {
  let now = line;
  for (const name of keys) {
    if (name.startsWith("'")) {
      for (const char of name.slice(1, -1)) now = applyKey(now, char, char, 20) ?? now;
    } else {
      now = applyKey(now, name, "", 20) ?? now;
    }
  }
  return now;
}

const show = (line: EditLine): string => {
  const text = line.text.map((cluster) => cluster.text);
  return [...text.slice(0, line.cursor), "|", ...text.slice(line.cursor)].join("");
};

test("the cursor begins at the end, where people add words", () => {
  assert.equal(show(type(editLine("ro quiet"), "' single'")), "ro quiet single|");
});

test("insertion and deletion happen at the cursor", () => {
  const line = editLine("ro quiet");
  assert.equal(show(type(line, "home", "delete", "'R'")), "R|o quiet");
  assert.equal(show(type(line, "left", "left", "backspace")), "ro qu|et");
  assert.equal(show(type(line, "C-a", "backspace")), "|ro quiet");
  assert.equal(show(type(line, "C-a", "C-d", "C-d")), "| quiet");
  assert.equal(show(type(line, "end", "delete")), "ro quiet|");
});

test("Ctrl-K, Ctrl-U and Ctrl-W take text, and Ctrl-Y puts it back anywhere", () => {
  const line = editLine("root=/dev/sda1 ro quiet");
  assert.equal(show(type(line, "C-w")), "root=/dev/sda1 ro |");
  assert.equal(show(type(line, "C-w", "home", "C-y")), "quiet|root=/dev/sda1 ro ");
  assert.equal(show(type(line, "C-u")), "|");
  assert.equal(show(type(line, "C-u", "C-y")), "root=/dev/sda1 ro quiet|");
  assert.equal(show(type(line, "M-b", "C-k")), "root=/dev/sda1 ro |");
  assert.equal(show(type(line, "M-b", "M-b", "C-u")), "|ro quiet");
});

test("words are moved over one at a time; punctuation parts them for moves, spaces for Ctrl-W", () => {
  const line = editLine("root=/dev/sda1 ro");
  assert.equal(show(type(line, "M-b", "C-left")), "root=/dev/|sda1 ro");
  assert.equal(show(type(line, "C-a", "M-f")), "root|=/dev/sda1 ro");
  assert.equal(show(type(line, "C-a", "C-right", "C-right")), "root=/dev|/sda1 ro");
  assert.equal(show(type(line, "C-w", "C-w")), "|");
  assert.equal(show(type(line, "M-b", "M-backspace")), "root=/dev/|ro");
  assert.equal(show(type(line, "C-a", "M-d")), "|=/dev/sda1 ro");
});

test("up and down move between the rows of a long line", () => {
  const line = editLine("0123456789abcdefghijABCDEFGHIJ");
  assert.equal(show(type(line, "up")), "0123456789|abcdefghijABCDEFGHIJ");
  assert.equal(show(type(line, "up", "down")), "0123456789abcdefghijABCDEFGHIJ|");
  assert.equal(show(type(line, "up", "up")), "|0123456789abcdefghijABCDEFGHIJ");
});

test("a row is never wider than the screen, and the cursor stands in its own column", () => {
  assert.deepEqual(breakLine(editLine("a".repeat(20)), 20).cursor, { row: 1, column: 0 });
  assert.deepEqual(breakLine(editLine("日本語"), 5).cursor, { row: 1, column: 2 });
});

test("text typed is text read: wide characters and marks are edited whole, controls can't be typed", () => {
  assert.equal(show(type(editLine("日本"), "backspace")), "日|");
  assert.equal(show(type(editLine("e"), "'\u0301'")), "e\u0301|");
  assert.equal(show(type(editLine("e\u0301"), "backspace")), "|");
  assert.equal(lineText(editLine("a\nb\x1b[m")), "a b\ufffd[m");
});

test("no keys break it: the cursor stays within the line and nothing is lost but what was deleted", () => {
  const keys = fc.constantFrom(
    ...["left", "right", "home", "end", "backspace", "delete", "C-k", "C-u", "C-w", "C-y", "M-b", "M-f", "M-d", "up"],
    ...["down", "C-left", "f9", "tab", "'x'", "' '", "'日'", "'\u0301'"],
  );
  fc.assert(
    fc.property(fc.string({ maxLength: 40 }), fc.array(keys, { maxLength: 40 }), (text, pressed) => {
      const line = type(editLine(text), ...pressed);
      assert.ok(line.cursor >= 0 && line.cursor <= line.text.length);
      const { rows, cursor } = breakLine(line, 10);
      assert.equal(rows.flat().length, line.text.length);
      assert.ok(cursor.row < rows.length && cursor.column < 10);
    }),
  );
});
