/** The CRC of gzip, xz, GPT and Ethernet (polynomial 0xedb88320, reflected). */

let table: Int32Array | null = null;

function makeTable(): Int32Array {
  return Int32Array.from({ length: 256 }, (_, byte) => {
    let value = byte;
    for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
    return value;
  });
}

/** @returns an unsigned number of 32 bits */
export function crc32(bytes: Uint8Array): number {
  table ??= makeTable();
  const known = table;
  let crc = -1;
  for (let at = 0; at < bytes.length; at++) crc = known[(crc ^ bytes[at]!) & 0xff]! ^ (crc >>> 8);
  return ~crc >>> 0;
}
