/** DER (X.690): values of a tag, a length and a content, as signatures and certificates have them. Pure, and bounded. */

import { BatonError } from "../errors.ts";

/** Of one value: where its content begins and ends. */
function extent(bytes: Buffer): [from: number, to: number] {
  const first = bytes[1] ?? 0;
  const count = first & 0x80 ? first & 0x7f : 0;
  const from = 2 + count;
  // 0x80 alone is BER's indefinite length; more than four bytes are no length of anything here.
  if (bytes.length < from || first === 0x80 || count > 4) throw new BatonError("bad-format", "a DER value is broken");
  const to = from + (count === 0 ? first : bytes.readUIntBE(2, count));
  if (to > bytes.length) throw new BatonError("bad-format", "a DER value ends behind what holds it");
  return [from, to];
}

/** The content of the value at the beginning. @throws BatonError `bad-format` */
export const derContent = (bytes: Buffer): Buffer => bytes.subarray(...extent(bytes));

/** The values that stand one behind the other, each whole. @throws BatonError `bad-format` */
export function derItems(bytes: Buffer): readonly Buffer[] {
  const items: Buffer[] = [];
  for (let rest = bytes; rest.length > 0; ) {
    const [, to] = extent(rest);
    items.push(rest.subarray(0, to));
    rest = rest.subarray(to);
  }
  return items;
}
