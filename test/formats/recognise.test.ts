/** Configurations of which only the content is known: their language is found by what each format says of its lines. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { formats } from "../../src/formats/formats.ts";
import { recogniseText } from "../../src/formats/recognise.ts";
import { decodeText } from "../../src/formats/text.ts";
import { fixtures, openFixture } from "./golden.ts";

describe("every configuration of the corpus is recognised by its content", () => {
  for (const name of fixtures("")) {
    test(name, async () => {
      for (const volume of openFixture(name).volumes) {
        for (const format of formats.filter(({ signs }) => signs !== undefined)) {
          for (const found of await format.find(volume)) {
            const paths =
              format.folder === undefined
                ? [found]
                : (await volume.reader.list(found)).map((item) => `${found}/${item.name}`);
            for (const path of paths) {
              const { text } = decodeText(await volume.reader.read(path));
              assert.equal(recogniseText(text.slice(0, 32 * 1024), path)?.name, format.name, `${volume.name}:${path}`);
            }
          }
        }
      }
    });
  }
});

test("a text without a line of any language is in none", () => {
  assert.equal(recogniseText("", "x"), null);
  assert.equal(recogniseText("# only a comment\n\n", "grub.cfg"), null);
  assert.equal(recogniseText("Once upon a time\nthere was a boot\nin the mud.\n", "x"), null);
});

test("where a text fits several languages, the name decides, and without one the precedence", () => {
  const text = "linux /k\ninitrd /i\n";
  assert.equal(recogniseText(text, "x")?.name, "syslinux");
  assert.equal(recogniseText(text, "/grub/x")?.name, "grub");
  assert.equal(recogniseText(text, "/loader/entries/x")?.name, "bls");
  const precedences = formats.flatMap(({ signs }) => (signs && "precedence" in signs ? signs.precedence : []));
  assert.equal(new Set(precedences).size, precedences.length, "two formats have the same precedence");
});

test("a text made to be slow to recognise isn't", () => {
  for (const line of [" ".repeat(32_000), "menuentry ".repeat(3200), `${"\t".repeat(16_000)}x`, "[".repeat(32_000)]) {
    const started = performance.now();
    recogniseText(line, "x");
    // 32 kB at one step a character take less than a millisecond, at 32,000 steps several seconds.
    assert.ok(performance.now() - started < 500, JSON.stringify(line.slice(0, 20)));
  }
});
