import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { readYaml, yamlFault } from "../src/yamlfile.ts";

test("what people write is parsed, brackets and stars in their texts too", () => {
  assert.equal(yamlFault(readFileSync("configs/entries.yaml", "utf8")), null);
  const entry = "  - title: A [b\n    options: x={ *=*\n    initrd: [a, b]\n";
  assert.equal(yamlFault(`entries:\n${entry.repeat(20)}`), null);
});

for (const [name, text, why] of [
  ["brackets", "[".repeat(500_000), /deep/],
  ["braces among words", `a: ${"{b: ".repeat(60)}`, /deep/],
  ["dashes on one line", "- ".repeat(60), /deep/],
  [
    "lines that each stand further to the right",
    Array.from({ length: 60 }, (_, i) => `${" ".repeat(i)}a:\n`).join(""),
    /deep/,
  ],
  ["keys", "k: 1\n".repeat(20_000), /more than 5000 lines and items/],
  ["items of one list", `a: [${"1,".repeat(20_000)}]`, /more than 5000 lines and items/],
  ["aliases", `a: &a 1\nb: [${"*a, ".repeat(200)}]`, /refers more than 100 times/],
  ["characters", "x".repeat(600_000), /longer than/],
] as const) {
  test(`${name} without end are not`, () => {
    assert.match(yamlFault(text) ?? "", why);
  });
}

test("a value has its text as it is written, and its place; an alias has those of what it names", async () => {
  const written = "a: &x [1.50, yes, ~]\nb:\n  c: 'd'\ne: *x\n";
  const short = await readYaml(written);
  assert.ok(typeof short !== "string");
  const [a, b, e] = short.root!.pairs!;
  assert.deepEqual(
    a!.value.items!.map(({ text }) => text),
    ["1.50", "yes", null],
  );
  assert.deepEqual([b!.key.line, b!.value.pairs![0]!.value.text, b!.value.pairs![0]!.value.column], [2, "d", 6]);
  assert.deepEqual([e!.value.line, e!.value.items!.length], [4, 3]);
});

test("aliases that lead in circles or multiply are told", async () => {
  assert.match(String(await readYaml("a: &x [*x]\n")), /too many values/);
  const levels = [..."bcdefg"].map((name, i) => `${name}: &${name} [${`*${"abcdef"[i]}, `.repeat(9)}]\n`).join("");
  assert.match(String(await readYaml(`a: &a [x, x, x, x, x, x, x, x, x]\n${levels}`)), /too many values/);
});
