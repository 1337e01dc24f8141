import assert from "node:assert/strict";
import { test } from "node:test";
import { askController, readAnswer } from "../../src/remote/ask.ts";
import { entry, withMenu } from "./bench.ts";

const ENTRIES = [entry("one"), entry("shut", { restricted: ["root"] })];
const URL_SHA = { url: "http://boot.example/vmlinuz", sha256: "a".repeat(64) };

/** @returns what came of it, what was done, and what was asked for */
async function asked(answer: string | Error | null, countdown: number | null = 9, seconds = 1, scheme = "https") {
  const { store, actions, done } = withMenu({ entries: ENTRIES, countdown });
  let url = "";
  const fetchText = async (address: string): Promise<string> => {
    url = address;
    if (answer instanceof Error) throw answer;
    return answer ?? new Promise<string>(() => {});
  };
  const facts = { mac: "52:54:00:12:34:56", uuid: null, ip: "10.0.2.15" };
  const said = await askController({
    url: `${scheme}://boot.example/ask?rack=7`,
    seconds,
    store,
    actions,
    facts,
    fetchText,
  });
  return { said, done, url };
}

test("a controller is told who asks, and its word boots", async () => {
  const { said, done, url } = await asked('{"id": "one", "options": "quiet"}');
  assert.deepEqual([said, done], [null, ["boot one with quiet"]]);
  assert.equal(url, "https://boot.example/ask?rack=7&mac=52%3A54%3A00%3A12%3A34%3A56&ip=10.0.2.15");
});

test("what stands at a URL is fetched by its digest, and boots", async () => {
  const { said, done } = await asked(JSON.stringify(URL_SHA));
  assert.deepEqual([said, done], [null, [`fetch ${URL_SHA.url}#sha256=${URL_SHA.sha256}`, "boot fetched"]]);
});

test("a controller that is dead, silent, lying, late or forbidden changes nothing, and it is said why", async () => {
  const cases: [string | Error | null, RegExp, number | null][] = [
    [new Error("connection refused"), /connection refused/, 9],
    [null, /has not answered within 0\.05 s/, 9],
    ['{"id": "two"}', /said two: No entry has the id two/, 9],
    ['{"id": "shut"}', /said shut: .*[Pp]assword/, 9],
    ['{"id": "one"}', /came too late/, null],
    ["{}", /leaves it to this machine/, 9],
    ["<html>", /gave no answer that counts/, 9],
  ];
  for (const [answer, reason, countdown] of cases) {
    const { said, done } = await asked(answer, countdown, 0.05);
    assert.match(said!, reason);
    assert.deepEqual(done, [], String(answer));
  }
});

test("over http only an entry of the machine's own list counts: no other command line, and no URL", async () => {
  assert.deepEqual((await asked('{"id": "one"}', 9, 1, "http")).done, ["boot one"]);
  for (const answer of ['{"id": "one", "options": "init=/bin/sh"}', JSON.stringify(URL_SHA)]) {
    const { said, done } = await asked(answer, 9, 1, "http");
    assert.match(said!, /more than an entry's id, which counts over https only/);
    assert.deepEqual(done, []);
  }
});

test("an answer counts as a whole or not at all", () => {
  assert.deepEqual([readAnswer(""), readAnswer("{}")], [null, null]);
  const bad: unknown[] = [[], 7, { id: 7 }, { id: "" }, { id: "a\nb" }, { id: "a", ...URL_SHA }, { url: URL_SHA.url }];
  for (const value of [...bad, { ...URL_SHA, url: "file:///etc/shadow" }, { ...URL_SHA, url: "http://x/#sha256=00" }])
    assert.throws(() => readAnswer(JSON.stringify(value)), Error, JSON.stringify(value));
  assert.throws(() => readAnswer(" ".repeat(20_000)));
});
