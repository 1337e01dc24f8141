import assert from "node:assert/strict";
import { test } from "node:test";
import { linkWords, wantsNetwork, withNetworkUse } from "../../src/policy/network.ts";
import { mergeSettings } from "../../src/policy/settings.ts";

const order = (network: readonly string[] | null, sources: readonly string[] = []): readonly string[] =>
  withNetworkUse(mergeSettings({ network, order: sources })).order;

test("a machine is told to prefer, require or never use the network", () => {
  assert.deepEqual(order(["prefer"]), ["network", "any"]);
  assert.deepEqual(order(["prefer", "eth0,dhcp"], ["nvme"]), ["network", "nvme"]);
  assert.deepEqual(order(["prefer"], ["mac=52:54:00:00:00:01", "any"]), ["mac=52:54:00:00:00:01", "any"]);
  assert.deepEqual(order(["require"], ["nvme", "any"]), ["network"]);
  assert.deepEqual(order(["require"], ["nvme", "mac=52:54:00:00:00:01"]), ["mac=52:54:00:00:00:01"]);
  assert.deepEqual(order(["never"], ["network", "any"]), ["any"]);
  assert.deepEqual(order(["auto"], ["any"]), ["any"]);
  assert.deepEqual(order(null), []);
});

test("the network is waited for where it may come first, and not because it is merely listed", () => {
  const waits = (network: readonly string[]): boolean => wantsNetwork(withNetworkUse(mergeSettings({ network })));
  assert.deepEqual([["prefer"], ["require"], ["auto"], ["never"]].map(waits), [true, true, false, false]);
  assert.equal(wantsNetwork({ url: "http://h/x", order: [] }), true);
});

test("what says how links are set up is told from what says when", () => {
  assert.deepEqual(linkWords(["prefer", "eth0,dhcp"]), ["eth0,dhcp"]);
  assert.equal(linkWords(["require"]), null);
});
