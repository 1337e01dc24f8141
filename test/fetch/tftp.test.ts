import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { BatonError } from "../../src/errors.ts";
import { download } from "../../src/fetch/download.ts";
import { Fetcher } from "../../src/fetch/fetcher.ts";
import { tftpTransport } from "../../src/fetch/tftp.ts";
import { eventually } from "../eventually.ts";
import { startRelay } from "./relay.ts";
import { failure, fetch, own, QUICK, sha256, windowed } from "./tftpclient.ts";
import { data, error, oack, startTftpd } from "./tftpserver.ts";

const directory = mkdtempSync(join(tmpdir(), "baton-tftp-"));
const tftpd = await startTftpd(directory);
after(() => {
  tftpd?.close();
  rmSync(directory, { recursive: true, force: true });
});

test("files of every size come whole from tftpd-hpa", {
  skip: tftpd === null && "needs tftpd-hpa and root",
}, async () => {
  for (const size of [0, 1, 511, 512, 1427, 1428, 1429, 1428 * 16, 1428 * 16 + 1, 1_000_000]) {
    const bytes = randomBytes(size);
    writeFileSync(join(directory, "file"), bytes);
    const fetched = await fetch(tftpd!.port, "file", { times: { retry: 200, giveUp: 5000 } });
    assert.equal(sha256(fetched.bytes), sha256(bytes), `${size} bytes`);
    assert.equal(fetched.size, size);
  }
});

test("windows are acknowledged once each, and go on where a block was lost", async (t) => {
  const bytes = randomBytes(1428 * 200 + 17);
  for (const lost of [() => false, (block: number, time: number) => block % 7 === 0 && time === 1]) {
    const server = await own(t, windowed(bytes, lost));
    const fetched = await fetch(server.port, "x", { windowsize: 16, times: { retry: 200, giveUp: 5000 } });
    assert.equal(sha256(fetched.bytes), sha256(bytes));
  }
});

test("loss, doubling, delay and overtaking change nothing", async (t) => {
  const bytes = randomBytes(1428 * 40 + 5);
  for (const rate of [0, 0.05, 0.2]) {
    const server = await own(
      t,
      windowed(bytes, () => false, 40),
    );
    const relay = await startRelay(server.port, { loss: rate, duplicate: rate, reorder: rate, delay: 1, seed: 7 });
    t.after(() => relay.close());
    for (const windowsize of [1, 8]) {
      const fetched = await fetch(relay.port, "file", { windowsize, times: { retry: 60, giveUp: 10_000 } });
      assert.equal(sha256(fetched.bytes), sha256(bytes), `at ${rate * 100} %, windows of ${windowsize}`);
    }
  }
});

test("a server without options is taken as it is", async (t) => {
  const server = await own(t, async (asked) => {
    asked.send(data(1, Buffer.alloc(512, 1)));
    await asked.next();
    asked.send(data(2, Buffer.alloc(3, 2)));
  });
  const { bytes, size } = await fetch(server.port, "x");
  assert.deepEqual([bytes.length, size], [515, null]);
});

test("a server that refuses options is asked without them", async (t) => {
  const server = await own(t, (asked) => {
    if (asked.options.size > 0) asked.send(error(8, "no options"));
    else asked.send(data(1, Buffer.from("ok")));
  });
  assert.equal((await fetch(server.port, "x")).bytes.toString(), "ok");
});

test("a server that wants a slash before names gets one, from then on without asking", async (t) => {
  const server = await own(t, (asked) => {
    asked.send(asked.path.startsWith("/") ? data(1, Buffer.from("ok")) : error(2, "Only absolute filenames allowed"));
  });
  const transport = tftpTransport(QUICK);
  for (const name of ["a/b", "c"]) {
    const opened = await transport.open(new URL(`tftp://127.0.0.1:${server.port}/${name}`), {});
    for await (const _ of opened.body);
  }
  assert.deepEqual(server.requests, ["a/b", "/a/b", "/c"]);
});

test("packets of strangers end nothing and add nothing", async (t) => {
  const server = await own(t, async (asked) => {
    asked.send(data(1, Buffer.alloc(512, 1)));
    await asked.next();
    asked.sendFromElsewhere(error(0, "stop"));
    asked.sendFromElsewhere(data(2, Buffer.from("wrong")));
    asked.send(data(2, Buffer.from("right")));
  });
  assert.equal((await fetch(server.port, "x")).bytes.subarray(512).toString(), "right");
});

