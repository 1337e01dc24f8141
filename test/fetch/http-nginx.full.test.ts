/** Everything that can go wrong between Baton and a web server, with nginx for the server. */

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { truncateSync, utimesSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { gzipSync } from "node:zlib";
import type { HttpOptions } from "../../src/fetch/http.ts";
import { makeAuthority, makeCertificate } from "./certificates.ts";
import { failure, get, LOCAL, QUICK, read, sha256 } from "./httpclient.ts";
import { badLine, freePort, startNginx } from "./nginx.ts";

const MIB = 1024 * 1024;

test("nginx: a file comes whole, with its size and digest, by IPv4 and IPv6", async (t) => {
  const { root, ports } = await startNginx(t, {}, { host: "::1" });
  const bytes = randomBytes(20 * MIB + 17);
  writeFileSync(join(root, "file"), bytes);
  const fragment = `#sha256=${sha256(bytes)}`;
  const seen: [number, number | null][] = [];
  const onProgress = (done: number, total: number | null): void => void seen.push([done, total]);
  assert.equal((await get(`http://127.0.0.1:${ports[0]}/file${fragment}`, { onProgress })).length, bytes.length);
  assert.deepEqual(seen.at(-1), [bytes.length, bytes.length]);
  assert.equal((await get(`http://[::1]:${ports[1]}/file${fragment}`)).length, bytes.length);
});

test("nginx: 404, 403, 401 and 500 are each their own failure, and never a file", async (t) => {
  const lines = [
    "location /403 { deny all; }",
    "location /500 { return 500; }",
    'location /401 { auth_basic "boot"; auth_basic_user_file $ROOT/passwords; try_files /file =404; }',
  ];
  const { root, ports } = await startNginx(t, { lines });
  writeFileSync(join(root, "file"), "in");
  writeFileSync(join(root, "passwords"), "me:{PLAIN}pass word\n");
  const url = `http://127.0.0.1:${ports[0]}`;
  await failure(get(`${url}/404`), "not-found", /404 Not Found/);
  await failure(get(`${url}/403`), "refused", /403 Forbidden: the server does not let this machine have it/);
  await failure(get(`${url}/500`), "io", /500 Internal Server Error: the server failed/);
  await failure(get(`${url}/401`), "refused", /401 Unauthorized: the server asks for a name and password/);
  const login = { origin: new URL(url).origin, isBare: false, user: "me", password: "pass word" };
  assert.equal((await get(`${url}/401`, {}, { ...LOCAL, logins: [login] })).toString(), "in");
  await failure(get(`${url}/401`, {}, { ...LOCAL, logins: [{ ...login, password: "no" }] }), "refused", /401/);
});

test("nginx: a redirect is followed, a loop is not, nor is one from https to http", async (t) => {
  const authority = makeAuthority();
  const lines = [
    "location = /old { return 301 /new; }",
    "location = /here { return 302 /there; }",
    "location = /there { return 307 /here; }",
  ];
  const plain = await startNginx(t, { lines });
  const tls = makeCertificate(authority, "IP:127.0.0.1");
  const secure = await startNginx(t, { tls, lines: [`return 301 http://127.0.0.1:${plain.ports[0]}/new;`] });
  writeFileSync(join(plain.root, "new"), "moved");
  const url = `http://127.0.0.1:${plain.ports[0]}`;
  assert.equal((await get(`${url}/old`)).toString(), "moved");
  await failure(get(`${url}/here`), "loop", /redirects in a circle/);
  const trust = { ...LOCAL, ca: [authority.cert] };
  await failure(
    get(`https://127.0.0.1:${secure.ports[0]}/new`, {}, trust),
    "refused",
    /from https to http:.*not followed/,
  );
});

test("nginx: certificates that have expired, sign themselves or name another machine are refused", async (t) => {
  const authority = makeAuthority();
  const pairs = [
    makeCertificate(authority, "IP:127.0.0.1"),
    makeCertificate(authority, "IP:127.0.0.1", -3),
    makeCertificate(null, "IP:127.0.0.1"),
    makeCertificate(authority, "DNS:other.example"),
  ];
  const { root, ports } = await startNginx(t, ...pairs.map((tls) => ({ tls })));
  writeFileSync(join(root, "file"), "secret");
  const trust: HttpOptions = { ...LOCAL, ca: [authority.cert] };
  const url = (index: number): string => `https://127.0.0.1:${ports[index]}/file`;
  assert.equal((await get(url(0), {}, trust)).toString(), "secret");
  await failure(get(url(0)), "refused", /can't be traced|not told to trust/);
  await failure(get(url(1), {}, trust), "refused", /has expired, or this machine's clock is wrong/);
  await failure(get(url(2), {}, trust), "refused", /signed by itself/);
  await failure(get(url(3), {}, trust), "refused", /the certificate is not for 127\.0\.0\.1/);
});

test("nginx: a server that asks for a client's certificate gets it, and one that is strange to it is refused", async (t) => {
  const [authority, stranger] = [makeAuthority(), makeAuthority()];
  const tls = makeCertificate(authority, "IP:127.0.0.1");
  const { root, ports } = await startNginx(t, { tls, clients: authority.cert });
  writeFileSync(join(root, "file"), "known");
  const trust: HttpOptions = { ...LOCAL, ca: [authority.cert] };
  const url = `https://127.0.0.1:${ports[0]}/file`;
  assert.equal((await get(url, {}, { ...trust, ...makeCertificate(authority, "DNS:client") })).toString(), "known");
  await failure(get(url, {}, trust), "refused", /400 Bad Request|asks for a client certificate/);
  const strange = { ...trust, ...makeCertificate(stranger, "DNS:client") };
  await failure(get(url, {}, strange), "refused", /400 |does not accept the client certificate/);
});

test("nginx: what breaks off is resumed where it was, as often as something comes", async (t) => {
  const { root, ports } = await startNginx(t, {});
  const bytes = randomBytes(10 * MIB);
  writeFileSync(join(root, "file"), bytes);
  utimesSync(join(root, "file"), 1_700_000_000, 1_700_000_000);
  const line = await badLine(t, ports[0]!, () => 1.5 * MIB);
  const url = `http://127.0.0.1:${line.port}/file`;
  assert.equal(sha256(await get(url)), sha256(bytes));
  assert.equal(line.count(), 7);
});

test("nginx: what is always cut short, stalls or drips is given up, and is no file", async (t) => {
  const { root, ports } = await startNginx(t, { lines: ["location /drip { limit_rate 2k; try_files /file =404; }"] });
  writeFileSync(join(root, "file"), randomBytes(MIB));
  const cut = await badLine(t, ports[0]!, (connection) => 100_000 + connection);
  await failure(get(`http://127.0.0.1:${cut.port}/file`), "io", /the connection broke off after \d+ of \d+ bytes/);
  const stalled = await badLine(t, ports[0]!, () => 100_000, "stalls");
  await failure(
    get(`http://127.0.0.1:${stalled.port}/file`, {}, QUICK),
    "timeout",
    /has sent nothing more for 0\.4 s, after \d+ of/,
  );
  const patient = { ...LOCAL, times: { ...QUICK.times, stall: 5000, drip: 2500 } };
  await failure(
    read(`http://127.0.0.1:${ports[0]}/drip`, patient),
    "timeout",
    /it comes too slowly, \d+ bytes in \d+ s/,
  );
});

test("nginx: a file that is replaced while it is fetched is fetched anew, and never pieced together", async (t) => {
  const { root, ports } = await startNginx(t, {});
  const path = join(root, "file");
  // Long before each other, and within the second in which it is fetched: nginx's ETag is then the same.
  for (const [before, after] of [
    [-2000, -1000],
    [0, 0],
  ] as const) {
    const [old, fresh] = [randomBytes(3 * MIB), randomBytes(3 * MIB)];
    const put = (bytes: Buffer, offset: number): void => {
      writeFileSync(path, bytes);
      const at = Math.floor(Date.now() / 1000) + offset;
      utimesSync(path, at, at);
    };
    put(old, before);
    const line = await badLine(t, ports[0]!, (connection) => {
      if (connection === 1) put(fresh, after);
      return connection === 0 ? MIB : Number.POSITIVE_INFINITY;
    });
    assert.equal(sha256(await get(`http://127.0.0.1:${line.port}/file`)), sha256(fresh));
  }
});

test("nginx: a wrong digest or length is no file; a mirror that the URL names is asked instead", async (t) => {
  const wrong = await startNginx(t, {});
  const right = await startNginx(t, {});
  writeFileSync(join(wrong.root, "file"), "other");
  writeFileSync(join(right.root, "file"), "meant");
  const [at, mirror] = [wrong, right].map(({ ports }) => `http://127.0.0.1:${ports[0]}/file`);
  const digest = `sha256=${sha256("meant")}`;
  await failure(get(`${at}#${digest}`), "bad-format", /its SHA-256 is .* and must be .*nothing of it is used/);
  await failure(get(at!, { size: 4 }), "bad-format", /longer than the 4 bytes/);
  await failure(get(at!, { size: 6 }), "bad-format", /it has 5 bytes and must have 6/);
  assert.equal((await get(`${at}#${digest}&mirror=${mirror}`)).toString(), "meant");
  const dead = `http://127.0.0.1:${await freePort()}/file`;
  assert.equal((await get(`${dead}#mirror=${at}x&mirror=${encodeURIComponent(mirror!)}`)).toString(), "meant");
  await failure(get(`${dead}#mirror=${at}x`), "io", /refused the connection.*; .*404/);
});

test("nginx: what it packs for the way is unpacked, what is an archive stays one", async (t) => {
  const lines = [
    "types { application/octet-stream gz; }",
    "location /packed { gzip_static always; }",
    "location /archive { add_header Content-Encoding x-gzip; }",
  ];
  const { root, ports } = await startNginx(t, { lines });
  const archive = gzipSync("unpacked");
  writeFileSync(join(root, "packed.gz"), archive);
  writeFileSync(join(root, "archive.gz"), archive);
  const url = `http://127.0.0.1:${ports[0]}`;
  assert.equal((await get(`${url}/packed`)).toString(), "unpacked");
  assert.equal((await get(`${url}/archive.gz#sha256=${sha256(archive)}`)).length, archive.length);
});

test("nginx: a file larger than memory is refused before it is fetched", async (t) => {
  const { root, ports } = await startNginx(t, {});
  writeFileSync(join(root, "file"), "");
  truncateSync(join(root, "file"), 2 ** 42);
  await failure(
    get(`http://127.0.0.1:${ports[0]}/file`),
    "too-large",
    /it needs \d+ MiB of memory and there are \d+ MiB/,
  );
});

test("nginx: a key ends a transfer that stalls, without waiting for its time", async (t) => {
  const { root, ports } = await startNginx(t, {});
  writeFileSync(join(root, "file"), randomBytes(MIB));
  const line = await badLine(t, ports[0]!, () => 300_000, "stalls");
  let calls = 0;
  const onProgress = (done: number): void => {
    if (done > 200_000 && ++calls > 8) throw new Error("a key was pressed");
  };
  const patient = { ...LOCAL, times: { ...QUICK.times, stall: 600_000 } };
  await assert.rejects(get(`http://127.0.0.1:${line.port}/file`, { onProgress }, patient), /a key was pressed/);
});

test("nginx through a proxy, by a tunnel for https; without the proxy nothing comes", async (t) => {
  const authority = makeAuthority();
  const { root, ports } = await startNginx(t, {}, { tls: makeCertificate(authority, "IP:127.0.0.1") });
  writeFileSync(join(root, "file"), "through");
  const asked: string[] = [];
  const port = await startProxy(t, asked);
  const proxy = `http://127.0.0.1:${port}`;
  const options: HttpOptions = { ...LOCAL, ca: [authority.cert], proxy: { http: proxy, https: proxy } };
  assert.equal((await get(`https://127.0.0.1:${ports[1]}/file`, {}, options)).toString(), "through");
  assert.deepEqual(asked, [`127.0.0.1:${ports[1]}`]);
  const down = `http://127.0.0.1:${await freePort()}`;
  const without: HttpOptions = { ...options, proxy: { http: down, https: down } };
  for (const [scheme, at] of [
    ["http", ports[0]],
    ["https", ports[1]],
  ] as const) {
    const work = get(`${scheme}://127.0.0.1:${at}/file`, {}, without);
    await failure(work, "io", /by the proxy http:.*: the proxy refused the connection: it is down/);
  }
});

async function startProxy(t: TestContext, asked: string[]): Promise<number> {
  const port = await freePort();
  const sockets = new Set<Socket>();
  const server = createServer();
  server.on("connect", (request, near: Socket) => {
    asked.push(request.url!);
    const { hostname, port: to } = new URL(`http://${request.url}`);
    const far = connect(Number(to), hostname, () => {
      near.write("HTTP/1.1 200 OK\r\n\r\n");
      far.pipe(near).pipe(far);
    });
    for (const socket of [near, far]) {
      sockets.add(socket as Socket);
      socket.on("error", () => {});
    }
  });
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.closeAllConnections();
    server.close();
  });
  return port;
}
