/** Takes a kernel out of what it is packed in: compressed as a whole, or an EFI zboot file. */

import { type ReadAt, readAtOfBytes } from "../binary/readat.ts";
import { BatonError } from "../errors.ts";
import { compressionOf } from "./compressed.ts";
import { type Compression, decompress, decompressStart, MAX_UNPACKED_SIZE } from "./decompress.ts";
import { readZboot } from "./efistub.ts";
import { identifyImage } from "./identify.ts";
import { type Image, START_SIZE } from "./image.ts";

/** vmlinuz.efi in a .gz file in another: nobody packs deeper. */
const MAX_DEPTH = 4;
/** What is unpacked to find out what something is: headers, and the version's text behind them. */
const START_UNPACKED = 1 << 20;
/** What that is read from: one block of legacy LZ4 at least. */
const START_PACKED = 9 << 20;

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

interface Unwrapped {
  readonly image: Image;
  /** What is to be loaded; null for the file itself. */
  readonly bytes: Uint8Array | null;
}

/**
 * Finds the kernel that a file holds. What isn't a kernel by its beginning is not unpacked any further.
 * @param size of the file in bytes
 * @param memory bytes that may be taken for it, in packed and unpacked form together
 * @throws BatonError `bad-format`, `too-large`, `unsupported`; what `readAt` rejects with
 */
export async function unwrapKernel(readAt: ReadAt, size: number, memory = 2 * MAX_UNPACKED_SIZE): Promise<Unwrapped> {
  let image = await identifyImage(readAt, size);
  let bytes: Uint8Array | null = null;
  for (let depth = 0; image.isPacked; depth++) {
    checkDepth(depth);
    const read: ReadAt = bytes === null ? readAt : readAtOfBytes(bytes);
    const packed = await findPacked(read, bytes?.length ?? size);
    const beginning = await unpackStart(packed);
    if (!beginning.isWhole && beginning.image?.format === "other") {
      throw new BatonError("bad-format", beginning.image.reason ?? `It is ${beginning.image.description}.`);
    }
    // What was unpacked before is held until its own contents are unpacked.
    const left = memory - packed.size - (bytes?.length ?? 0);
    if (left <= 0) throw noRoom(packed.size, memory);
    const whole = await readPart(packed, packed.size);
    bytes = await decompress(whole, packed.compression, Math.min(left, MAX_UNPACKED_SIZE));
    image = await identifyImage(readAtOfBytes(bytes), bytes.length);
  }
  return { image, bytes };
}

/**
 * What the kernel is that a file holds, as far as its beginning tells: nothing is unpacked further.
 * @param size of the file in bytes
 * @throws BatonError `bad-format`, `unsupported`; what `readAt` rejects with
 */
export async function identifyPacked(readAt: ReadAt, size: number): Promise<Image> {
  let image = await identifyImage(readAt, size);
  let read = readAt;
  let length = size;
  for (let depth = 0; image.isPacked; depth++) {
    checkDepth(depth);
    const { start, isWhole, image: inner } = await unpackStart(await findPacked(read, length));
    if (inner === null) throw new BatonError("bad-format", "It can't be told by its beginning what is packed in it.");
    image = inner;
    read = readAtOfBytes(start);
    length = isWhole ? start.length : Number.MAX_SAFE_INTEGER;
  }
  return image;
}

function checkDepth(depth: number): void {
  if (depth === MAX_DEPTH) throw new BatonError("unsupported", "It is packed into itself too many times.");
}

/** Where in a file something is packed, and how. */
interface Packed {
  readonly readAt: ReadAt;
  readonly offset: number;
  readonly size: number;
  readonly compression: Compression;
}

async function findPacked(readAt: ReadAt, fileSize: number): Promise<Packed> {
  const start = Buffer.from(await readAt(0, Math.min(START_SIZE, fileSize)));
  const zboot = readZboot(start);
  if (zboot === null) {
    const compression = compressionOf(start);
    if (compression === null) throw new BatonError("bad-format", "It changed while it was read.");
    return { readAt, offset: 0, size: fileSize, compression };
  }
  const { payloadOffset: offset, payloadSize: size } = zboot;
  const compression = ZBOOT_COMPRESSIONS[zboot.compression];
  if (compression === undefined) {
    const message = `Its kernel is compressed with ${zboot.compression || "nothing that has a name"}, which Baton doesn't unpack.`;
    throw new BatonError("unsupported", message);
  }
  if (offset + size > fileSize) {
    throw new BatonError("bad-format", `It is cut short: its kernel ends at byte ${offset + size} of ${fileSize}.`);
  }
  return { readAt, offset, size, compression };
}

interface Beginning {
  readonly start: Uint8Array;
  /** That is all there is. */
  readonly isWhole: boolean;
  /** Null where more than the beginning is needed to tell. */
  readonly image: Image | null;
}

async function unpackStart(packed: Packed): Promise<Beginning> {
  // Of a file that is itself only a beginning, less may be there.
  const bytes = await packed.readAt(packed.offset, Math.min(packed.size, START_PACKED));
  const { start, isWhole } = await decompressStart(bytes, packed.compression, START_UNPACKED);
  const size = isWhole ? start.length : Number.MAX_SAFE_INTEGER;
  const image = await identifyImage(readAtOfBytes(start), size).catch(() => null);
  return { start, isWhole, image };
}

async function readPart({ readAt, offset }: Packed, size: number): Promise<Uint8Array> {
  const bytes = await readAt(offset, size);
  if (bytes.length === size) return bytes;
  throw new BatonError("bad-format", `It is cut short: ${size} bytes should be there, and there are ${bytes.length}.`);
}

function noRoom(size: number, memory: number): BatonError {
  const mib = (bytes: number): string => `${Math.ceil(bytes / (1 << 20))} MiB`;
  return new BatonError(
    "too-large",
    `It has ${mib(size)} in packed form, and there is room for ${mib(memory)}, packed and unpacked together.`,
  );
}