test("each TFTP error has its own message and kind", async (t) => {
  const kinds = new Map<number, [string, RegExp]>([
    [1, ["not-found", /no such file: TFTP error 1 \(gone\)/]],
    [2, ["refused", /does not let it be read: TFTP error 2/]],
    [3, ["io", /TFTP error 3, disk full/]],
    [4, ["io", /does not know what is asked: TFTP error 4/]],
    [7, ["io", /TFTP error 7, no such user/]],
  ]);
  for (const [code, [kind, pattern]] of kinds) {
    const server = await own(t, (asked) => asked.send(error(code, "gone")));
    const reason = await failure(fetch(server.port, "x"));
    assert.equal(reason.code, kind);
    assert.match(reason.message, pattern);
  }
});

test("an error in the middle, silence in the middle and a wrong length are no files", async (t) => {
  const middle = await own(t, async (asked) => {
    asked.send(data(1, Buffer.alloc(512)));
    await asked.next();
    asked.send(error(0, "disk on fire"));
  });
  assert.match((await failure(fetch(middle.port, "x"))).message, /disk on fire/);
  const silent = await own(t, (asked) => asked.send(data(1, Buffer.alloc(512))));
  const stalled = await failure(fetch(silent.port, "x"));
  assert.equal(stalled.code, "timeout");
  assert.match(stalled.message, /nothing more for 0\.6 s, after 512 bytes/);
  const short = await own(t, async (asked) => {
    asked.send(oack({ tsize: 1000 }));
    await asked.next();
    asked.send(data(1, Buffer.alloc(100)));
  });
  assert.match((await failure(fetch(short.port, "x"))).message, /announced 1000 bytes and sent 100/);
});

test("a server that goes on past what it announced is told to stop, and gives no file", async (t) => {
  const answers: number[] = [];
  const server = await own(t, async (asked) => {
    asked.send(oack({ tsize: 1000 }));
    for (let block = 1; block < 100 && answers.at(-1) !== 5; block++) {
      answers.push((await asked.next())?.readUInt16BE(0) ?? -1);
      asked.send(data(block, Buffer.alloc(512)));
    }
  });
  assert.match((await failure(fetch(server.port, "x"))).message, /announced 1000 bytes and sent 1024 or more/);
  await eventually(() => assert.equal(answers.at(-1), 5));
});

test("a file larger than memory is refused before it comes, and a wrong digest gives no file", async (t) => {
  const server = await own(t, async (asked) => {
    asked.send(oack(asked.path === "huge" ? { tsize: 2 ** 49 } : {}));
    await asked.next();
    asked.send(data(1, Buffer.from("other")));
  });
  const url = `tftp://127.0.0.1:${server.port}`;
  const huge = await failure(download(new Fetcher(), `${url}/huge`));
  assert.equal(huge.code, "too-large");
  assert.match(huge.message, /it needs \d+ MiB of memory/);
  const other = await failure(download(new Fetcher(), `${url}/x#sha256=${sha256(Buffer.from("meant"))}`));
  assert.match(other.message, /its SHA-256 is .* and must be .*nothing of it is used/);
});

test("a server that drips is given up, however faithfully it does so", async (t) => {
  const server = await own(t, async (asked) => {
    asked.send(oack({ tsize: 1_000_000 }));
    for (let block = 1; (await asked.next()) !== null; block++) {
      await sleep(30);
      asked.send(data(block, Buffer.alloc(512)));
    }
  });
  const reason = await failure(fetch(server.port, "x", { times: { retry: 100, giveUp: 600, drip: 300 } }));
  assert.equal(reason.code, "timeout");
  assert.match(reason.message, /it comes too slowly, \d+ bytes in \d+ s \(after \d+ of 1000000 bytes\)/);
});

