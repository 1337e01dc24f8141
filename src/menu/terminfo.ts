/**
 * Compiled terminfo as blessed 0.1.81 reads it. Since ncurses 6.1 a description whose numbers don't fit 16 bits is
 * written with 32-bit ones (term(5), "extended number format"; xterm-256color and tmux-256color are), which blessed
 * takes for a damaged file.
 */

const LEGACY_MAGIC = 0o432;
const WIDE_MAGIC = 0o1036;
const HEADER = 12;

/**
 * The same description in the legacy format; without what follows the standard strings, which nothing here uses.
 * What isn't in the extended number format is given back as it is.
 */
export function toLegacyTerminfo(data: Buffer): Buffer {
  if (data.length < HEADER || data.readUInt16LE(0) !== WIDE_MAGIC) return data;
  const names = data.readUInt16LE(2);
  const booleans = data.readUInt16LE(4);
  const numbers = data.readUInt16LE(6);
  const strings = data.readUInt16LE(8);
  const table = data.readUInt16LE(10);
  // Numbers begin at an even byte.
  const numbersAt = HEADER + names + booleans + ((names + booleans) % 2);
  const stringsAt = numbersAt + numbers * 4;
  const end = stringsAt + strings * 2 + table;
  if (end > data.length) return data;
  const head = Buffer.from(data.subarray(0, numbersAt));
  head.writeUInt16LE(LEGACY_MAGIC, 0);
  const narrow = Buffer.alloc(numbers * 2);
  for (let i = 0; i < numbers; i++) {
    // -1 stands for "none", -2 for "cancelled".
    narrow.writeInt16LE(Math.max(-1, Math.min(0x7fff, data.readInt32LE(numbersAt + i * 4))), i * 2);
  }
  return Buffer.concat([head, narrow, data.subarray(stringsAt, end)]);
}
