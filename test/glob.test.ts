import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { globMatches } from "../src/glob.ts";

test("a pattern matches as a shell's does", () => {
  const cases: readonly [string, string, boolean][] = [
    ["arch.conf", "arch.conf", true],
    ["arch", "arch.conf", false],
    ["arch*", "arch.conf", true],
    ["*-old.conf", "debian-old.conf", true],
    ["*-old.conf", "debian-older.conf", false],
    ["a?c", "abc", true],
    ["a?c", "ac", false],
    ["a?c", "a🐧c", true],
    ["[a-c]x[!0-9]", "bxy", true],
    ["[a-c]x[!0-9]", "bx1", false],
    ["[a-c]x", "bx", true],
    ["[!a-c]x", "bx", false],
    ["[^a-c]x", "dx", true],
    ["[]]x", "]x", true],
    ["[a-]x", "-x", true],
    ["[ab", "[ab", true],
    ["\\*", "*", true],
    ["\\*", "a", false],
    ["*", "", true],
    ["", "", true],
    ["", "a", false],
    ["*a*b*c*", "xxaxxbxxcxx", true],
    ["**", "anything", true],
  ];
  for (const [pattern, text, expected] of cases) {
    assert.equal(globMatches(pattern, text), expected, `${pattern} and ${text}`);
  }
});

test("a text matches itself when its special characters are quoted, and a star on either side", () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 20 }), (text) => {
      const quoted = text.replace(/[*?[\\]/g, "\\$&");
      assert.ok(globMatches(quoted, text));
      assert.ok(globMatches(`*${quoted}*`, `before${text}after`));
    }),
  );
});

test("stars and question marks match as the regular expressions that they stand for", () => {
  const property = fc.property(
    fc.stringMatching(/^[ab*?]{0,12}$/),
    fc.stringMatching(/^[ab]{0,12}$/),
    (pattern, text) => {
      const regex = new RegExp(`^${pattern.replaceAll("?", ".").replaceAll("*", ".*")}$`);
      assert.equal(globMatches(pattern, text), regex.test(text));
    },
  );
  fc.assert(property);
});

test("a pattern of many stars takes no exponential time", () => {
  assert.equal(globMatches(`${"*a".repeat(200)}b`, "a".repeat(5000)), false);
});
