/**
 * Unpacks kernels that are compressed as a whole, or that carry their payload so. Each method is loaded when it is
 * first needed, for most kernels need none.
 */

import * as zlib from "node:zlib";
import { BatonError, describeError } from "../errors.ts";

export type Compression = "gzip" | "zstd" | "xz" | "lz4" | "lzma" | "bzip2";

/** Bytes that a kernel may unpack to: the largest known have a quarter of this. */
export const MAX_UNPACKED_SIZE = 512 << 20;

type Unpacker = (packed: Uint8Array, limit: number) => Promise<Uint8Array>;

const UNPACKERS: Readonly<Record<Compression, Unpacker>> = {
  gzip: async (packed, limit) => {
    return new Promise((resolve, reject) => {
      zlib.gunzip(packed, { maxOutputLength: limit }, (error, bytes) => (error ? reject(error) : resolve(bytes)));
    });
  },
  zstd: async (packed, limit) => (await nativeZstd(packed, limit)) ?? zstd(packed, limit),
  xz: async (packed, limit) => (await import("./xz.ts")).unpackXz(packed, limit, lzma2),
  lz4: async (packed, limit) => (await import("./lz4.ts")).unpackLz4(packed, limit),
  lzma: async (packed, limit) => (await import("./lzma.ts")).unpackLzma(packed, limit),
  bzip2,
};

/**
 * Unpacks what is packed by a known method.
 * @param limit bytes of the result
 * @throws BatonError `bad-format` where it is damaged, `too-large`, `unsupported`
 */
export async function decompress(
  packed: Uint8Array,
  compression: Compression,
  limit = MAX_UNPACKED_SIZE,
): Promise<Uint8Array> {
  let bytes: Uint8Array;
  try {
    bytes = await UNPACKERS[compression](packed, limit);
  } catch (cause) {
    if (cause instanceof BatonError && cause.code !== "too-large") throw cause;
    if (isTooLarge(cause)) throw tooLarge(limit);
    const message = `It is compressed with ${compression}, but damaged: ${describeError(cause)}. Copy it to the disk again.`;
    throw new BatonError("bad-format", message, { cause });
  }
  if (bytes.length > limit) throw tooLarge(limit);
  return bytes;
}

function isTooLarge(cause: unknown): boolean {
  return (
    (cause as { code?: string }).code === "ERR_BUFFER_TOO_LARGE" || (cause as { code?: string }).code === "too-large"
  );
}

function tooLarge(limit: number): BatonError {
  return new BatonError("too-large", `It unpacks to more than ${limit >> 20} MiB, which no kernel needs.`);
}

type ZlibWithZstd = {
  zstdDecompress?: (
    packed: Uint8Array,
    options: { maxOutputLength: number },
    done: (error: Error | null, bytes: Uint8Array) => void,
  ) => void;
};

/** Node has it since version 22.15. */
async function nativeZstd(packed: Uint8Array, limit: number): Promise<Uint8Array | null> {
  const { zstdDecompress } = zlib as ZlibWithZstd;
  if (zstdDecompress === undefined) return null;
  return new Promise((resolve, reject) => {
    zstdDecompress(packed, { maxOutputLength: limit }, (error, bytes) => (error ? reject(error) : resolve(bytes)));
  });
}

/** Damage makes the package go round without a result. */
const EMPTY_ROUNDS = 4;

async function zstd(packed: Uint8Array, limit: number): Promise<Uint8Array> {
  const { ZSTDDecoder } = await import("zstddec/stream");
  const decoder = new ZSTDDecoder();
  await decoder.init();
  const output = new Collector(limit);
  let empty = 0;
  for (const part of decoder.decodeStreaming([packed])) {
    empty = part.length === 0 ? empty + 1 : 0;
    if (empty > EMPTY_ROUNDS) throw new Error("its blocks make no sense");
    output.add(part);
  }
  return output.joined();
}

/** .xz without filters. */
async function lzma2(packed: Uint8Array, limit: number): Promise<Uint8Array> {
  const { XzReadableStream } = await import("xz-decompress");
  const output = new Collector(limit);
  const source = new ReadableStream<Uint8Array>({
    start(controller) {
      controller.enqueue(packed);
      controller.close();
    },
  });
  const reader = new XzReadableStream(source).getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return output.joined();
      // The package gives its own memory, which it uses again.
      output.add(value.slice());
    }
  } finally {
    await reader.cancel().catch(() => {});
  }
}

async function bzip2(packed: Uint8Array, limit: number): Promise<Uint8Array> {
  const { default: bunzip } = await import("seek-bzip");
  const output = new Collector(limit);
  let piece = Buffer.allocUnsafe(1 << 20);
  let filled = 0;
  bunzip.decode(Buffer.from(packed.buffer, packed.byteOffset, packed.length), {
    writeByte(byte) {
      piece[filled++] = byte;
      if (filled < piece.length) return;
      output.add(piece);
      piece = Buffer.allocUnsafe(1 << 20);
      filled = 0;
    },
  });
  output.add(piece.subarray(0, filled));
  return output.joined();
}

/** Pieces of a result that may not get larger than a limit. */
class Collector {
  readonly #parts: Uint8Array[] = [];
  readonly #limit: number;
  #size = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  add(part: Uint8Array): void {
    this.#size += part.length;
    if (this.#size > this.#limit) throw new BatonError("too-large", "it unpacks to too much");
    this.#parts.push(part);
  }

  joined(): Uint8Array {
    return this.#parts.length === 1 ? this.#parts[0]! : Buffer.concat(this.#parts, this.#size);
  }
}
