/** Page tables read as the processor reads them (Intel's manual, volume 3, "4-level paging and 5-level paging"). */

import assert from "node:assert/strict";
import { FOUR_LEVELS_AT } from "../../src/kexec/pagetables.ts";

/**
 * Where an address leads to; null where an entry on the way isn't present.
 * @param at physical address of the tables
 */
export function translate(tables: Buffer, at: bigint, address: bigint, levels: 4 | 5 = 4): bigint | null {
  let table = levels === 5 ? 0 : FOUR_LEVELS_AT;
  for (let shift = levels === 5 ? 48n : 39n; ; shift -= 9n) {
    const entry = tables.readBigUInt64LE(table + Number((address >> shift) & 511n) * 8);
    if ((entry & 1n) === 0n) return null;
    assert.equal(entry & 2n, 2n, "it may be written to");
    assert.equal(entry >> 63n, 0n, "it may be run");
    const target = entry & 0x000f_ffff_ffff_f000n;
    const isPage = (entry & 0x80n) !== 0n;
    assert.equal(isPage, shift === 21n, "pages are of 2 MiB");
    if (isPage) return target + (address & 0x1f_ffffn);
    table = Number(target - at);
    assert.ok(table > 0 && table < tables.length && table % 4096 === 0, "a table lies within the tables");
  }
}
