import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { toAscii } from "../../src/menu/ascii.ts";
import { clusters, fit, textWidth, truncate, truncateMiddle, wrap } from "../../src/menu/width.ts";
import { printable } from "../../src/text.ts";

test("Latin letters take one column, CJK two, marks none", () => {
  assert.equal(textWidth("Debian"), 6);
  assert.equal(textWidth("日本語"), 6);
  assert.equal(textWidth("e\u0301te\u0301"), 3);
  assert.equal(textWidth("한국"), 4);
  assert.equal(textWidth("\u1112\u1161\u11ab"), 2, "decomposed Hangul");
  assert.equal(textWidth("🐧 x"), 4);
  assert.equal(textWidth("│─…é"), 4);
  assert.equal(textWidth("\u2630\u268a"), 4, "wide since Unicode 16");
  assert.equal(textWidth("👩\u200d🚀"), 4, "joined emoji count one by one");
});

test("a mark stays with its letter, one that has none gets a space, and a tower of marks is cut", () => {
  assert.deepEqual(
    clusters("e\u0301a").map((cluster) => cluster.text),
    ["e\u0301", "a"],
  );
  assert.deepEqual(clusters("\u0301"), [{ text: " \u0301", width: 1 }]);
  assert.equal(clusters(`a${"\u0301".repeat(1000)}`)[0]!.text.length, 5);
});

test("text that fits is not cut; else the ellipsis takes the last columns", () => {
  assert.equal(truncate("abcdef", 6, "…"), "abcdef");
  assert.equal(truncate("abcdef", 5, "…"), "abcd…");
  assert.equal(truncate("abcdef", 5, "..."), "ab...");
  assert.equal(truncate("日本語", 5, "…"), "日本…");
  assert.equal(truncate("日本語", 4, "…"), "日…");
  assert.equal(truncate("abc", 0, "…"), "");
  assert.equal(fit("日本語", 5, "…"), "日本…");
  assert.equal(fit("ab", 4, "…"), "ab  ");
});

test("titles are cut in their middle, so that versions at the end stay", () => {
  const title = "Debian GNU/Linux, with Linux 6.1.0-18-amd64";
  assert.equal(truncateMiddle(title, 30, "…"), "Debian GNU/Linu…6.1.0-18-amd64");
  assert.equal(truncateMiddle("short", 30, "…"), "short");
  assert.equal(truncateMiddle("0123456789", 6, "…"), "01234…");
});

test("lines break at spaces, and inside a word that is longer than a line", () => {
  assert.deepEqual(wrap("root=UUID=1234 ro quiet", 14), ["root=UUID=1234", "ro quiet"]);
  assert.deepEqual(wrap("abcdefgh", 3), ["abc", "def", "gh"]);
  assert.deepEqual(wrap("", 10), [""]);
  assert.deepEqual(wrap("a  b", 2), ["a ", "b"]);
});

const anyText = fc.string({ unit: "binary", maxLength: 60 }).map(printable);

test("no line is wider than asked, for any text and width", () => {
  fc.assert(
    fc.property(anyText, fc.integer({ min: 2, max: 40 }), (text, columns) => {
      for (const line of wrap(text, columns)) assert.ok(textWidth(line) <= columns, JSON.stringify(line));
      assert.ok(textWidth(truncate(text, columns, "…")) <= columns);
      assert.ok(textWidth(truncateMiddle(text, columns, "…")) <= columns);
      assert.equal(textWidth(fit(text, columns, "…")), columns);
    }),
  );
});

test("wrapping loses nothing but the spaces at breaks", () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 80 }).map(printable), fc.integer({ min: 1, max: 30 }), (text, columns) => {
      assert.equal(wrap(text, columns).join("").replaceAll(" ", ""), text.replaceAll(" ", ""));
    }),
  );
});

test("what a terminal would obey or reorder is never left in a line", () => {
  assert.equal(printable("a\x1b[31mb"), "a\ufffd[31mb");
  assert.equal(printable("a\u009b31mb"), "a\ufffd31mb");
  assert.equal(printable("one\ntwo\tthree\r\n"), "one two three ");
  assert.equal(printable("abc\u202edef"), "abc\ufffddef");
  assert.equal(printable("soft\u00adhyphen"), "softhyphen");
  assert.equal(printable("\ud800x"), "\ufffdx");
  assert.equal(printable("{red-fg}not a tag{/}"), "{red-fg}not a tag{/}", "blessed's tags are plain text");
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      assert.doesNotMatch(printable(text), /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u);
    }),
  );
});

test("an ASCII terminal gets ASCII: accents dropped, punctuation plain, the rest as question marks", () => {
  assert.equal(toAscii("Système “Étoile” – ß…"), 'Systeme "Etoile" - ss...');
  assert.equal(toAscii("日本 한국 e\u0301"), "?? ?? e");
  fc.assert(fc.property(anyText, (text) => assert.match(toAscii(text), /^[\x20-\x7e]*$/)));
});