test("a window on a slow line is not begun anew, and one that breaks off goes on where it did", async (t) => {
  const acknowledged: number[] = [];
  const server = await own(t, async (asked) => {
    const next = async (): Promise<void> => void acknowledged.push((await asked.next())?.readUInt16BE(2) ?? -1);
    // So long that the client waits four times that before it sends anything again.
    await sleep(100);
    asked.send(oack({ blksize: 100, windowsize: 8 }));
    await next();
    // Longer for all together than until something is sent again, but not one by one.
    for (let block = 1; block <= 8; block++) {
      asked.send(data(block, Buffer.alloc(100)));
      await sleep(80);
    }
    await next();
    for (let block = 9; block <= 11; block++) asked.send(data(block, Buffer.alloc(100)));
    await next();
    asked.send(data(12, Buffer.alloc(1)));
    await next();
  });
  const { bytes } = await fetch(server.port, "x", {
    windowsize: 8,
    blksize: 100,
    times: { retry: 2000, giveUp: 9000 },
  });
  assert.equal(bytes.length, 1101);
  await eventually(() => assert.deepEqual(acknowledged, [0, 8, 11, 12]));
});

test("a server waits for whoever takes the bytes, and nothing is lost by that", {
  skip: tftpd === null && "needs tftpd-hpa and root",
}, async () => {
  const bytes = randomBytes(12_000_000);
  writeFileSync(join(directory, "large"), bytes);
  const opened = await tftpTransport().open(new URL(`tftp://127.0.0.1:${tftpd!.port}/large`), {});
  const pieces: Uint8Array[] = [];
  for await (const piece of opened.body) {
    pieces.push(piece);
    if (pieces.length % 10 === 0) await sleep(30);
  }
  assert.equal(sha256(Buffer.concat(pieces)), sha256(bytes));
});

test("a server that never answers is given up", async (t) => {
  const server = await own(t, () => {});
  const reason = await failure(fetch(server.port, "x"));
  assert.equal(reason.code, "timeout");
  assert.match(reason.message, /no TFTP server at 127\.0\.0\.1 answers within 0\.6 s/);
});

test("asking for the size fetches nothing", async (t) => {
  let packets = 0;
  const server = await own(t, async (asked) => {
    asked.send(oack({ tsize: 123_456 }));
    while ((await asked.next(200)) !== null) packets++;
  });
  const transport = tftpTransport(QUICK);
  assert.deepEqual(await transport.stat(new URL(`tftp://127.0.0.1:${server.port}/x`)), { size: 123_456 });
  assert.ok(packets <= 2);
});

test("no bytes from a server make the client fail in another way than by saying so, or hang", async (t) => {
  const transfers = Array.from({ length: 40 }, async (_, seed) => {
    let state = seed + 1;
    const random = (limit: number): number => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return Math.floor((state / 2 ** 32) * limit);
    };
    const noise = (): Buffer => Buffer.from(Array.from({ length: random(40) }, () => random(256)));
    let block = 0;
    const server = await own(t, async (asked) => {
      for (let packet = 0; packet < 60; packet++) {
        const kinds = [
          () => data(++block, Buffer.alloc(512)),
          () => data(random(65_536), noise()),
          () =>
            oack({ blksize: random(3) === 0 ? 512 : random(70_000), tsize: random(100_000), windowsize: random(70) }),
          () => Buffer.concat([Buffer.from([0, random(8)]), noise()]),
          noise,
        ];
        asked.send(kinds[random(kinds.length)]!());
        if (random(3) === 0) await asked.next(5);
      }
    });
    await fetch(server.port, "x", { times: { retry: 50, giveUp: 400 } }).catch((reason: unknown) => {
      assert.ok(reason instanceof BatonError, `seed ${seed}: ${reason}`);
    });
  });
  await Promise.all(transfers);
});

test("a resolver that is silent is given up as a server is", async () => {
  const url = new URL("tftp://boot.example/x");
  const transport = tftpTransport({ times: { giveUp: 50 }, resolve: () => new Promise(() => {}) });
  const reason = await failure(transport.open(url, {}));
  assert.equal(reason.code, "timeout");
  assert.match(reason.message, /no DNS server has answered for boot\.example within 0\.05 s/);
  const stop = new AbortController();
  const waiting = failure(tftpTransport({ resolve: () => new Promise(() => {}) }).open(url, { signal: stop.signal }));
  stop.abort();
  assert.equal((await waiting).code, "cancelled");
});
