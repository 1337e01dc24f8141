/** Compressed files, recognised by how they begin; what is inside a gzip file is looked at. */

import { constants, gunzipSync } from "node:zlib";
import type { Compression } from "./decompress.ts";
import { type Image, image, type Subject } from "./image.ts";

/** How each begins. lz4: the frame format, and the older one that the kernel's own build uses. */
const MAGICS: readonly (readonly [format: Compression, magic: string])[] = [
  ["gzip", "1f8b08"],
  ["zstd", "28b52ffd"],
  ["xz", "fd377a585a00"],
  ["lz4", "04224d18"],
  ["lz4", "02214c18"],
  ["bzip2", "425a68"],
  ["lzma", "5d0000"],
];

/** What a file is compressed with, by its first bytes; null where it isn't. */
export function compressionOf(start: Uint8Array): Compression | null {
  const hex = Buffer.from(start.subarray(0, 6)).toString("hex");
  return MAGICS.find(([, magic]) => hex.startsWith(magic))?.[0] ?? null;
}

/** Recognises compressed files; `identifyInner` is asked about the beginning of what a gzip file holds. */
export function probeCompressed(identifyInner: (subject: Subject) => Promise<Image>) {
  return async (subject: Subject): Promise<Image | null> => {
    const format = compressionOf(subject.start);
    if (format === null) return null;
    const inner = format === "gzip" ? await peek(subject.start, identifyInner) : null;
    const what = inner === null ? "data" : inner.description;
    return image({
      format,
      description: `${what}, compressed with ${format}`,
      arch: inner?.arch ?? null,
      version: inner?.version ?? null,
      isPacked: true,
      classic: inner === null ? [] : [...new Set([...inner.fileLoad, ...inner.classic])],
      reason: `It is compressed with ${format} as a whole, and kexec_file_load doesn't unpack it.`,
    });
  };
}

/** Names what a gzip file begins with; null where that isn't a kernel. */
async function peek(packed: Buffer, identifyInner: (subject: Subject) => Promise<Image>): Promise<Image | null> {
  let start: Buffer;
  try {
    // The beginning only: no end of the stream is expected, and a bomb gives no more than this.
    start = gunzipSync(packed.subarray(0, 8192), { finishFlush: constants.Z_SYNC_FLUSH, maxOutputLength: 16 << 20 });
  } catch {
    return null;
  }
  // The size is unknown without unpacking all of it: take it for large enough.
  const readAt = async (offset: number, length: number) => start.subarray(offset, offset + length);
  const inner = await identifyInner({ readAt, size: Number.MAX_SAFE_INTEGER, start });
  return inner.format === "other" ? null : inner;
}
