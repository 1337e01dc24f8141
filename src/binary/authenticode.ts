/**
 * Signatures of EFI programs (Microsoft's "Windows Authenticode Portable Executable Signature Format"): the digest that a
 * signature holds and that db and dbx may name, and the certificates that come with it. Nothing of the file is trusted.
 */

import { createHash } from "node:crypto";
import { BatonError } from "../errors.ts";
import { derContent, derItems } from "./der.ts";
import { type Pe, readPe } from "./pe.ts";
import type { ReadAt } from "./readat.ts";

const PE32_PLUS = 0x20b;
const PE32 = 0x10b;
/** The directories' entry for signatures, from the beginning of the optional header. */
const SECURITY_ENTRY: Readonly<Record<number, number>> = { [PE32]: 128, [PE32_PLUS]: 144 };
const SECTION_SIZE = 40;
/** Headers are some kilobytes, a signature as well. Bytes. */
const MAX_HEADERS = 1 << 20;
const MAX_SIGNATURES = 1 << 20;
const PIECE = 1 << 20;

function broken(what: string): never {
  throw new BatonError("bad-format", `it is no EFI program that could be signed: ${what}`);
}

/**
 * The digest of everything but the checksum, the place of the signatures, and the signatures ("Calculating the PE Image
 * Hash"). Never more is hashed than the file has.
 * @param size of the file, in bytes
 * @param algorithm as node:crypto calls it
 * @throws BatonError `bad-format` where it is no PE file, or its headers lie; what `readAt` rejects with
 */
export async function authenticodeDigest(readAt: ReadAt, size: number, algorithm = "sha256"): Promise<Buffer> {
  const read = async (from: number, to: number): Promise<Buffer> => {
    const bytes = Buffer.from(await readAt(from, to - from));
    return bytes.length === to - from ? bytes : broken("it ends early");
  };
  if (size < 64) broken("it has no DOS header");
  const dos = await read(0, 64);
  if (dos.readUInt16LE(0) !== 0x5a4d) broken("it has no DOS header");
  const pe = dos.readUInt32LE(60);
  const optional = pe + 24;
  if (optional + 152 > Math.min(size, MAX_HEADERS)) broken("it has no PE header");
  const start = await read(0, optional + 152);
  const entry = SECURITY_ENTRY[start.readUInt16LE(optional)];
  if (start.readUInt32LE(pe) !== 0x4550) broken("it has no PE header");
  if (entry === undefined) return broken("its optional header is of an unknown kind");
  const [checksum, security] = [optional + 64, optional + entry];
  const headersSize = start.readUInt32LE(optional + 60);
  const table = optional + start.readUInt16LE(pe + 20);
  const count = start.readUInt16LE(pe + 6);
  const least = Math.max(table + count * SECTION_SIZE, security + 8);
  if (headersSize < least || headersSize > Math.min(size, MAX_HEADERS)) broken("its headers don't fit");
  const headers = await read(0, headersSize);

  const hash = createHash(algorithm);
  hash.update(headers.subarray(0, checksum)).update(headers.subarray(checksum + 4, security));
  hash.update(headers.subarray(security + 8));
  let hashed = headersSize;
  const add = async (from: number, length: number): Promise<void> => {
    if (from + length > size) broken("a section ends behind the file");
    if (length > size - hashed) broken("its sections overlap");
    for (let at = from; at < from + length; at += PIECE) {
      hash.update(await read(at, Math.min(at + PIECE, from + length)));
    }
    hashed += length;
  };
  const sections = Array.from({ length: count }, (_, index) => {
    const at = table + index * SECTION_SIZE;
    return { length: headers.readUInt32LE(at + 16), offset: headers.readUInt32LE(at + 20) };
  });
  for (const { length, offset } of sections.filter((one) => one.length > 0).sort((a, b) => a.offset - b.offset)) {
    await add(offset, length);
  }
  const signatures = headers.readUInt32LE(security + 4);
  if (hashed + signatures > size) broken("its signature doesn't fit");
  // What lies behind the sections; the signatures are the file's end.
  await add(hashed, size - signatures - hashed);
  return hash.digest();
}

/**
 * The certificates (DER) that come with a program's signatures; none where it has no signature.
 * @throws BatonError `bad-format` where its signatures can't be read, `too-large`; what `readAt` rejects with
 */
export async function signerCertificates(readAt: ReadAt, size: number): Promise<readonly Buffer[]> {
  const pe: Pe | null = await readPe(readAt, size);
  const place = pe?.certificates ?? null;
  if (place === null) return [];
  if (place.size > MAX_SIGNATURES) throw new BatonError("too-large", `its signatures have ${place.size} bytes`);
  const bytes = Buffer.from(await readAt(place.offset, place.size));
  const found: Buffer[] = [];
  // WIN_CERTIFICATE (UEFI 2.10, 32.2.4): length, revision, type, and PKCS #7's data; each begins at a multiple of eight.
  for (let at = 0; at + 8 < bytes.length; ) {
    const length = bytes.readUInt32LE(at);
    if (length <= 8 || at + length > bytes.length) broken("its signature doesn't fit");
    found.push(...certificatesOf(bytes.subarray(at + 8, at + length)));
    at += (length + 7) & ~7;
  }
  return found;
}

/** ContentInfo, SignedData, and the certificates in its implicit [0] (RFC 2315, 9.1). */
function certificatesOf(pkcs7: Buffer): readonly Buffer[] {
  const [, content] = derItems(derContent(pkcs7));
  if (content === undefined) return broken("its signature is no PKCS #7");
  const signedData = derItems(derContent(derContent(content)));
  const certificates = signedData.find((item) => item[0] === 0xa0);
  return certificates === undefined ? [] : derItems(derContent(certificates));
}
