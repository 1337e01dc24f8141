/** Numbers as GRUB's C code reads them. */

/** What {@link parseNumber} found: the value and what follows it. */
interface ParsedNumber {
  readonly value: bigint;
  readonly rest: string;
}

const MAX = (1n << 64n) - 1n;

/**
 * grub_strtoull with base 0: blanks, then decimal, `0x…` or octal digits; null where there are none or the number
 * doesn't fit 64 bits.
 */
export function parseNumber(text: string): ParsedNumber | null {
  const match = /^[ \t\n\r]*(?:0[xX]([0-9a-fA-F]+)|(0[0-7]+)|(?!0[xX])([0-9]+))/.exec(text);
  if (match === null) return null;
  const [all, hex, octal, decimal] = match;
  const value = hex !== undefined ? BigInt(`0x${hex}`) : octal !== undefined ? BigInt(`0o0${octal}`) : BigInt(decimal!);
  if (value > MAX) return null;
  return { value, rest: text.slice(all.length) };
}

/** A number with an optional minus, 0 where there is none: what `test -eq` and its like compare. */
export function signedNumber(text: string): bigint {
  if (text.startsWith("-")) return -(parseNumber(text.slice(1))?.value ?? 0n);
  return parseNumber(text)?.value ?? 0n;
}
