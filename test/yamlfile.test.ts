import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { yamlFault } from "../src/yamlfile.ts";

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
  ["keys", "k: 1\n".repeat(20_000), /more than 10000 lines and items/],
  ["items of one list", `a: [${"1,".repeat(20_000)}]`, /more than 10000 lines and items/],
  ["aliases", `a: &a 1\nb: [${"*a, ".repeat(200)}]`, /refers more than 100 times/],
  ["characters", "x".repeat(600_000), /longer than/],
] as const) {
  test(`${name} without end are not`, () => {
    assert.match(yamlFault(text) ?? "", why);
  });
}
