/** Files of this machine: `file:` URLs, and a mirror folder that stands for the whole network (`--mirror DIR`). */

import { createReadStream } from "node:fs";
import { realpath, stat as statFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { BatonError } from "../errors.ts";
import { localRefusal } from "./localfiles.ts";
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

/**
 * Where a `file:` URL leads, links followed, so that a link is no way into a folder that is shut.
 * @throws BatonError `refused`
 */
async function ownPath(url: URL): Promise<string> {
  const path = collapsePath(decodedPath(url));
  // What can't be resolved isn't there, and is told so where it is opened.
  const real = path.includes("\0") ? path : await realpath(path).catch(() => path);
  for (const one of [url, pathToFileURL(real)]) {
    const refusal = localRefusal(one, null);
    if (refusal !== null) throw new BatonError("refused", `${shownUrl(url)}: ${refusal}`);
  }
  return real;
}

/** `file:///path` on this machine. */
export const fileTransport: Transport = {
  ranges: true,
  open: async (url, options) => openPath(await ownPath(url), url, "there is no such file", options),
  stat: async (url) => ({ size: await sizeOf(await ownPath(url), url, "there is no such file") }),
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
