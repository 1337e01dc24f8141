/** A TPM's registers as Baton reads them, beside what tpm2-tools read of the same swtpm. */

import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { activeBanks, type Exchange, readPcrs } from "../../src/trust/tpm2.ts";
import { eventually } from "../eventually.ts";

/** Two ports in a row: tpm2-tools take the one behind the TPM's for its control channel. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

function exchangeWith(port: number): Exchange {
  return (command) =>
    new Promise((resolve, reject) => {
      const socket = connect(port, "127.0.0.1", () => socket.write(command));
      socket.once("error", reject);
      socket.once("data", (answer) => {
        socket.destroy();
        resolve(answer);
      });
    });
}

test("registers are those that tpm2_pcrread shows, after tpm2_pcrextend too", async () => {
  const folder = await mkdtemp(join(tmpdir(), "baton-tpm-"));
  const port = await freePort();
  const words = ["--tpm2", "--tpmstate", `dir=${folder}`, "--server", `type=tcp,port=${port}`];
  const keep = ["--ctrl", `type=tcp,port=${port + 1}`, "--flags", "startup-clear,not-need-init"];
  const swtpm = spawn("swtpm", ["socket", ...words, ...keep], { stdio: "ignore" });
  // swtpm ends with its first client unless the state is kept by a control connection: each tool makes its own.
  const tool = (name: string, ...args: string[]) =>
    promisify(execFile)(name, ["-T", `swtpm:host=127.0.0.1,port=${port}`, ...args]);
  try {
    const exchange = exchangeWith(port);
    await eventually(async () => assert.ok((await activeBanks(exchange)).length > 0));
    const digest = createHash("sha256").update("measured").digest("hex");
    await tool("tpm2_pcrextend", `8:sha256=${digest}`);
    const { stdout } = await tool("tpm2_pcrread");
    for (const bank of await activeBanks(exchange)) {
      const section = new RegExp(`^\\s*${bank.name}:\\n((?:\\s+\\d+ *: 0x[0-9A-F]+\\n)+)`, "m").exec(stdout);
      const theirs = [...section![1]!.matchAll(/(\d+) *: 0x([0-9A-F]+)/g)];
      const expected = new Map(theirs.map(([, pcr, value]) => [Number(pcr), value!.toLowerCase()]));
      assert.equal(expected.size, 24);
      assert.deepEqual(await readPcrs(exchange, bank), expected);
    }
  } finally {
    swtpm.kill();
    await rm(folder, { recursive: true, force: true });
  }
});
