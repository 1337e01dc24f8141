/**
 * Composes images and kexec for a bzImage whose payload is unpacked before the jump (images/kaslr.ts): reads it, unpacks
 * it off the main thread, and lays it out.
 */

import { randomBytes } from "node:crypto";
import { setImmediate as pause } from "node:timers/promises";
import * as zlib from "node:zlib";
import { createGunzip, type Zlib } from "node:zlib";
import { BatonError } from "../errors.ts";
import { compressionOf } from "../images/compressed.ts";
import { layOutUnpacked, mayUnpackAhead, readUnpackedKernel } from "../images/kaslr.ts";
import { packedStream, payloadOf, unpackedSize } from "../images/payload.ts";
import type { SegmentMemory, Start } from "../images/segment.ts";
import { checkWanted, filePart, type ReadOptions, readWhole } from "../kexec/files.ts";
import type { LoadRequest } from "../kexec/method.ts";
import { readX86MachineFor } from "../kexec/x86machine.ts";
import { availableMemory } from "../linux/availablememory.ts";
import { unpackXzNatively } from "../linux/lzma.ts";
import { readBzImageSetup } from "./bzimage.ts";
import { initrdContents } from "./segments.ts";

/** More than any kernel unpacks to. */
const MAX_SIZE = 256 * 1024 * 1024;

export async function layOutUnpackedBzImage(
  request: LoadRequest,
  memory: SegmentMemory,
  reading: ReadOptions,
): Promise<Start> {
  const file = filePart(request.kernel);
  const quiet = { ...reading, onRead: () => {} };
  const { header, setup } = await readBzImageSetup(request, quiet);
  const place = payloadOf(header, file.size);
  if (place === null) throw new BatonError("unsupported", `${file.name}: its header doesn't say where its payload is.`);
  if (!mayUnpackAhead(request.cmdline)) {
    throw new BatonError("unsupported", "The command line has words that only the kernel's own unpacker understands.");
  }
  const part = { ...file, offset: file.offset + place.offset, size: place.size };
  const bytes = await unpackPayload(Buffer.from((await readWhole(part, quiet)).buffer));
  checkWanted(reading);
  await pause();
  const kernel = readUnpackedKernel(bytes);
  const [initrds, machine] = await Promise.all([initrdContents(request.initrds, reading), readX86MachineFor(request)]);
  const wanted = async (): Promise<void> => {
    await pause();
    checkWanted(reading);
  };
  const input = { kernel, header, setup, initrds, machine, cmdline: request.cmdline, seed: randomBytes(32) };
  return layOutUnpacked({ ...input, random, pause: wanted }, memory);
}

/**
 * Unpacks a payload off the main thread.
 * @param available asked for the bytes of memory that are free
 * @throws BatonError `unsupported` where there is no unpacker for it here, or it is damaged; what zlib throws
 */
export async function unpackPayload(
  payload: Buffer,
  available: () => Promise<number> = availableMemory,
): Promise<Buffer> {
  const [packed, size] = [packedStream(payload), unpackedSize(payload)];
  if (size === 0 || size > MAX_SIZE)
    throw new BatonError("unsupported", "The payload doesn't say how large it is unpacked.");
  // It is laid out in memory a second time.
  if (2 * size > (await available())) throw new BatonError("unsupported", "Memory is too short to unpack it ahead.");
  const target = Buffer.alloc(size);
  const compression = compressionOf(packed);
  let filled: number | null = null;
  if (compression === "xz") filled = await unpackXzNatively(packed, target);
  else if (compression === "gzip") filled = await stream(createGunzip(), packed, target);
  else if (compression === "zstd" && "createZstdDecompress" in zlib) {
    filled = await stream((zlib.createZstdDecompress as () => Zlib & NodeJS.ReadWriteStream)(), packed, target);
  }
  if (filled !== size)
    throw new BatonError("unsupported", `The payload (${compression ?? "unknown"}) isn't unpacked ahead here.`);
  return target;
}

async function stream(unpacker: NodeJS.ReadWriteStream, packed: Uint8Array, target: Buffer): Promise<number> {
  let at = 0;
  unpacker.end(packed);
  for await (const piece of unpacker as AsyncIterable<Buffer>) {
    if (at + piece.length > target.length) return -1;
    at += piece.copy(target, at);
  }
  return at;
}

/** Without a bias that matters: of 64 bits. */
function random(bound: bigint): bigint {
  return randomBytes(8).readBigUInt64LE() % bound;
}
