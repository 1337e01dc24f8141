/** Files of this machine: `file:` URLs, and a mirror folder that stands for the whole network (`--mirror DIR`). */

import { createReadStream } from "node:fs";
import { stat as statFile } from "node:fs/promises";
import { join } from "node:path";
import { BatonError } from "../errors.ts";
import type { Opened, OpenOptions, Transport } from "./transport.ts";
import { collapsePath, decodedPath, mirrorPath, shownUrl } from "./url.ts";

const PIECE = 256 * 1024;

/** @param missing what a file that isn't there is called: `404 Not Found` */
async function sizeOf(path: string | null, url: URL, missing: string): Promise<number> {
  const absent = (): BatonError => new BatonError("not-found", `${shownUrl(url)}: ${missing}`);
  if (path === null) throw absent();
  try {
    const stat = await statFile(path);
    if (stat.isFile()) return stat.size;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (!["ENOENT", "ENOTDIR", "ENAMETOOLONG", "ELOOP"].includes(code ?? "")) {
      throw new BatonError("io", `${shownUrl(url)}: ${message}`, { cause: error });
    }
  }
  throw absent();
}

async function openPath(path: string | null, url: URL, missing: string, options: OpenOptions): Promise<Opened> {
  const size = await sizeOf(path, url, missing);
  const offset = Math.min(options.offset ?? 0, size);
  const stream = createReadStream(path!, {
    start: offset,
    highWaterMark: PIECE,
    ...(options.signal ? { signal: options.signal } : {}),
  });
  async function* body(): AsyncIterable<Uint8Array> {
    try {
      for await (const piece of stream) yield piece as Uint8Array;
    } catch (error) {
      if (options.signal?.aborted) throw new BatonError("cancelled", `${shownUrl(url)}: cancelled`);
      throw new BatonError("io", `${shownUrl(url)}: ${(error as Error).message}`, { cause: error });
    }
  }
  return { url: url.href, size, offset, validator: null, body: body(), close: () => stream.destroy() };
}

/** `file:///path` on this machine. */
export const fileTransport: Transport = {
  ranges: true,
  open: (url, options) => openPath(collapsePath(decodedPath(url)), url, "there is no such file", options),
  stat: async (url) => ({ size: await sizeOf(collapsePath(decodedPath(url)), url, "there is no such file") }),
};

/** Everything from a folder; what isn't there is a 404. */
export function mirrorTransport(directory: string): Transport {
  const place = (url: URL): string | null => {
    const path = mirrorPath(url);
    return path === null ? null : join(directory, path);
  };
  const missing = "404 Not Found (in the mirror)";
  return {
    ranges: true,
    open: (url, options) => openPath(place(url), url, missing, options),
    stat: async (url) => ({ size: await sizeOf(place(url), url, missing) }),
  };
}
