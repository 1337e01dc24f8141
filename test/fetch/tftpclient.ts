/** Fetching by TFTP in tests: with short times, and from servers that are made for it. */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import type { TestContext } from "node:test";
import { BatonError } from "../../src/errors.ts";
import { tftpTransport } from "../../src/fetch/tftp.ts";
import type { TftpOptions } from "../../src/fetch/tftptransfer.ts";
import { type Asked, data, oack, startOwnServer } from "./tftpserver.ts";

export const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");
export const QUICK: TftpOptions = { times: { retry: 100, giveUp: 600 } };

export async function fetch(
  port: number,
  path: string,
  options: TftpOptions = QUICK,
): Promise<{ bytes: Buffer; size: number | null }> {
  const opened = await tftpTransport(options).open(new URL(`tftp://127.0.0.1:${port}/${path}`), {});
  const pieces: Uint8Array[] = [];
  for await (const piece of opened.body) pieces.push(piece);
  return { bytes: Buffer.concat(pieces), size: opened.size };
}

export const failure = async (work: Promise<unknown>): Promise<BatonError> => {
  const reason = await work.then(
    () => assert.fail("it should have failed"),
    (error: unknown) => error,
  );
  assert.ok(reason instanceof BatonError, String(reason));
  return reason;
};

export const own = async (t: TestContext, answer: (asked: Asked) => Promise<void> | void) => {
  const server = await startOwnServer(answer);
  t.after(() => server.close());
  return server;
};

/** A right server with windows: what it sends may be lost. @param isLost by block and how often it was sent */
export function windowed(bytes: Buffer, isLost: (block: number, time: number) => boolean, repeatMs = 500) {
  return async (asked: Asked): Promise<void> => {
    const blksize = Number(asked.options.get("blksize"));
    const windowsize = Number(asked.options.get("windowsize") ?? 1);
    asked.send(oack({ blksize, windowsize, tsize: bytes.length }));
    const sent = new Map<number, number>();
    const last = Math.floor(bytes.length / blksize) + 1;
    let isAnswered = false;
    let silence = 0;
    for (let base = 0; silence < 20; ) {
      const packet = await asked.next(repeatMs);
      silence = packet === null ? silence + 1 : 0;
      if (packet === null && !isAnswered) {
        asked.send(oack({ blksize, windowsize, tsize: bytes.length }));
        continue;
      }
      isAnswered = true;
      if (packet !== null) {
        const wire = packet.readUInt16BE(2);
        base = wire + (base - (base & 0xffff));
        if (base >= last) return;
      }
      for (let block = base + 1; block <= Math.min(base + windowsize, last); block++) {
        const time = (sent.get(block) ?? 0) + 1;
        sent.set(block, time);
        if (!isLost(block, time)) asked.send(data(block, bytes.subarray((block - 1) * blksize, block * blksize)));
      }
    }
  };
}
