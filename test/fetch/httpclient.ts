/** Fetching by HTTP in tests: with nothing of the environment's proxies. */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { BatonError } from "../../src/errors.ts";
import { type DownloadOptions, download } from "../../src/fetch/download.ts";
import { Fetcher } from "../../src/fetch/fetcher.ts";
import type { HttpOptions } from "../../src/fetch/http.ts";

/** With the times that Baton has: a busy machine may be slow. */
export const LOCAL: HttpOptions = { proxy: { http: null, https: null } };

/** For servers that are never going to answer. */
export const QUICK: HttpOptions = { ...LOCAL, times: { connect: 1500, firstByte: 400, stall: 400, drip: 300 } };

export const sha256 = (bytes: Uint8Array | string): string => createHash("sha256").update(bytes).digest("hex");

/** As configurations are read. */
export async function read(url: string, options: HttpOptions = LOCAL): Promise<string> {
  return Buffer.from((await new Fetcher({ http: options }).read(url))!).toString();
}

/** As kernels are fetched. */
export async function get(url: string, options: DownloadOptions = {}, http: HttpOptions = LOCAL): Promise<Buffer> {
  const { handle, size, sha256: digest } = await download(new Fetcher({ http }), url, { pauseMs: 10, ...options });
  const bytes = await handle.readFile();
  await handle.close();
  assert.equal(bytes.length, size);
  assert.equal(sha256(bytes), digest);
  return bytes;
}

export async function failure(work: Promise<unknown>, code: string, pattern: RegExp): Promise<void> {
  const error = await work.then(
    () => assert.fail("it should have failed"),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof BatonError, String(error));
  assert.match(error.message, pattern);
  assert.equal(error.code, code, error.message);
}
