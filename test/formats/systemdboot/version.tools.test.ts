import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import fc from "fast-check";
import { compareVersions, versionKey } from "../../../src/formats/systemdboot/version.ts";

const sign = (n: number): string => (n < 0 ? "<" : n > 0 ? ">" : "==");

test("versions compare as the examples of the Version Format Specification say", () => {
  const examples: readonly [string, string, string][] = [
    ["11", "==", "11"],
    ["systemd-123", "==", "systemd-123"],
    ["bar-123", "<", "foo-123"],
    ["123a", ">", "123"],
    ["123.a", ">", "123"],
    ["123.a", "<", "123.b"],
    ["123a", ">", "123.a"],
    ["11α", "==", "11β"],
    ["A", "<", "a"],
    ["", "<", "0"],
    ["0.", ">", "0"],
    ["0.0", ">", "0"],
    ["1_", "==", "1"],
    ["_1", "==", "1"],
    ["1_", "<", "1.2"],
    ["1_2_3", ">", "1.3.3"],
    ["1+2+3", ">", "1.3.3"],
    ["122.1", "<", "123~rc1-1"],
    ["123~rc1-1", "<", "123"],
    ["123", "<", "123-a"],
    ["123-a", "<", "123-a.1"],
    ["123-a.1", "<", "123-1"],
    ["123-1", "<", "123-1.1"],
    ["123-1.1", "<", "123^post1"],
    ["123^post1", "<", "123.a-1"],
    ["123.a-1", "<", "123.1-1"],
    ["123.1-1", "<", "123a-1"],
    ["123a-1", "<", "124-1"],
    ["6.1.0-9-amd64", "<", "6.1.0-10-amd64"],
    ["5.11.0-0.rc5.20210128git76c057c84d28.137.fc34", "<", "5.11.0-155.fc34"],
    ["00123", "==", "123"],
    ["99999999999999999999999999999999", "<", "100000000000000000000000000000000"],
  ];
  for (const [a, expected, b] of examples)
    assert.equal(`${a} ${sign(compareVersions(a, b))} ${b}`, `${a} ${expected} ${b}`);
});

const version = fc.stringMatching(/^[0-9a-cA-B~^.\-_+]{0,10}$/);

test("comparing versions is an order: antisymmetric and transitive", () => {
  fc.assert(
    fc.property(version, version, version, (a, b, c) => {
      assert.equal(Math.sign(compareVersions(a, b)), -Math.sign(compareVersions(b, a)) || 0);
      const [x, y, z] = [a, b, c].sort(compareVersions) as [string, string, string];
      assert.ok(compareVersions(x, y) <= 0 && compareVersions(y, z) <= 0 && compareVersions(x, z) <= 0);
    }),
    { numRuns: 2000 },
  );
});

test("keys stand in the order of their versions", () => {
  const plain = fc
    .array(
      fc.constantFrom("0", "1", "01", "10", "9", "a", "B", "ab", "rc", ".1", "-2", "~x", "^1", ".a", "-rc", "_", "+"),
    )
    .map((parts) => parts.join(""));
  let compared = 0;
  fc.assert(
    fc.property(fc.oneof(plain, version), fc.oneof(plain, version), (a, b) => {
      const [x, y] = [versionKey(a), versionKey(b)];
      if (x === null || y === null) return;
      compared++;
      assert.equal(x < y ? -1 : x > y ? 1 : 0, Math.sign(compareVersions(a, b)), `${a} and ${b}`);
    }),
    { numRuns: 5000 },
  );
  assert.ok(compared > 1000, `${compared} of 5000`);
  assert.notEqual(versionKey("6.1.0-18-amd64"), null);
});

const hasAnalyze = spawnSync("systemd-analyze", ["compare-versions", "1", "2"]).status === 12;

test("versions compare as systemd-analyze compares them", {
  skip: hasAnalyze ? false : "systemd-analyze (package systemd) is not there",
}, () => {
  const pairs = fc.sample(fc.tuple(version, version), { numRuns: 60, seed: 20260101 });
  for (const [a, b] of [...pairs, ["1.", "1"], ["1~", "1"], ["~", ""], ["1-", "1^"], ["-.a", "-.1"]] as const) {
    // It refuses empty arguments and takes a leading dash for an option.
    if (a === "" || b === "") continue;
    const { stdout } = spawnSync("systemd-analyze", ["compare-versions", "--", a, b], { encoding: "utf8" });
    const theirs = / (<|>|==) /.exec(stdout)?.[1];
    assert.equal(sign(compareVersions(a, b)), theirs, `${a} and ${b}: ${stdout}`);
  }
});
