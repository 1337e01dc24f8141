/** What an HTTP server sends after its headers: each piece with a deadline, unpacked where it is packed. */

import type { IncomingMessage } from "node:http";
import { createGunzip, createInflate } from "node:zlib";
import { BatonError } from "../errors.ts";

/** Milliseconds. */
export interface BodyTimes {
  /** Between two pieces of a file. */
  readonly stall: number;
  /** A time in which at least {@link MIN_BYTES} must come. */
  readonly drip: number;
}

/** Slower than this a kernel would take hours. */
const MIN_BYTES = 60 * 1024;
/** So much may have come that nobody has taken yet. Bytes. */
const MAX_QUEUED = 256 * 1024;

/**
 * Gives piece after piece, null at the end. What has come before a connection breaks is given before that is told: Node
 * 24's own iterator throws it away, and what is fetched again then begins anew.
 */
function arrivals(response: IncomingMessage): () => Promise<Buffer | null> {
  const queue: Buffer[] = [];
  let queued = 0;
  let end = response.destroyed ? { error: response.errored ?? null } : null;
  let wake = (): void => {};
  const finish = (error: Error | null): void => {
    end ??= { error };
    wake();
  };
  response.on("data", (piece: Buffer) => {
    queue.push(piece);
    queued += piece.length;
    if (queued >= MAX_QUEUED) response.pause();
    wake();
  });
  response.on("error", finish);
  response.on("end", () => finish(null));
  response.on("close", () => finish(null));
  return async () => {
    for (;;) {
      const piece = queue.shift();
      if (piece !== undefined) {
        queued -= piece.length;
        if (queued < MAX_QUEUED) response.resume();
        return piece;
      }
      if (end?.error) throw end.error;
      if (end) return null;
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  };
}

/**
 * The pieces as they come; what comes before anybody asks is kept.
 * @param name of the file, for messages. @param expected bytes, null where it isn't known
 * @throws BatonError `timeout`, `io`, `cancelled`
 */
export function piecesOf(
  response: IncomingMessage,
  name: string,
  expected: number | null,
  times: BodyTimes,
  signal: AbortSignal | undefined,
): AsyncIterable<Uint8Array> {
  return timedPieces(response, arrivals(response), name, expected, times, signal);
}

async function* timedPieces(
  response: IncomingMessage,
  next: () => Promise<Buffer | null>,
  name: string,
  expected: number | null,
  times: BodyTimes,
  signal: AbortSignal | undefined,
): AsyncIterable<Uint8Array> {
  let received = 0;
  let isWaiting = true;
  let waited = 0;
  let inWindow = 0;
  const place = (): string => `after ${received}${expected === null ? "" : ` of ${expected}`} bytes`;
  const timer = setTimeout(() => {
    if (!isWaiting) return timer.refresh();
    const message = `${name}: the server has sent nothing more for ${times.stall / 1000} s, ${place()}`;
    return response.destroy(new BatonError("timeout", message));
  }, times.stall);
  try {
    for (;;) {
      const began = performance.now();
      isWaiting = true;
      timer.refresh();
      const piece = await next();
      isWaiting = false;
      if (piece === null) break;
      received += piece.length;
      inWindow += piece.length;
      // Only the waiting counts, not what is done with a piece.
      waited += performance.now() - began;
      if (waited >= times.drip) {
        if (inWindow < MIN_BYTES) {
          const message = `${name}: it comes too slowly, ${inWindow} bytes in ${Math.round(waited / 1000)} s (${place()})`;
          throw new BatonError("timeout", message);
        }
        waited = 0;
        inWindow = 0;
      }
      yield piece;
    }
  } catch (error) {
    if (error instanceof BatonError) throw error;
    if (signal?.aborted) throw new BatonError("cancelled", `${name}: cancelled`);
    throw new BatonError("io", `${name}: the connection broke off ${place()}`, { cause: error });
  } finally {
    clearTimeout(timer);
    response.destroy();
  }
  if (expected !== null && received < expected) {
    throw new BatonError("io", `${name}: the connection broke off ${place()}`);
  }
}

/**
 * How a body is packed that is to be unpacked here; null for one that is to be taken as it is. Some servers mark files
 * that are archives themselves (`initrd.gz`) as if they had packed them for the way, which nobody asked them for; that
 * is not done to them, and their digest is that of the packed file.
 */
export function packingOf(response: IncomingMessage, path: string): string | null {
  const encoding = response.headers["content-encoding"]?.trim().toLowerCase() ?? "";
  if (encoding === "" || encoding === "identity") return null;
  const isGzip = encoding === "gzip" || encoding === "x-gzip";
  const type = response.headers["content-type"] ?? "";
  return isGzip && (/\.t?gz$/i.test(path) || /^application\/(x-)?gzip\b/i.test(type)) ? null : encoding;
}

/**
 * A body that the server has packed although it was not asked to.
 * @throws BatonError `unsupported`, `bad-format`, or what `packed` throws
 */
export async function* unpacked(
  packed: AsyncIterable<Uint8Array>,
  encoding: string,
  name: string,
): AsyncIterable<Uint8Array> {
  if (!["gzip", "x-gzip", "deflate"].includes(encoding)) {
    throw new BatonError("unsupported", `${name}: the server sends it packed as ${encoding}, which was not asked for`);
  }
  const unpacker = encoding === "deflate" ? createInflate() : createGunzip();
  const feed = (async () => {
    try {
      for await (const piece of packed) {
        if (unpacker.destroyed) return;
        if (!unpacker.write(piece))
          await new Promise<void>((resume) => unpacker.once("drain", resume).once("close", resume));
      }
      unpacker.end();
    } catch (error) {
      unpacker.destroy(error as Error);
    }
  })();
  try {
    for await (const piece of unpacker) yield piece as Uint8Array;
    await feed;
  } catch (error) {
    if (error instanceof BatonError) throw error;
    throw new BatonError("bad-format", `${name}: what the server sends as ${encoding} is damaged`, { cause: error });
  } finally {
    unpacker.destroy();
  }
}
