/**
 * The digest of an EFI program that its signature holds, and that db and dbx may name (Microsoft's "Windows Authenticode
 * Portable Executable Signature Format", "Calculating the PE Image Hash"): everything but the checksum, the place of the
 * signature, and the signature itself.
 */

import { createHash } from "node:crypto";
import { BatonError } from "../errors.ts";

const PE32_PLUS = 0x20b;
const PE32 = 0x10b;
/** The directories' entry for signatures, from the beginning of the optional header. */
const SECURITY_ENTRY: Readonly<Record<number, number>> = { [PE32]: 128, [PE32_PLUS]: 144 };

/** @throws BatonError `bad-format` where it is no PE file, or its headers lie */
export function authenticodeDigest(file: Uint8Array): Buffer {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const broken = (what: string): never => {
    throw new BatonError("bad-format", `it is no EFI program that could be signed: ${what}`);
  };
  if (file.length < 64 || view.getUint16(0, true) !== 0x5a4d) return broken("it has no DOS header");
  const pe = view.getUint32(60, true);
  const optional = pe + 24;
  if (optional + 152 > file.length || view.getUint32(pe, true) !== 0x4550) return broken("it has no PE header");
  const entry = SECURITY_ENTRY[view.getUint16(optional, true)];
  if (entry === undefined) return broken("its optional header is of an unknown kind");
  const checksum = optional + 64;
  const security = optional + entry;
  const headersSize = view.getUint32(optional + 60, true);
  const table = optional + view.getUint16(pe + 20, true);
  const count = view.getUint16(pe + 6, true);
  if (table + count * 40 > headersSize || headersSize > file.length || security + 8 > headersSize)
    return broken("its headers don't fit");
  const hash = createHash("sha256");
  const add = (from: number, to: number): unknown => hash.update(file.subarray(from, to));
  add(0, checksum);
  add(checksum + 4, security);
  add(security + 8, headersSize);
  let hashed = headersSize;
  const sections = Array.from({ length: count }, (_, index) => {
    const at = table + index * 40;
    return { size: view.getUint32(at + 16, true), offset: view.getUint32(at + 20, true) };
  });
  for (const { size, offset } of sections.filter((one) => one.size > 0).sort((a, b) => a.offset - b.offset)) {
    if (offset + size > file.length) return broken("a section ends behind the file");
    add(offset, offset + size);
    hashed += size;
  }
  const signatureSize = view.getUint32(security + 4, true);
  if (hashed + signatureSize > file.length) return broken("its signature doesn't fit");
  add(hashed, file.length - signatureSize);
  return hash.digest();
}
