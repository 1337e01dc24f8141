import assert from "node:assert/strict";
import { test } from "node:test";
import type { GptPartition } from "../../../src/formats/format.ts";
import { only, problems, read } from "./support.ts";

// Attribute bits of the GPT that say which of two systems boots.

const USR = "5dfbf5f4-2848-4bac-aa5e-0d9a20b745a6";
const part = (number: number, priority: number, tries: number, good: number, type = USR): GptPartition => ({
  ...{ number, type, partuuid: `u-${number}` },
  attributes: (BigInt(priority) << 48n) | (BigInt(tries) << 52n) | (BigInt(good) << 56n) | 5n,
});
const volume = { disk: "vda", partition: 12, scheme: "gpt" } as const;

async function ask(script: string, partitions: readonly GptPartition[]) {
  const result = await read(`${script}\nmenuentry "$a $b" { linux /k }`, {
    volume,
    partitions: (disk) => (disk === "vda" ? partitions : []),
  });
  return [only(result).title, ...problems(result)];
}

test("gptpriority gives a partition's priority", async () => {
  const partitions = [part(2, 2, 0, 1, "kernel"), part(4, 15, 3, 0, "kernel")];
  assert.deepEqual(await ask("gptpriority hd0 2 a\ngptpriority (hd0) 4 b", partitions), ["2 15"]);
  assert.deepEqual(await ask('regexp --set disk "^([^,]*)" $root\ngptpriority $disk 4 a', partitions), ["15 "]);
  assert.deepEqual(await ask("if gptpriority hd0 9 a; then b=yes; else b=no; fi", partitions), [" no"]);
});

test("gptprio.next gives the system that is good or on trial, by its priority", async () => {
  const next = "if gptprio.next -d a -u b; then true; else a=none; fi";
  assert.deepEqual(await ask(next, [part(3, 1, 0, 1), part(4, 2, 0, 1)]), ["hd0,gpt4 u-4"]);
  assert.deepEqual(await ask(next, [part(3, 1, 0, 1), part(4, 2, 0, 0), part(6, 9, 0, 1, "other")]), ["hd0,gpt3 u-3"]);
  const [title, problem] = await ask(next, [part(3, 1, 0, 1), part(4, 2, 1, 0)]);
  assert.equal(title, "hd0,gpt4 u-4");
  assert.match(problem ?? "", /partition 4 is on trial/);
  assert.deepEqual(await ask(next, [part(3, 0, 0, 1)]), ["none "]);
});

test("where there is no partition table to read, that is told", async () => {
  const [title, problem] = await ask("gptpriority hd0 2 a", []);
  assert.equal(title, " ");
  assert.match(problem ?? "", /isn't known here; which entry is the default depends on priorities/);
});
