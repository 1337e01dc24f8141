/** Fetching from the TFTP servers that people run: tftpd-hpa and atftpd here, dnsmasq in bad-network.full.test.ts. */

import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { debianPackages } from "../../initramfs/debian.ts";
import { download } from "../../src/fetch/download.ts";
import { Fetcher } from "../../src/fetch/fetcher.ts";
import { tftpTransport } from "../../src/fetch/tftp.ts";
import { startRelay } from "./relay.ts";
import { failure, fetch, sha256 } from "./tftpclient.ts";
import { freeUdpPort } from "./tftpserver.ts";

const skip = process.getuid?.() === 0 ? false : "needs root";
const PATIENT = { times: { retry: 200, giveUp: 10_000 } };

interface Server {
  readonly port: number;
  readonly directory: string;
}

type Kind = "tftpd-hpa" | "atftpd";

async function start(t: TestContext, kind: Kind, host = "127.0.0.1"): Promise<Server> {
  const { root } = await debianPackages(kind === "tftpd-hpa" ? ["tftpd-hpa"] : ["atftpd"]);
  const directory = mkdtempSync(join(tmpdir(), "baton-tftp-"));
  chmodSync(directory, 0o755);
  const port = await freeUdpPort(host);
  const address = host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
  const [program, words] =
    kind === "tftpd-hpa"
      ? ["usr/sbin/in.tftpd", ["-L", "-a", address, "-s", directory, "-u", "root"]]
      : [
          "usr/sbin/atftpd",
          [
            "--daemon",
            "--no-fork",
            "--port",
            `${port}`,
            "--bind-address",
            host,
            "--user",
            "root",
            "--logfile",
            "-",
            directory,
          ],
        ];
  const child: ChildProcess = spawn(join(root, program as string), words as string[], { stdio: "ignore" });
  t.after(() => {
    child.kill("SIGKILL");
    rmSync(directory, { recursive: true, force: true });
  });
  await sleep(500);
  return { port, directory };
}

const put = ({ directory }: Server, name: string, bytes: Buffer): void => writeFileSync(join(directory, name), bytes);

for (const kind of ["tftpd-hpa", "atftpd"] as const) {
  test(`${kind}: files of every size come whole, in windows of 1, 16 and 64 blocks`, { skip }, async (t) => {
    const server = await start(t, kind);
    for (const windowsize of [1, 16, 64]) {
      for (const size of [0, 1, 512, 1428, 1428 * 64, 1428 * 64 + 1, 5_000_000]) {
        const bytes = randomBytes(size);
        put(server, "file", bytes);
        const fetched = await fetch(server.port, "file", { ...PATIENT, windowsize });
        assert.equal(sha256(fetched.bytes), sha256(bytes), `${size} bytes, window ${windowsize}`);
        assert.equal(fetched.size, size);
      }
    }
  });

  test(`${kind}: two files side by side come whole`, { skip }, async (t) => {
    const server = await start(t, kind);
    const files = [randomBytes(4_000_000), randomBytes(6_000_000)];
    for (const [index, bytes] of files.entries()) put(server, `file${index}`, bytes);
    for (const windowsize of [1, 16]) {
      const fetching = files.map((_, index) => fetch(server.port, `file${index}`, { ...PATIENT, windowsize }));
      const digests = (await Promise.all(fetching)).map(({ bytes }) => sha256(bytes));
      assert.deepEqual(digests, files.map(sha256));
    }
  });

  test(`${kind}: block numbers roll over past 65,535, in windows too`, { skip }, async (t) => {
    const server = await start(t, kind);
    const bytes = randomBytes(16 * 140_000 + 3);
    put(server, "long", bytes);
    for (const windowsize of [1, 16]) {
      const fetched = await fetch(server.port, "long", { ...PATIENT, blksize: 16, windowsize });
      assert.equal(sha256(fetched.bytes), sha256(bytes), `window ${windowsize}`);
    }
  });

  test(`${kind}: loss, doubling, delay and overtaking at 0, 5 and 20 % change nothing`, { skip }, async (t) => {
    const server = await start(t, kind);
    const bytes = randomBytes(300_000);
    put(server, "file", bytes);
    for (const rate of [0, 0.05, 0.2]) {
      const relay = await startRelay(server.port, { loss: rate, duplicate: rate, reorder: rate, delay: 2, seed: 11 });
      t.after(() => relay.close());
      const fetched = await fetch(relay.port, "file", { times: { retry: 100, giveUp: 30_000 } });
      assert.equal(sha256(fetched.bytes), sha256(bytes), `at ${rate * 100} %`);
    }
  });

  test(`${kind}: a file that is missing or not readable is said to be that`, { skip }, async (t) => {
    const server = await start(t, kind);
    put(server, "secret", Buffer.from("x"));
    chmodSync(join(server.directory, "secret"), 0o600);
    const missing = await failure(fetch(server.port, "nothing", PATIENT));
    assert.equal(missing.code, "not-found");
    assert.match(missing.message, /the server has no such file: TFTP error 1/);
    // atftpd as root reads what root may read.
    if (kind === "atftpd") return;
    const secret = await failure(fetch(server.port, "secret", PATIENT));
    assert.equal(secret.code, "refused");
  });

  test(`${kind}: a digest is checked, a mirror asked where it is wrong, and a key ends the transfer`, {
    skip,
  }, async (t) => {
    const [wrong, right] = [await start(t, kind), await start(t, kind)];
    const bytes = randomBytes(20_000_000);
    put(wrong, "file", randomBytes(20_000_000));
    put(right, "file", bytes);
    const url = `tftp://127.0.0.1:${wrong.port}/file#sha256=${sha256(bytes)}`;
    const mirror = `tftp://127.0.0.1:${right.port}/file`;
    assert.match((await failure(download(new Fetcher(), url))).message, /its SHA-256 is .* nothing of it is used/);
    const got = await download(new Fetcher(), `${url}&mirror=${mirror}`);
    await got.handle.close();
    assert.deepEqual([got.size, got.sha256], [bytes.length, sha256(bytes)]);
    const controller = new AbortController();
    const onProgress = (done: number): void => {
      if (done > 1_000_000) controller.abort();
    };
    const ended = await failure(download(new Fetcher(), mirror, { signal: controller.signal, onProgress }));
    assert.equal(ended.code, "cancelled");
  });
}

test("tftpd-hpa: by IPv6", { skip }, async (t) => {
  const server = await start(t, "tftpd-hpa", "::1");
  const bytes = randomBytes(1_000_000);
  put(server, "file", bytes);
  const opened = await tftpTransport(PATIENT).open(new URL(`tftp://[::1]:${server.port}/file`), {});
  const pieces: Uint8Array[] = [];
  for await (const piece of opened.body) pieces.push(piece);
  assert.equal(sha256(Buffer.concat(pieces)), sha256(bytes));
});

test("where no TFTP server listens that is said at once", async () => {
  const port = await freeUdpPort();
  const reason = await failure(fetch(port, "file", { times: { retry: 1000, giveUp: 600_000 } }));
  assert.match(reason.message, /no TFTP server listens at 127\.0\.0\.1/);
});
