import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { type AddressInfo, connect, createServer as createTcpServer, type Socket } from "node:net";
import { type TestContext, test } from "node:test";
import { gzipSync } from "node:zlib";
import { Fetcher } from "../../src/fetch/fetcher.ts";
import type { HttpOptions } from "../../src/fetch/http.ts";
import { addLogSink } from "../../src/log.ts";
import { makeAuthority, makeCertificate, type Pair } from "./certificates.ts";
import { failure, get, LOCAL, QUICK, read, sha256 } from "./httpclient.ts";

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

/** A server on this machine. @returns its address, `http://127.0.0.1:1234` */
async function serve(t: TestContext, handler: Handler, tls?: Pair, host = "127.0.0.1"): Promise<string> {
  const server = tls ? createTlsServer(tls, handler as RequestListener) : createServer(handler);
  return listen(t, server, tls ? "https" : "http", host);
}

async function listen(t: TestContext, server: ReturnType<typeof createTcpServer>, scheme: string, host = "127.0.0.1") {
  const sockets = new Set<Socket>();
  server.on("connection", (socket) => sockets.add(socket));
  await new Promise<void>((resolve, reject) => server.once("error", reject).listen(0, host, resolve));
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return `${scheme}://${host.includes(":") ? `[${host}]` : host}:${(server.address() as AddressInfo).port}`;
}

/** Answers every connection with these bytes, and ends it. */
const raw = (t: TestContext, answer: string): Promise<string> =>
  listen(
    t,
    createTcpServer((socket) => {
      socket.on("error", () => {});
      socket.once("data", () => socket.end(answer));
    }),
    "http",
  );

test("a file comes whole, with its size and digest", async (t) => {
  const bytes = randomBytes(3_000_000);
  const url = await serve(t, (_, response) => response.end(bytes));
  const seen: [number, number | null][] = [];
  const got = await get(`${url}/f`, { onProgress: (done, total) => seen.push([done, total]) });
  assert.equal(sha256(got), sha256(bytes));
  assert.deepEqual(seen.at(-1), [3_000_000, 3_000_000]);
});

test("without a declared size, packed by the server, and empty files come whole too", async (t) => {
  const url = await serve(t, (request, response) => {
    if (request.url === "/gzip") response.writeHead(200, { "content-encoding": "gzip" }).end(gzipSync("unpacked"));
    else if (request.url === "/empty") response.end();
    else {
      response.write("one ");
      response.end("two");
    }
  });
  assert.equal((await get(`${url}/chunked`)).toString(), "one two");
  assert.equal((await get(`${url}/gzip`)).toString(), "unpacked");
  assert.equal((await get(`${url}/empty`)).length, 0);
});

test("a transfer that breaks off goes on where it was", async (t) => {
  const bytes = randomBytes(500_000);
  const ranges: (string | undefined)[] = [];
  const url = await serve(t, (request, response) => {
    ranges.push(request.headers.range);
    const start = Number(/bytes=(\d+)-/.exec(request.headers.range ?? "")?.[1] ?? 0);
    const headers = { etag: '"v1"', "content-length": bytes.length - start };
    if (start > 0)
      response.writeHead(206, { ...headers, "content-range": `bytes ${start}-${bytes.length - 1}/${bytes.length}` });
    else response.writeHead(200, headers);
    if (start > 0) response.end(bytes.subarray(start));
    else response.write(bytes.subarray(0, 200_000), () => response.socket!.destroySoon());
  });
  assert.equal(sha256(await get(`${url}/f`)), sha256(bytes));
  assert.equal(ranges.length, 2);
  assert.match(ranges[1]!, /^bytes=[1-9]\d*-$/);
});

