/**
 * The branch filters of .xz files (section 5.3.2 of its specification): in machine code that is packed, the targets
 * of calls are absolute, so that calls of one function look alike; these put the relative ones back, in place.
 */

/** A displacement this filter touches begins with 0x00 or 0xff: calls go no farther than 16 MiB. */
const isSign = (byte: number): boolean => byte === 0 || byte === 0xff;

/**
 * Undoes the x86 filter. E8 and E9 (CALL and JMP with four bytes of displacement) may as well be bytes of another
 * instruction or of data, so the filter remembers in which of the last three bytes it saw such an opcode and left it
 * alone: `seen`, one bit a byte, the nearest lowest. The decision must be made just as in packing.
 * @param start address of the first byte
 */
export function unfilterX86(bytes: Uint8Array, start: number): void {
  const data = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let seen = 0;
  let last = -1;
  for (let at = 0; at + 4 < bytes.length; at++) {
    if ((bytes[at]! & 0xfe) !== 0xe8) continue;
    const apart = at - last;
    last = at;
    seen = apart > 3 ? 0 : (seen << (apart - 1)) & 7;
    // How many bytes of the displacement lie behind the farthest opcode seen.
    const skewed = seen === 0 ? 0 : seen < 2 ? 1 : seen < 4 ? 2 : 3;
    const allowed = seen === 0 || seen === 1 || seen === 2 || seen === 4;
    if (!allowed || (seen !== 0 && isSign(bytes[at + 4 - skewed]!)) || !isSign(bytes[at + 4]!)) {
      seen = ((seen << 1) | 1) & 7;
      continue;
    }
    let target = data.getInt32(at + 1, true);
    const next = start + at + 5;
    let displacement = (target - next) | 0;
    if (seen !== 0) {
      const shift = 24 - skewed * 8;
      while (isSign((displacement >>> shift) & 0xff)) {
        target = displacement ^ (2 ** (shift + 8) - 1);
        displacement = (target - next) | 0;
      }
    }
    // 25 bits with their sign are what the filter packs.
    data.setInt32(at + 1, (displacement << 7) >> 7, true);
    at += 4;
    last = at - 4;
  }
}

/**
 * Undoes the arm64 filter: BL everywhere, ADRP within 512 MiB.
 * @param start address of the first byte
 */
export function unfilterArm64(bytes: Uint8Array, start: number): void {
  const data = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let at = 0; at + 4 <= bytes.length; at += 4) {
    const word = data.getUint32(at, true);
    const address = start + at;
    if (word >>> 26 === 0x25) {
      data.setUint32(at, (0x94000000 | ((word - (address >>> 2)) & 0x03ffffff)) >>> 0, true);
    } else if ((word & 0x9f000000) >>> 0 === 0x90000000) {
      const page = ((word >>> 29) & 3) | ((word >>> 3) & 0x1ffffc);
      if (((page + 0x20000) & 0x1c0000) !== 0) continue;
      const relative = page - (address >>> 12);
      const sign = (relative & 0x20000) !== 0 ? 0xe00000 : 0;
      const result = (word & 0x9000001f) | ((relative & 3) << 29) | ((relative & 0x3fffc) << 3) | sign;
      data.setUint32(at, result >>> 0, true);
    }
  }
}
