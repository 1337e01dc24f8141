import assert from "node:assert/strict";
import { test } from "node:test";
import { bundleFunctions, functionsOf } from "../../initramfs/functions.ts";

const PROGRAM = `
var files = lazy({"src/a.ts"() { Reader = class { #at = 0; size = () => 1; read() { return [1].map((x) => x); } get end() {} } }});
function first(a, b = () => a) { const inner = function () {}; return inner; }
var second = async () => 2, third = { fourth: function named() {}, fifth() {} };
later.name = () => 3;
call(() => () => 4);
`;

test("a function is named by what it is called and what is around it, or by its number there", () => {
  const names = [...functionsOf(PROGRAM).keys()];
  for (const name of [
    "src/a.ts",
    "src/a.ts.Reader.fields",
    "src/a.ts.Reader.size",
    "src/a.ts.Reader.read.0",
    "src/a.ts.Reader.end",
    "first",
    "first.b",
    "first.inner",
    "second",
    "1.0",
  ]) {
    assert.ok(names.includes(name), `${name} in ${names.join(" ")}`);
  }
  assert.equal(new Set(names).size, names.length);
});

test("what stands before a function changes where it ends, and not its name", () => {
  const before = functionsOf(PROGRAM);
  const after = functionsOf(`var more = 1;${PROGRAM}`);
  assert.deepEqual([...after.keys()], [...before.keys()]);
  assert.equal(after.get("first")! - before.get("first")!, "var more = 1;".length);
});

test("of a bundle, the offsets are in the text that the image has", () => {
  const ends = bundleFunctions("#!/usr/bin/env node\nfunction a() {}\n");
  assert.deepEqual(
    [...ends],
    [["a", "(function (exports, require, module, __filename, __dirname) {function a() {}".length]],
  );
});