test("a file that has changed meanwhile is fetched again from its beginning", async (t) => {
  const [old, fresh] = [randomBytes(300_000), randomBytes(300_000)];
  let requests = 0;
  const url = await serve(t, (request, response) => {
    if (requests++ === 0) {
      response.writeHead(200, { etag: '"old"', "content-length": old.length });
      response.write(old.subarray(0, 100_000), () => response.socket!.destroySoon());
    } else {
      assert.equal(request.headers["if-range"], '"old"');
      response.writeHead(200, { etag: '"fresh"', "content-length": fresh.length }).end(fresh);
    }
  });
  assert.equal(sha256(await get(`${url}/f`)), sha256(fresh));
});

test("a wrong digest or length gives no file", async (t) => {
  const url = await serve(t, (_, response) => response.end("hello"));
  assert.equal((await get(`${url}/f#sha256=${sha256("hello")}`)).toString(), "hello");
  await failure(
    get(`${url}/f#sha256=${sha256("other")}`),
    "bad-format",
    /its SHA-256 is 2cf2.* and must be .*nothing of it is used/,
  );
  await failure(get(`${url}/f#sha256=xyz`), "usage", /is no SHA-256/);
  await failure(get(`${url}/f`, { size: 4 }), "bad-format", /longer than the 4 bytes/);
  await failure(get(`${url}/f`, { size: 6 }), "bad-format", /it has 5 bytes and must have 6/);
});

test("another server is asked where the first fails", async (t) => {
  const bad = await serve(t, (_, response) => response.writeHead(500).end());
  const good = await serve(t, (_, response) => response.end("good"));
  assert.equal((await get(`${bad}/f`, { mirrors: [`${bad}/g`, `${good}/f`] })).toString(), "good");
  await failure(get(`${bad}/f`, { mirrors: [`${bad}/g`] }), "io", /500.*500/);
});

test("404, 403, 401 and 500 are told apart", async (t) => {
  const url = await serve(t, (request, response) => response.writeHead(Number(request.url!.slice(1))).end());
  await failure(read(`${url}/404`), "not-found", /404 Not Found/);
  await failure(read(`${url}/403`), "refused", /403 Forbidden: the server does not let this machine have it/);
  await failure(read(`${url}/401`), "refused", /401 Unauthorized: the server asks for a name and password/);
  await failure(read(`${url}/500`), "io", /500 Internal Server Error: the server failed/);
});

test("redirects are followed, but not in circles, not without end, and not from https to http", async (t) => {
  const plain = await serve(t, (request, response) => {
    const [, kind, number] = request.url!.split("/");
    const to: Record<string, string> = { once: "/end", circle: "/circle", endless: `/endless/${Number(number) + 1}` };
    if (kind === "end") response.end("there");
    else response.writeHead(302, { location: to[kind!] ?? "gopher://h/" }).end();
  });
  assert.equal(await read(`${plain}/once`), "there");
  await failure(read(`${plain}/circle`), "loop", /redirects in a circle/);
  await failure(read(`${plain}/endless/0`), "loop", /more than 10 redirects/);
  await failure(read(`${plain}/other`), "refused", /only http and https are followed/);
  const authority = makeAuthority();
  const secure = await serve(
    t,
    (_, response) => response.writeHead(301, { location: `${plain}/end` }).end(),
    makeCertificate(authority, "IP:127.0.0.1"),
  );
  await failure(
    read(`${secure}/f`, { ...LOCAL, ca: [authority.cert] }),
    "refused",
    /from https to http:.*not followed/,
  );
});

test("a server that says nothing, stalls or drips is given up, each with its own words", async (t) => {
  const url = await serve(t, (request, response) => {
    if (request.url === "/silent") return;
    response.writeHead(200, { "content-length": 1_000_000 });
    response.write("begin");
    if (request.url !== "/drip") return;
    const timer = setInterval(() => response.write("."), 50);
    response.on("close", () => clearInterval(timer));
  });
  await failure(read(`${url}/silent`, QUICK), "timeout", /no answer to the request within 0\.4 s/);
  await failure(read(`${url}/stall`, QUICK), "timeout", /has sent nothing more for 0\.4 s, after 5 of 1000000 bytes/);
  await failure(read(`${url}/drip`, QUICK), "timeout", /comes too slowly/);
});

