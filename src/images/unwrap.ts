/** Takes a kernel out of what it is packed in: compressed as a whole, or an EFI zboot file. */

import { type ReadAt, readAtOfBytes } from "../binary/readat.ts";
import { BatonError } from "../errors.ts";
import { compressionOf } from "./compressed.ts";
import { type Compression, decompress } from "./decompress.ts";
import { readZboot } from "./efistub.ts";
import { identifyImage } from "./identify.ts";
import { type Image, START_SIZE } from "./image.ts";

/** vmlinuz.efi in a .gz file in another: nobody packs deeper. */
const MAX_DEPTH = 4;
/** Bytes of a packed file that are read at once. */
const MAX_PACKED_SIZE = 512 << 20;

/** How the kernel's build names its compressions (drivers/firmware/efi/libstub/Makefile.zboot). */
const ZBOOT_COMPRESSIONS: Readonly<Record<string, Compression>> = {
  gzip: "gzip",
  lz4: "lz4",
  lzma: "lzma",
  xzkern: "xz",
  xz: "xz",
  zstd22: "zstd",
  zstd: "zstd",
};

export interface Unwrapped {
  readonly image: Image;
  /** What is to be loaded; null for the file itself. */
  readonly bytes: Uint8Array | null;
}

/**
 * Finds the kernel that a file holds.
 * @param size of the file in bytes
 * @throws BatonError `bad-format`, `too-large`, `unsupported`; what `readAt` rejects with
 */
export async function unwrapKernel(readAt: ReadAt, size: number): Promise<Unwrapped> {
  let image = await identifyImage(readAt, size);
  let bytes: Uint8Array | null = null;
  for (let depth = 0; image.isPacked; depth++) {
    if (depth === MAX_DEPTH) throw new BatonError("unsupported", "It is packed into itself too many times.");
    const read: ReadAt = bytes === null ? readAt : readAtOfBytes(bytes);
    bytes = await unpackOnce(read, bytes?.length ?? size);
    image = await identifyImage(readAtOfBytes(bytes), bytes.length);
  }
  return { image, bytes };
}

async function unpackOnce(readAt: ReadAt, size: number): Promise<Uint8Array> {
  const start = Buffer.from(await readAt(0, Math.min(START_SIZE, size)));
  const zboot = readZboot(start);
  if (zboot === null) {
    const compression = compressionOf(start);
    if (compression === null) throw new BatonError("bad-format", "It changed while it was read.");
    return decompress(await readWhole(readAt, 0, size), compression);
  }
  const { payloadOffset, payloadSize } = zboot;
  const compression = ZBOOT_COMPRESSIONS[zboot.compression];
  if (compression === undefined) {
    const message = `Its kernel is compressed with ${zboot.compression || "nothing that has a name"}, which Baton doesn't unpack.`;
    throw new BatonError("unsupported", message);
  }
  return decompress(await readWhole(readAt, payloadOffset, payloadSize), compression);
}

async function readWhole(readAt: ReadAt, offset: number, size: number): Promise<Uint8Array> {
  if (size > MAX_PACKED_SIZE) {
    throw new BatonError("too-large", `It has ${size} bytes in packed form, which is more than any kernel has.`);
  }
  const bytes = await readAt(offset, size);
  if (bytes.length < size) {
    throw new BatonError(
      "bad-format",
      `It is cut short: ${size} bytes should be there, and there are ${bytes.length}.`,
    );
  }
  return bytes;
}
