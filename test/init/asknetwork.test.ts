import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { lookAtNetwork } from "../../src/init/asknetwork.ts";
import { gate, initBench } from "./bench.ts";

const silent = () => new Promise<never>(() => {});
const answers = async () => null;

test("disks come first: without an entry on them the network is asked, when the configuration has been read", async () => {
  const { parts, readiness, events, settle } = initBench({}, answers);
  const configured = gate();
  const looking = lookAtNetwork(parts, configured.promise);
  settle();
  await turn();
  assert.deepEqual(events, []);
  configured.resolve();
  await looking;
  assert.deepEqual([events, readiness.awaits("network")], [["ask by DHCP"], false]);
});

test("where the disks have an entry that boots, the network is left alone", async () => {
  const { parts, readiness, events, settle } = initBench({}, answers);
  settle("one");
  await lookAtNetwork(parts, Promise.resolve());
  assert.deepEqual([events, readiness.awaits("network")], [[], false]);
});

test("a network that the configuration sets up is asked as well, but keeps no disk's entry waiting", async () => {
  const answer = gate();
  const { parts, readiness, events, settle } = initBench({ network: ["auto"] }, () => answer.promise.then(answers));
  settle("one");
  const looking = lookAtNetwork(parts, Promise.resolve());
  await turn();
  assert.deepEqual([events, readiness.awaits("network")], [["ask by DHCP"], false]);
  answer.resolve();
  await looking;
});

test("where the network comes first it is asked at once, and waited for", async () => {
  const answer = gate();
  const url = "http://server/boot.ipxe";
  const { parts, readiness, events } = initBench({ url }, () => answer.promise.then(answers));
  const looking = lookAtNetwork(parts, silent());
  await turn();
  assert.deepEqual([events, readiness.awaits("network")], [[`ask ${url}`], true]);
  answer.resolve();
  await looking;
});

test("the configuration that comes meanwhile may want the network", async () => {
  const { parts, events, settle, hold } = initBench({}, answers);
  settle("one");
  hold({ url: "http://server/late" });
  await lookAtNetwork(parts, Promise.resolve());
  assert.deepEqual(events, ["ask http://server/late"]);
});

test("a network that fails, or is silent until its deadline, is named in the kernel log and awaited no more", async () => {
  const url = "http://server";
  const failing = initBench({ url }, () => Promise.reject(new Error("no link has a carrier")));
  await lookAtNetwork(failing.parts, silent());
  assert.equal(failing.events.at(-1), "baton: network: no link has a carrier");
  assert.equal(failing.readiness.awaits("network"), false);
  const mute = initBench({ url }, silent);
  await lookAtNetwork(mute.parts, silent(), 1);
  assert.equal(mute.events.at(-1), "baton: network: no answer within 0.001 s");
  assert.equal(mute.readiness.awaits("network"), false);
});
