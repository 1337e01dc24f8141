/** The firmware's SMBIOS tables (DMTF DSP0134, "Structure header format"), as configurations ask for them. */

export interface SmbiosStructure {
  readonly type: number;
  readonly handle: number;
  /** The formatted part, its header included: offsets are counted from there. */
  readonly data: DataView;
  /** The first is number 1. */
  readonly strings: readonly string[];
}

const END_OF_TABLE = 127;

/** Takes the tables apart; what is cut short is left out. */
export function smbiosStructures(tables: Uint8Array): SmbiosStructure[] {
  const found: SmbiosStructure[] = [];
  const view = new DataView(tables.buffer, tables.byteOffset, tables.byteLength);
  for (let at = 0; at + 4 <= tables.length; ) {
    const type = tables[at]!;
    const length = tables[at + 1]!;
    if (length < 4 || at + length > tables.length) break;
    const strings: string[] = [];
    let end = at + length;
    // Texts end in a NUL each, and all of them in one more; without any there are two.
    while (end < tables.length && tables[end] !== 0) {
      const nul = tables.indexOf(0, end);
      if (nul === -1) return found;
      strings.push(new TextDecoder("latin1").decode(tables.subarray(end, nul)));
      end = nul + 1;
    }
    const data = new DataView(tables.buffer, tables.byteOffset + at, length);
    found.push({ type, handle: view.getUint16(at + 2, true), data, strings });
    if (type === END_OF_TABLE) break;
    at = end + (strings.length === 0 ? 2 : 1);
  }
  return found;
}

/** The text whose number stands at `offset`; null where there is none. */
export function smbiosString({ data, strings }: SmbiosStructure, offset: number): string | null {
  return offset < data.byteLength ? (strings[data.getUint8(offset) - 1] ?? null) : null;
}
