/** The menu over the network: an entry that is chosen by the API, and a controller that is asked, waited for, or dead. */

import assert from "node:assert/strict";
import { createServer, type Server } from "node:http";
import { request } from "node:https";
import { type AddressInfo, connect } from "node:net";
import { test } from "node:test";
import { menuReady, withBaton } from "./baton.ts";
import type { Machine } from "./machine.ts";
import { grubDisk, system } from "./menudisk.ts";
import { networkCard } from "./network.ts";
import { expectBooted } from "./payload.ts";

const TOKEN = "7d1f0c5a9be24c6f8a31";
const REMOTE = `timeout: never\nremote:\n  listen: 8443\n  token: ${TOKEN}\n`;

interface Answer {
  readonly status: number;
  readonly json: Record<string, unknown>;
  readonly fingerprint: string;
}

/** One request to the machine. */
function ask(port: number, method: string, path: string, body?: object, token = TOKEN): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const headers = { Authorization: `Bearer ${token}`, "Content-Type": "application/json" };
    const options = { host: "127.0.0.1", port, method, path, headers, agent: false, rejectUnauthorized: false };
    const asked = request(options, (response) => {
      const socket = response.socket as import("node:tls").TLSSocket;
      const { fingerprint256 } = socket.getPeerCertificate();
      let text = "";
      response.on("data", (part: Buffer) => {
        text += part.toString();
      });
      response.on("end", () => {
        resolve({
          status: response.statusCode!,
          json: JSON.parse(text) as Answer["json"],
          fingerprint: fingerprint256,
        });
      });
    });
    asked.setTimeout(60_000, () => asked.destroy(new Error("no answer within 60 s")));
    asked.on("error", reject);
    asked.end(body === undefined ? "" : JSON.stringify(body));
  });
}

/** A port of this host that nobody has now. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Until the machine answers: its server comes after its menu, and its address after that. */
async function state(port: number): Promise<Answer> {
  for (let left = 60; ; left--) {
    try {
      return await ask(port, "GET", "/v1/state");
    } catch (error) {
      if (left === 0) throw error;
      await new Promise((resolve) => setTimeout(resolve, 1000));
    }
  }
}

const card = (port: number): string[] => networkCard("virtio-net-pci", `user,hostfwd=tcp:127.0.0.1:${port}-:8443`);

test("an entry is chosen by the API over https, by the fingerprint on the serial line; a flood changes nothing", async () => {
  const port = await freePort();
  const disks = [{ image: await grubDisk(), attach: "virtio" as const }];
  await withBaton({ name: "remote-api", config: REMOTE, disks, extra: card(port) }, async (machine) => {
    await menuReady(machine);
    const said = await machine.serial.waitFor(/baton: remote: https on port 8443, certificate SHA-256 ([0-9A-F:]{95})/);
    const { status, json, fingerprint } = await state(port);
    assert.deepEqual([status, fingerprint], [200, said.match[1]]);
    const entries = json.entries as { id: string; title: string; options: string }[];
    const beta = entries.find(({ title }) => title === "Beta system (again)")!;
    assert.equal((await ask(port, "POST", "/v1/boot", { id: beta.id }, "0123456789abcdef")).status, 401);
    await flood(port);
    // The menu on the console goes on meanwhile.
    await machine.serial.type("l");
    await machine.serial.waitForScreen(/a wrong token from/);
    await machine.serial.type("l");
    assert.equal((await state(port)).status, 200);
    const options = `${beta.options} word=remote`;
    assert.equal((await ask(port, "POST", "/v1/boot", { id: beta.id, options })).status, 202);
    await expectBooted(machine, await system("beta", " word=remote"));
  });
});

/** Many connections that say nothing. */
async function flood(port: number): Promise<void> {
  const sockets = Array.from({ length: 500 }, () => connect(port, "127.0.0.1").on("error", () => {}));
  await new Promise((resolve) => setTimeout(resolve, 3000));
  for (const socket of sockets) socket.destroy();
}

/** A machine that asks a controller, which answers as it likes. */
async function withController(
  name: string,
  answer: ((query: URLSearchParams) => string | null) | null,
  body: (machine: Machine, asked: URLSearchParams[]) => Promise<void>,
): Promise<void> {
  const asked: URLSearchParams[] = [];
  const server: Server = createServer((request, response) => {
    const { searchParams } = new URL(request.url!, "http://controller");
    asked.push(searchParams);
    const text = answer?.(searchParams) ?? null;
    // One that says nothing keeps the line open.
    if (text !== null) response.end(text);
  });
  server.listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as AddressInfo;
  if (answer === null) server.close();
  const config = `timeout: 0\nremote:\n  listen: 8443\n  token: ${TOKEN}\n  hold: 20\n  ask: http://10.0.2.2:${port}/ask\n`;
  const disks = [{ image: await grubDisk(), attach: "virtio" as const }];
  try {
    await withBaton({ name, config, disks, extra: networkCard("virtio-net-pci") }, (machine) => body(machine, asked));
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

const BETA = "5a6b1c2d-0004-4000-8000-000000000004:grub:beta-advanced";

test("a controller that is asked decides, by the machine's identity", async () => {
  await withController(
    "remote-ask",
    (query) => (query.get("mac") === "52:54:00:00:00:00" ? JSON.stringify({ id: BETA }) : "{}"),
    async (machine, asked) => {
      await expectBooted(machine, await system("beta"));
      assert.equal(asked.length, 1);
    },
  );
});

for (const [what, answer, reason] of [
  ["dead", null, /baton: remote: the controller at 10\.0\.2\.2:\d+ gave no answer that counts/],
  ["silent", () => null, /baton: remote: the controller at 10\.0\.2\.2:\d+ has not answered within 20 s/],
  [
    "lying",
    () => '{"id": "sda9:/nothing"}',
    /baton: remote: the controller .* said sda9:\/nothing: No entry has the id/,
  ],
] as const)
  test(`with a ${what} controller the machine's own default boots, and the line says why`, async () => {
    await withController(`remote-${what}`, answer, async (machine) => {
      if (what !== "silent") await machine.serial.waitFor(reason);
      await expectBooted(machine, await system("alpha"));
    });
  });