test("what is cut short, or is no HTTP, is no file", async (t) => {
  await failure(
    read(await raw(t, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")),
    "io",
    /broke off after 4 of 10 bytes/,
  );
  const chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n";
  await failure(read(await raw(t, chunked)), "io", /broke off after \d bytes/);
  await failure(get(await raw(t, chunked)), "io", /broke off after \d bytes/);
  await failure(read(await raw(t, "220 smtp.example ESMTP\r\n")), "bad-format", /is no HTTP server/);
  await failure(read(await raw(t, "")), "io", /closed the connection before it answered/);
  const longer = await raw(t, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\nfull and more");
  assert.equal(await read(longer), "full");
});

test("nothing that listens, and names that are unknown, are said to be that", async () => {
  await failure(read("http://127.0.0.1:9/x"), "io", /127\.0\.0\.1:9 refused the connection: no server listens there/);
  await failure(read("http://name.invalid/x"), "io", /name\.invalid/);
});

test("certificates are checked: authority, name, time, and who signed", async (t) => {
  const authority = makeAuthority();
  const trust: HttpOptions = { ...LOCAL, ca: [authority.cert] };
  const answer: Handler = (_, response) => response.end("secret");
  const good = await serve(t, answer, makeCertificate(authority, "IP:127.0.0.1"));
  assert.equal(await read(good, trust), "secret");
  await failure(read(good), "refused", /can't be traced|not told to trust/);
  await failure(read(good, { ...LOCAL, ca: [makeAuthority().cert] }), "refused", /can't be traced|not told to trust/);
  const wrongName = await serve(t, answer, makeCertificate(authority, "DNS:other.example"));
  await failure(read(wrongName, trust), "refused", /the certificate is not for 127\.0\.0\.1/);
  const expired = await serve(t, answer, makeCertificate(authority, "IP:127.0.0.1", -3));
  await failure(read(expired, trust), "refused", /has expired, or this machine's clock is wrong/);
  const alone = await serve(t, answer, makeCertificate(null, "IP:127.0.0.1"));
  await failure(read(alone, trust), "refused", /signed by itself/);
  const plain = await serve(t, answer);
  await failure(read(plain.replace("http:", "https:"), trust), "bad-format", /does not speak TLS/);
});

test("a server that asks for a client certificate gets it", async (t) => {
  const authority = makeAuthority();
  const pair = makeCertificate(authority, "IP:127.0.0.1");
  const server = createTlsServer(
    { ...pair, ca: authority.cert, requestCert: true, rejectUnauthorized: true },
    (_, response) => void response.end("known"),
  );
  const url = await listen(t, server, "https");
  const own = makeCertificate(authority, "DNS:client");
  assert.equal(await read(url, { ...LOCAL, ca: [authority.cert], cert: own.cert, key: own.key }), "known");
  await failure(read(url, { ...LOCAL, ca: [authority.cert] }), "refused", /asks for a client certificate/);
});

test("names and passwords go to their own server and to no other", async (t) => {
  const seen: (string | undefined)[] = [];
  const other = await serve(t, (request, response) => {
    seen.push(request.headers.authorization);
    response.end("other");
  });
  const url = await serve(t, (request, response) => {
    if (request.headers.authorization !== `Basic ${Buffer.from("me:pass word").toString("base64")}`)
      response.writeHead(401).end();
    else if (request.url === "/away") response.writeHead(302, { location: other }).end();
    else response.end("in");
  });
  const login = { origin: url, isBare: false, user: "me", password: "pass word" };
  assert.equal(await read(url, { ...LOCAL, logins: [login] }), "in");
  const named = url.replace("//", "//me:pass%20word@");
  assert.equal(await read(`${named}/x`), "in");
  assert.equal(await read(`${named}/away`), "other");
  assert.deepEqual(seen, [undefined]);
  await failure(read(`${url.replace("//", "//me:wrong@")}/x`), "refused", /401/);
  await failure(read(`${url.replace("//", "//me:wrong@")}/x`), "refused", /^http:\/\/127/);
});

test("proxies are used for http and, by a tunnel, for https; what is excepted goes directly", async (t) => {
  const authority = makeAuthority();
  const asked: string[] = [];
  const secure = await serve(t, (_, response) => response.end("secure"), makeCertificate(authority, "IP:127.0.0.1"));
  const server = createServer((request, response) => {
    asked.push(request.url!);
    response.end("by proxy");
  });
  server.on("connect", (request, socket) => {
    asked.push(`CONNECT ${request.url}`);
    const [host, port] = request.url!.split(":");
    const through = connect(Number(port), host, () => {
      socket.write("HTTP/1.1 200 OK\r\n\r\n");
      through.pipe(socket).pipe(through);
    });
    for (const end of [socket, through]) end.on("error", () => {});
  });
  const proxy = await listen(t, server, "http");
  const options: HttpOptions = {
    ...LOCAL,
    ca: [authority.cert],
    proxy: { http: proxy, https: proxy, no: ["direct.invalid"] },
  };
  assert.equal(await read("http://far.invalid/x?y", options), "by proxy");
  assert.equal(await read(`${secure}/s`, options), "secure");
  assert.deepEqual(asked, ["http://far.invalid/x?y", `CONNECT ${new URL(secure).host}`]);
  await failure(read("http://direct.invalid/", options), "io", /direct\.invalid/);
  const down: HttpOptions = { ...LOCAL, proxy: { http: "http://127.0.0.1:9", https: "http://127.0.0.1:9" } };
  await failure(
    read("http://far.invalid/x", down),
    "io",
    /by the proxy http:\/\/127\.0\.0\.1:9: the proxy refused the connection/,
  );
  await failure(read("https://far.invalid/x", down), "io", /the proxy refused the connection/);
});

test("servers are reached by IPv6", async (t) => {
  const six = await serve(t, (_, response) => response.end("six"), undefined, "::1").catch(() => null);
  if (six === null) return t.skip("this machine has no IPv6");
  assert.equal(await read(six), "six");
});

test("a download that is cancelled ends at once", async (t) => {
  const url = await serve(t, (_, response) => response.writeHead(200, { "content-length": 1_000_000 }).write("x"));
  const controller = new AbortController();
  const work = get(`${url}/f`, { signal: controller.signal, onProgress: () => setImmediate(() => controller.abort()) });
  await failure(work, "cancelled", /cancelled/);
});

test("files that are fetched side by side have to fit into memory together", async (t) => {
  const [, available] = /^MemAvailable:\s+(\d+) kB/m.exec(readFileSync("/proc/meminfo", "utf8"))!;
  const size = Math.floor(Number(available) * 1024 * 0.6);
  const url = await serve(t, (_, response) => response.writeHead(200, { "content-length": size }).write("x"));
  const controller = new AbortController();
  let begun: () => void = () => {};
  const began = new Promise<void>((resolve) => {
    begun = resolve;
  });
  const patient = { ...LOCAL, times: { stall: 60_000 } };
  const first = get(`${url}/a`, { signal: controller.signal, onProgress: (done) => done > 0 && begun() }, patient);
  await Promise.race([began, first]);
  await failure(get(`${url}/b`), "too-large", /it needs \d+ MiB of memory and there are \d+ MiB left/);
  controller.abort();
  await failure(first, "cancelled", /cancelled/);
});

test("a file is resumed by the time of its last change where it has no other mark, unless that was just now", async (t) => {
  const bytes = randomBytes(300_000);
  for (const [age, mark] of [
    [3600, true],
    [1, false],
  ] as const) {
    const changed = new Date(Date.now() - age * 1000).toUTCString();
    const asked: (string | undefined)[] = [];
    const url = await serve(t, (request, response) => {
      asked.push(request.headers["if-range"]?.toString(), request.headers.range);
      const start = Number(/bytes=(\d+)-/.exec(request.headers.range ?? "")?.[1] ?? 0);
      const range = { "content-range": `bytes ${start}-${bytes.length - 1}/${bytes.length}` };
      const headers = { "last-modified": changed, "content-length": bytes.length - start, ...(start > 0 ? range : {}) };
      response.writeHead(start > 0 ? 206 : 200, headers);
      if (asked.length > 2) response.end(bytes.subarray(start));
      else response.write(bytes.subarray(0, 100_000), () => response.socket!.destroySoon());
    });
    assert.equal(sha256(await get(`${url}/f`)), sha256(bytes));
    if (mark) assert.equal(asked[2], changed);
    else assert.deepEqual(asked.slice(2), [undefined, undefined]);
  }
});

test("names and passwords that are not written as URLs have them are taken as they stand", async (t) => {
  const seen: (string | undefined)[] = [];
  const url = await serve(t, (request, response) => {
    seen.push(request.headers.authorization);
    response.end("in");
  });
  await read(url.replace("//", "//me:100%@"));
  assert.deepEqual(seen, [`Basic ${Buffer.from("me:100%").toString("base64")}`]);
});

test("a file larger than memory is refused before it is fetched", async (t) => {
  const url = await serve(t, (_, response) => response.writeHead(200, { "content-length": 2 ** 50 }).write("x"));
  await failure(get(`${url}/f`), "too-large", /it needs \d+ MiB of memory and there are \d+ MiB left/);
});

test("an interim answer is no answer: a switch of protocols, and a flood of them, are told and end at once", async (t) => {
  const hints = "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n";
  const few = await raw(t, `${hints.repeat(3)}HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok`);
  assert.equal(await read(few), "ok");
  const switching = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n";
  await failure(read(await raw(t, switching)), "bad-format", /101 Switching Protocols: the server switches to another/);
  await failure(read(await raw(t, hints.repeat(1000))), "bad-format", /more than 20 interim answers/);
});

test("a small file that never ends is given up", async (t) => {
  const url = await serve(t, (request, response) => {
    const timer = setInterval(() => response.write("x".repeat(1000)), 5);
    request.socket.once("close", () => clearInterval(timer));
  });
  const work = new Fetcher({ http: LOCAL, readMs: 300 }).read(url);
  await failure(work, "timeout", /not all of it came in time/);
});

test("a password goes to the scheme, host and port it was written for, and not after a redirect or by a lease", async (t) => {
  const seen: (string | undefined)[] = [];
  const url = await serve(t, (request, response) => {
    seen.push(request.headers.authorization);
    if (request.url === "/moved") response.writeHead(302, { location: "/here" });
    response.end("x");
  });
  const password = `Basic ${Buffer.from("me:secret").toString("base64")}`;
  const login = { origin: url, isBare: false, user: "me", password: "secret" };
  const asked = async (path: string, options: HttpOptions): Promise<readonly (string | undefined)[]> => {
    seen.length = 0;
    await read(`${url}${path}`, { ...LOCAL, ...options });
    return [...seen];
  };
  assert.deepEqual(await asked("/", { logins: [login] }), [password]);
  assert.deepEqual(await asked("/moved", { logins: [login] }), [password, undefined]);
  assert.deepEqual(await asked("/", { logins: [login], isByLease: true }), [undefined]);
  const port = { ...login, origin: `${url.replace(/\d+$/, "")}1` };
  assert.deepEqual(await asked("/", { logins: [port] }), [undefined]);

  const warnings: string[] = [];
  t.after(addLogSink(({ text }) => warnings.push(text)));
  const bare = { ...login, origin: url.replace("http:", "https:"), isBare: true };
  assert.deepEqual(await asked("/", { logins: [bare] }), [undefined]);
  assert.match(warnings.join("\n"), /in netrc means https; for plain http write 'machine http:\/\/127/);
});
