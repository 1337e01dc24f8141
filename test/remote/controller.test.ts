import assert from "node:assert/strict";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { askController } from "../../src/remote/ask.ts";
import { entry, withMenu } from "./bench.ts";
import { controller } from "./controller.ts";

test("two machines ask one controller, and each boots what is meant for it; a third one its own default", async () => {
  const url = `http://boot.example/vmlinuz#sha256=${"a".repeat(64)}`;
  const asked: string[] = [];
  const words = new Map([
    ["52:54:00:00:00:01", "one"],
    ["52:54:00:00:00:02", url],
  ]);
  const server = controller(words, ({ mac }) => asked.push(mac)).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  try {
    const { port } = server.address() as AddressInfo;
    const machine = async (mac: string) => {
      const { store, actions, done } = withMenu({ entries: [entry("one")], countdown: 9 });
      // What does TLS in front of the controller isn't part of this.
      const fetchText = async (to: string): Promise<string> => (await fetch(to.replace("https:", "http:"))).text();
      const address = `https://127.0.0.1:${port}/ask`;
      const said = await askController({ url: address, seconds: 10, store, actions, facts: { mac }, fetchText });
      return { said, done };
    };
    assert.deepEqual(await machine("52:54:00:00:00:01"), { said: null, done: ["boot one"] });
    assert.deepEqual(await machine("52:54:00:00:00:02"), { said: null, done: [`fetch ${url}`, "boot fetched"] });
    const other = await machine("52:54:00:00:00:03");
    assert.match(other.said!, /leaves it to this machine/);
    assert.deepEqual([other.done, asked.length], [[], 3]);
  } finally {
    server.closeAllConnections();
    server.close();
  }
});
