/**
 * Unpacks kernels that are compressed as a whole, or that carry their payload so. Each method is loaded when it is
 * first needed, for most kernels need none.
 */

import * as zlib from "node:zlib";
import { BatonError, describeError } from "../errors.ts";
import { Output } from "./output.ts";

export type Compression = "gzip" | "zstd" | "xz" | "lz4" | "lzma" | "bzip2";

/** Bytes that a kernel may unpack to: the largest known have a quarter of this. */
export const MAX_UNPACKED_SIZE = 512 << 20;

/** @throws what says that it is damaged; BatonError `too-large` once the output is full, `unsupported` */
type Unpacker = (packed: Uint8Array, output: Output) => Promise<void>;

const UNPACKERS: Readonly<Record<Compression, Unpacker>> = {
  gzip: (packed, output) => collect(zlib.createGunzip({ chunkSize: CHUNK }), packed, output),
  zstd: async (packed, output) => {
    const native = (zlib as ZlibWithZstd).createZstdDecompress?.({ chunkSize: CHUNK });
    return native === undefined ? zstd(packed, output) : collect(native, packed, output);
  },
  xz: async (packed, output) => (await import("./xz.ts")).unpackXz(packed, output, lzma2),
  lz4: async (packed, output) => (await import("./lz4.ts")).unpackLz4(packed, output),
  lzma: async (packed, output) => (await import("./lzma.ts")).unpackLzma(packed, output),
  bzip2,
};

/** What zlib's threads give at once. */
const CHUNK = 256 * 1024;

/**
 * Unpacks what is packed by a known method. Memory is taken for what comes out, once, and the event loop runs meanwhile.
 * @param limit bytes of the result: what kernels need at most, or what memory allows
 * @throws BatonError `bad-format` where it is damaged, `too-large`, `unsupported`
 */
export async function decompress(
  packed: Uint8Array,
  compression: Compression,
  limit = MAX_UNPACKED_SIZE,
): Promise<Uint8Array> {
  const output = new Output(limit);
  try {
    await UNPACKERS[compression](packed, output);
  } catch (cause) {
    if (cause instanceof BatonError) throw cause.code === "too-large" ? tooLarge(limit) : cause;
    const message = `It is compressed with ${compression}, but damaged: ${describeError(cause)}. Copy it to the disk again.`;
    throw new BatonError("bad-format", message, { cause });
  }
  return output.filled;
}

/**
 * The beginning of what is packed, to say what it is.
 * @param packed all of it, or a beginning
 * @param length bytes of the result at most
 * @returns fewer bytes where there are no more, or where damage follows
 * @throws BatonError `bad-format` where nothing comes out, `unsupported`
 */
export async function decompressStart(
  packed: Uint8Array,
  compression: Compression,
  length: number,
): Promise<{ readonly start: Uint8Array; readonly isWhole: boolean }> {
  const output = new Output(length);
  let failure: unknown = null;
  try {
    await UNPACKERS[compression](packed, output);
  } catch (error) {
    failure = error;
  }
  if (failure === null || output.length > 0) return { start: output.filled, isWhole: failure === null };
  if (failure instanceof BatonError) throw failure;
  const message = `It is compressed with ${compression}, but damaged: ${describeError(failure)}. Copy it to the disk again.`;
  throw new BatonError("bad-format", message, { cause: failure });
}

function tooLarge(limit: number): BatonError {
  const why = limit === MAX_UNPACKED_SIZE ? "which no kernel needs" : "the most that there is room for";
  return new BatonError("too-large", `It unpacks to more than ${limit >> 20} MiB, ${why}.`);
}

type ZlibWithZstd = {
  /** Node has it since version 22.15. */
  createZstdDecompress?: (options: { chunkSize: number }) => NodeJS.ReadWriteStream;
};

/** Unpacks on zlib's threads. */
async function collect(unpacker: NodeJS.ReadWriteStream, packed: Uint8Array, output: Output): Promise<void> {
  unpacker.end(packed);
  for await (const part of unpacker as AsyncIterable<Uint8Array>) output.append(part);
}

/** Damage makes the package go round without a result. */
const EMPTY_ROUNDS = 4;

async function zstd(packed: Uint8Array, output: Output): Promise<void> {
  const { ZSTDDecoder } = await import("zstddec/stream");
  const decoder = new ZSTDDecoder();
  await decoder.init();
  let empty = 0;
  for (const part of decoder.decodeStreaming([packed])) {
    empty = part.length === 0 ? empty + 1 : 0;
    if (empty > EMPTY_ROUNDS) throw new Error("its blocks make no sense");
    output.append(part);
    if (output.isTurnDue) await output.turn();
  }
}

/** .xz without filters. */
async function lzma2(packed: Uint8Array, output: Output): Promise<void> {
  const { XzReadableStream } = await import("xz-decompress");
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
      if (done) return;
      output.append(value);
      if (output.isTurnDue) await output.turn();
    }
  } finally {
    await reader.cancel().catch(() => {});
  }
}

/** In a thread, for the package doesn't pause. Half a minute is what 100 MB take. */
async function bzip2(packed: Uint8Array, output: Output): Promise<void> {
  const { inThread } = await import("../thread.ts");
  const limit = output.limit - output.length;
  const limits = { heapMiB: 64, milliseconds: 300_000 };
  const { bytes, isCut, fault } = await inThread("bzip2", { packed, limit }, limits);
  output.append(bytes);
  if (isCut) output.reserve(limit + 1);
  if (fault !== null) throw new Error(fault);
}
