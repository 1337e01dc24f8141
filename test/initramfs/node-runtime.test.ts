import assert from "node:assert/strict";
import { test } from "node:test";
import { withoutTypeStripper } from "../../initramfs/node-runtime.ts";

const around = (base64: string): Buffer =>
  Buffer.from(
    `code\0var first = Buffer2.from("c3RheXM=");\n    var bytes = Buffer2.from("${base64}", "base64");\n    var wasmModule = new WebAssembly.Module(bytes);\0more code`,
  );

test("the program that takes types out of TypeScript is overwritten, and nothing around it moves", () => {
  assert.equal(withoutTypeStripper(around("AGFzbQEAAAAB/+8=")).toString(), around("AAAAAAAAAAAAAAAA").toString());
});

test("a Node without that program stays as it is", () => {
  const node = Buffer.from('var bytes = Buffer2.from("c3RheXM=", "base64");');
  assert.deepEqual(withoutTypeStripper(node), node);
});
