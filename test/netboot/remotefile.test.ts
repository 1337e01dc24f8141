/** A file on a server that is looked at in places: what a server may take for that. */

import assert from "node:assert/strict";
import type { IncomingMessage, ServerResponse } from "node:http";
import { test } from "node:test";
import { Fetcher } from "../../src/fetch/fetcher.ts";
import { RemoteFile } from "../../src/netboot/remotefile.ts";
import { serve } from "../fetch/httpserver.ts";

const SIZE = 1 << 30;

/** Answers a request for a part of a large file with a few bytes, and drips the rest. */
function drip(request: IncomingMessage, response: ServerResponse): void {
  const [, first = "0", last = String(SIZE - 1)] = /bytes=(\d+)-(\d*)/.exec(request.headers.range ?? "") ?? [];
  const length = Number(last) - Number(first) + 1;
  const headers = { "content-range": `bytes ${first}-${last}/${SIZE}`, "content-length": length };
  response.writeHead(request.headers.range === undefined ? 200 : 206, headers);
  const timer = setInterval(() => response.write("x"), 5);
  request.socket.once("close", () => clearInterval(timer));
}

/** Sends each part at once, a tenth of a second after it was asked for. */
function hesitate(request: IncomingMessage, response: ServerResponse): void {
  const [, first = "0", last = "0"] = /bytes=(\d+)-(\d+)/.exec(request.headers.range ?? "") ?? [];
  const length = Number(last) - Number(first) + 1;
  setTimeout(() => {
    response.writeHead(206, { "content-range": `bytes ${first}-${last}/${SIZE}` });
    response.end(Buffer.alloc(length));
  }, 100);
}

test("a server that drips is given up, whether it can send parts or not", async (t) => {
  const url = await serve(t, drip);
  const file = new RemoteFile(new Fetcher({ readMs: 300 }), `${url}/big.iso`);
  for (let round = 0; round < 3; round++) {
    await assert.rejects(file.readAt(round * 100_000, 100), { code: "timeout", message: /not all of it came in time/ });
  }
  const whole = await serve(t, (request, response) => {
    delete request.headers.range;
    drip(request, response);
  });
  const other = new RemoteFile(new Fetcher({ readMs: 300 }), `${whole}/big.iso`);
  await assert.rejects(other.readAt(100_000, 100), { code: "timeout", message: /not all of it came in time/ });
});

test("all places together have as long as one small file, however fast each of them comes", async (t) => {
  const url = await serve(t, hesitate);
  const file = new RemoteFile(new Fetcher({ readMs: 1000 }), `${url}/big.iso`);
  const places = Array.from({ length: 100 }, (_, index) => index * (1 << 20));
  let read = 0;
  const work = (async () => {
    for (const at of places) {
      await file.readAt(at, 100);
      read++;
    }
  })();
  await assert.rejects(work, { code: "timeout", message: /not all of it came in time/ });
  assert.ok(read < 100);
  // What came before is there still.
  if (read > 0) assert.equal((await file.readAt(0, 100)).length, 100);
});
