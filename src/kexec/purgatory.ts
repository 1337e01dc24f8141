/**
 * The purgatory: makes sure, after the jump and before the new kernel's first instruction, that its memory still is what
 * was loaded. Used for crash kernels, which start when something has gone wrong with memory, and on request; else the
 * trampoline (trampoline.ts) is entered at once, since a digest of all that is loaded takes seconds on a slow machine.
 * x86-64 only. The instructions' source is purgatory.S.
 */

import { createHash, type Hash } from "node:crypto";
import { readSync } from "node:fs";
import { BatonError } from "../errors.ts";
import type { Content, Start } from "../images/segment.ts";
import type { Memory, Segment } from "./memory.ts";
import { addCodePage, type CodePlace, startCode } from "./trampoline.ts";

/** purgatory.S, assembled. */
const CODE = [
  "fc488d25f8080000488d0571030000488d1dea050000488d3d23020000488b30488b68084883c0104885ed0f843401000050",
  "31c98b048e0fc889048bffc183f91072f18b448bc489c24189c0c1c807c1ca1241c1e80331d04431c08b548bf84189d04189",
  "d1c1ca1141c1c81341c1e90a4431c24431ca01d003448be403448bc089048bffc183f94072b9488d156f010000448b02448b",
  "4a04448b5208448b5a0c448b6210448b6a14448b7218448b7a1c31c94489e04489e2c1c806c1ca0b31d0c1ca0e31d04401f8",
  "4489ea4431f24421e24431f201d003048f03048b4589f74589ee4589e54589dc4101c44489c24589c34409ca4521cb4421d2",
  "4409da01d04489c24589c3c1ca0241c1cb0d4431da41c1cb094431da01d04589d34589ca4589c14189c0ffc183f940728748",
  "8d15ce00000044010244014a044401520844015a0c4401621044016a144401721844017a1c4883c6404883ed400f85d3feff",
  "ff58e9b8feffff488d3594000000488d3dad000000b908000000f3a70f8480080000488d352f000000baf8030000ac84c074",
  "1b88c4bafd030000b9ffff0000eca820e1fb88e0baf8030000eeebe06a006a000f011c240f0b0d0a6261746f6e3a20746865",
  "206b65726e656c207761732064616d6167656420696e206d656d6f72793a2072657365740d0a00",
].join("");

// Where purgatory.S has its data.
const AT = { state: 0x200, digest: 0x220, constants: 0x240, padding: 0x340, regions: 0x380, tail: 0xa00 } as const;
const SIZE = 4096;
const BLOCK = 64;

/**
 * Puts a start with a purgatory before it into memory, and its segments in order.
 * @returns what kexec_load takes; the files of the segments were read for the digest
 * @throws BatonError `unsupported` for other processors; as `Memory.alignAndMerge`; `io`
 */
export function sealSegments(memory: Memory, start: Start): { entry: bigint; segments: Segment[] } {
  if (start.cpu === "aarch64") throw new BatonError("unsupported", "There is no purgatory for arm64.");
  const { content, address: entry, tables } = addCodePage(memory, start, "purgatory");
  const segments = memory.alignAndMerge();
  const sealed = segments.filter(({ parts }) => !parts.includes(content));
  purgatoryPage(entry, start, sealed, { tables }).copy(content);
  return { entry, segments };
}

/**
 * The purgatory's page.
 * @param at its physical address
 * @param segments that are checked: whole pages, in this order
 */
export function purgatoryPage(
  at: bigint,
  start: Start,
  segments: readonly Segment[],
  { tables = null }: Pick<CodePlace, "tables"> = {},
): Buffer {
  const page = Buffer.alloc(SIZE);
  page.write(CODE, "hex");
  for (const [index, word] of roots(Math.sqrt, 8).entries()) page.writeUInt32LE(word, AT.state + index * 4);
  for (const [index, word] of roots(Math.cbrt, 64).entries()) page.writeUInt32LE(word, AT.constants + index * 4);
  const total = segments.reduce((sum, { range }) => sum + range.size, 0n);
  page.writeUInt8(0x80, AT.padding);
  page.writeBigUInt64BE(total * 8n, AT.padding + BLOCK - 8);
  const regions = [
    ...segments.map(({ range }) => [range.start, range.size] as const),
    [at + BigInt(AT.padding), BigInt(BLOCK)] as const,
  ];
  for (const [index, [address, size]] of regions.entries()) {
    page.writeBigUInt64LE(address, AT.regions + index * 16);
    page.writeBigUInt64LE(size, AT.regions + index * 16 + 8);
  }
  // The digest's words as the processor has them, not as they are written.
  digestOf(segments).swap32().copy(page, AT.digest);
  const tail = at + BigInt(AT.tail);
  startCode(start, tail, { room: SIZE - AT.tail, tables }).copy(page, AT.tail);
  return page;
}

/** Of the memory as it will be: contents, and zeros up to each segment's end. */
export function digestOf(segments: readonly Segment[]): Buffer {
  const hash = createHash("sha256");
  const zeros = Buffer.alloc(64 * 1024);
  for (const { range, parts } of segments) {
    let left = Number(range.size);
    for (const part of parts) {
      addContent(hash, part);
      left -= part instanceof Uint8Array ? part.length : part.size;
    }
    for (; left > 0; left -= zeros.length) hash.update(zeros.subarray(0, Math.min(left, zeros.length)));
  }
  return hash.digest();
}

function addContent(hash: Hash, part: Content): void {
  if (part instanceof Uint8Array) {
    hash.update(part);
    return;
  }
  const piece = Buffer.alloc(Math.min(part.size, 1024 * 1024));
  for (let done = 0; done < part.size; ) {
    const count = readSync(part.fd, piece, 0, Math.min(piece.length, part.size - done), part.offset + done);
    if (count === 0) throw new BatonError("io", `${part.name} ends after ${done} of ${part.size} bytes.`);
    hash.update(piece.subarray(0, count));
    done += count;
  }
}

/** SHA-256's constants (FIPS 180-4): the first 32 bits of the fractions of roots of the first primes. */
function roots(root: (value: number) => number, count: number): number[] {
  const words: number[] = [];
  for (let value = 2; words.length < count; value++) {
    let factor = 2;
    while (factor * factor <= value && value % factor !== 0) factor++;
    if (factor * factor > value) words.push(Math.floor((root(value) % 1) * 2 ** 32));
  }
  return words;
}
