import assert from "node:assert/strict";
import { test } from "node:test";
import { Dhcp6Client } from "../../src/net/dhcp6.ts";

const LINK = { name: "lo", index: 1, mac: "00:00:00:00:00:00", hardwareType: 1, driver: null };
const FACTS = { firmware: "efi", arch: "x86_64", uuid: null } as const;

test("a client that is closed while a question is open answers it, and asks nothing more", async () => {
  const client = new Dhcp6Client(LINK, FACTS);
  const asked = client.ask(3_600_000, true);
  client.close();
  assert.equal(await asked, null);
  client.close();
  assert.equal(await client.ask(3_600_000, true), null);
  await assert.rejects(client.open("::1"), { code: "cancelled" });
});

test("a client that is closed while it renews is no crash, and nothing is lost by that", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const client = new Dhcp6Client(LINK, FACTS);
  const lost: string[] = [];
  const granted = { ip: "2001:db8::50", renew: 0, rebind: 100, valid: 200, identity: Buffer.alloc(12) };
  client.keep({ options: [], granted }, (why) => lost.push(why));
  // The renewal is asked for, and a moment later the machine boots.
  t.mock.timers.tick(1000);
  client.close();
  t.mock.timers.tick(500_000);
  await new Promise((resolve) => setImmediate(resolve));
  t.mock.timers.tick(500_000);
  assert.deepEqual(lost, []);
});
