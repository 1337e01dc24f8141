/** Plan 9's a.out executables (a.out(6)): a header in big-endian words, then text and data. */

const HEADER_SIZE = 32;
/** Set in the magic number where eight more bytes of header hold a 64-bit entry. */
const EXTENDED = 0x8000;
/** The magic number of each machine, which its manual makes of a small number n: ((4n + 0)n + 7). */
const MACHINES: Readonly<Record<number, string>> = {
  [magic(11)]: "i386",
  [magic(20)]: "arm",
  [magic(26) | EXTENDED]: "x86_64",
  [magic(28) | EXTENDED]: "aarch64",
};

function magic(n: number): number {
  return 4 * n * n + 7;
}

interface Aout {
  /** As `uname -m`. */
  readonly machine: string;
  /** Virtual address of the first instruction. */
  readonly entry: bigint;
  /** Where the text begins in the file, and its bytes; the data lies right behind it. */
  readonly textOffset: number;
  readonly textSize: number;
  readonly dataSize: number;
  /** Zeros behind the data, in memory. */
  readonly bssSize: number;
}

/**
 * @param start the file's first bytes
 * @param size of the whole file
 * @returns null where it is no such file
 */
export function readAout(start: Uint8Array, size: number): Aout | null {
  const bytes = Buffer.from(start.buffer, start.byteOffset, start.length);
  if (bytes.length < HEADER_SIZE + 8) return null;
  const word = (index: number): number => bytes.readUInt32BE(index * 4);
  const machine = MACHINES[word(0)];
  if (machine === undefined) return null;
  const isExtended = (word(0) & EXTENDED) !== 0;
  const textOffset = HEADER_SIZE + (isExtended ? 8 : 0);
  const [textSize, dataSize, bssSize] = [word(1), word(2), word(3)];
  // The magic number is small: other files may begin with it too.
  if (textSize === 0 || textOffset + textSize + dataSize > size) return null;
  const entry = isExtended ? bytes.readBigUInt64BE(HEADER_SIZE) : BigInt(word(5));
  return { machine, entry, textOffset, textSize, dataSize, bssSize };
}
