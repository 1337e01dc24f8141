/**
 * LZ4, both forms in which kernels come: the frame format (lz4_Frame_format.md) and the legacy one that the kernel's
 * own build makes (`lz4 -l`). No package reads the latter, and the block format behind both is small.
 */

import { BatonError } from "../errors.ts";
import type { Output } from "./output.ts";

const FRAME_MAGIC = 0x184d2204;
const LEGACY_MAGIC = 0x184c2102;
/** Frames that hold something else than data, of any application. */
const SKIPPABLE_MAGIC = 0x184d2a50;
/** What a block of the legacy format unpacks to at most. */
const LEGACY_BLOCK = 8 << 20;
/** And one of the frame format ("Block Maximum Size"). */
const FRAME_BLOCK = 4 << 20;

/**
 * Unpacks a file of one or more LZ4 frames. Checksums aren't verified; a damaged block is noticed where it refers to
 * what isn't there.
 * @throws BatonError `bad-format`, `too-large` once the output is full
 */
export async function unpackLz4(packed: Uint8Array, output: Output): Promise<void> {
  const input = Buffer.from(packed.buffer, packed.byteOffset, packed.length);
  let at = 0;
  while (at + 4 <= input.length) {
    const magic = input.readUInt32LE(at);
    if (magic === FRAME_MAGIC) at = await frame(input, at + 4, output);
    else if (magic === LEGACY_MAGIC) at = await legacyFrame(input, at + 4, output);
    else if ((magic & 0xfffffff0) >>> 0 === SKIPPABLE_MAGIC && at + 8 <= input.length) {
      at += 8 + input.readUInt32LE(at + 4);
    } else if (at === 0) broken("it does not begin as LZ4 does");
    // Kernels have their unpacked size behind the last frame, other files zeros up to a boundary.
    else break;
  }
}

async function frame(input: Buffer, start: number, output: Output): Promise<number> {
  let at = start;
  if (at + 3 > input.length) broken("its header is cut short");
  const flags = input[at]!;
  if (flags >> 6 !== 1) broken(`its format has the unknown version ${flags >> 6}`);
  if ((flags & 0x01) !== 0) broken("it needs a dictionary");
  const hasBlockChecksum = (flags & 0x10) !== 0;
  const hasContentSize = (flags & 0x08) !== 0;
  const hasContentChecksum = (flags & 0x04) !== 0;
  at += 2 + (hasContentSize ? 8 : 0) + 1;
  for (;;) {
    if (at + 4 > input.length) broken("it is cut short");
    const word = input.readUInt32LE(at);
    at += 4;
    if (word === 0) return at + (hasContentChecksum ? 4 : 0);
    const size = word & 0x7fffffff;
    if (size > FRAME_BLOCK) broken("one of its blocks is too large");
    if (at + size > input.length) broken("it is cut short");
    const content = input.subarray(at, at + size);
    if (word >>> 31 === 1) output.append(content);
    else block(content, output, FRAME_BLOCK);
    at += size + (hasBlockChecksum ? 4 : 0);
    if (output.isTurnDue) await output.turn();
  }
}

/** Has no end of its own: it goes on until the file ends, another frame begins, or a size can't be one. */
async function legacyFrame(input: Buffer, start: number, output: Output): Promise<number> {
  let at = start;
  while (at + 4 <= input.length) {
    const size = input.readUInt32LE(at);
    if (size === FRAME_MAGIC || size === LEGACY_MAGIC) return at;
    if (at + 4 + size > input.length || size === 0) {
      // A kernel's own size, four bytes at the very end.
      if (input.length - at === 4 || size === 0) return input.length;
      broken("it is cut short");
    }
    if (size > LEGACY_BLOCK + LEGACY_BLOCK / 255 + 16) broken("one of its blocks is too large");
    block(input.subarray(at + 4, at + 4 + size), output, LEGACY_BLOCK);
    at += 4 + size;
    if (output.isTurnDue) await output.turn();
  }
  return at;
}

/**
 * One block: sequences of literals and of copies from what was unpacked before.
 * @param most bytes that it unpacks to at most
 */
function block(input: Buffer, output: Output, most: number): void {
  const end = output.length + most;
  let at = 0;
  const long = (length: number): number => {
    if (length !== 15) return length;
    let byte: number;
    do {
      byte = input[at++] ?? broken("one of its blocks is cut short");
      length += byte;
    } while (byte === 255);
    return length;
  };
  while (at < input.length) {
    const token = input[at++]!;
    const literals = long(token >> 4);
    if (at + literals > input.length) broken("one of its blocks is cut short");
    output.append(input.subarray(at, at + literals));
    at += literals;
    // The last sequence has literals only.
    if (at === input.length) return;
    if (at + 2 > input.length) broken("one of its blocks is cut short");
    const distance = input.readUInt16LE(at);
    at += 2;
    const length = long(token & 15) + 4;
    if (distance === 0 || distance > output.length) broken("one of its blocks refers to what is before its beginning");
    if (output.length + length > end) broken("one of its blocks unpacks to too much");
    output.copyBack(distance, length);
  }
}

function broken(why: string): never {
  throw new BatonError("bad-format", `This is LZ4, but damaged: ${why}.`);
}
