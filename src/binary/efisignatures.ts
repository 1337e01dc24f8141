/**
 * Signature databases of Secure Boot (db, dbx, KEK, PK): lists of certificates and digests, and the signed form in which
 * firmware takes a new value of such a variable (UEFI 2.10, 8.2.2 and 32.4.1). Pure; who signs is the caller's.
 */

import { BatonError } from "../errors.ts";
import { derContent, derItems } from "./der.ts";

/** EFI_CERT_X509_GUID, EFI_CERT_SHA256_GUID, EFI_CERT_TYPE_PKCS7_GUID (UEFI 2.10, 32.4.1). */
const X509 = "a5c059a1-94e4-4aa7-87b5-ab155c2bf072";
const SHA256 = "c1c41626-504c-4092-aca9-41f936934328";
const PKCS7 = "4aafd29d-68df-49ee-8aa9-347d375665a7";
/** NON_VOLATILE | BOOTSERVICE_ACCESS | RUNTIME_ACCESS | TIME_BASED_AUTHENTICATED_WRITE_ACCESS. */
const SIGNED_ATTRIBUTES = 0x27;
const WIN_CERT_REVISION = 0x0200;
const WIN_CERT_TYPE_EFI_GUID = 0x0ef1;

/** A variable of Secure Boot's, and whose GUID it has. */
export interface SignatureVariable {
  readonly name: string;
  readonly guid: string;
}

/** A GUID as it lies in memory: its first three fields little-endian (UEFI 2.10, appendix A). */
export function guidInMemory(guid: string): Buffer {
  const bytes = Buffer.from(guid.replaceAll("-", ""), "hex");
  bytes.subarray(0, 4).reverse();
  bytes.subarray(4, 6).reverse();
  bytes.subarray(6, 8).reverse();
  return bytes;
}

/** EFI_SIGNATURE_LIST of one entry. */
function signatureList(type: string, owner: string, data: Uint8Array): Buffer {
  const sizes = Buffer.alloc(12);
  sizes.writeUInt32LE(16 + 12 + 16 + data.length, 0);
  sizes.writeUInt32LE(16 + data.length, 8);
  return Buffer.concat([guidInMemory(type), sizes, guidInMemory(owner), data]);
}

/**
 * @param owner GUID of who put it there
 * @param der the certificate
 */
export const certificateList = (owner: string, der: Uint8Array): Buffer => signatureList(X509, owner, der);

/** @param digest of an EFI program, as Authenticode defines it */
export const digestList = (owner: string, digest: Uint8Array): Buffer => signatureList(SHA256, owner, digest);

/** How an entry names what it means, by the list's type: SHA384 of a program, SHA384 of a certificate's TBSCertificate. */
const DIGEST_TYPES: Readonly<
  Record<string, readonly [of: "program" | "certificate", algorithm: string, length: number]>
> = {
  [SHA256]: ["program", "sha256", 32],
  "ff3e5307-9fd0-48c9-85f1-8ad56c701e01": ["program", "sha384", 48],
  "093e0fae-a6c4-4f50-9f1b-d41e2b89c19a": ["program", "sha512", 64],
  // Behind these there is the time since which it is revoked.
  "3bd2a492-96c0-4079-b420-fcf98ef103ed": ["certificate", "sha256", 32],
  "7076876e-80c2-4ee6-aad2-28b349a6865b": ["certificate", "sha384", 48],
  "446dbf63-2502-4cda-bcfa-2465d2b0fe9d": ["certificate", "sha512", 64],
};

/** What lists name, for those who look for one of them. */
export interface SignatureLists {
  /** Of programs: `sha256:HEX`. */
  readonly programs: ReadonlySet<string>;
  /** Of certificates' TBSCertificate. */
  readonly certificateDigests: ReadonlySet<string>;
  /** DER. */
  readonly certificates: readonly Buffer[];
}

/**
 * Reads the lists of a variable; entries of other kinds (keys, SHA-1) are passed over.
 * @throws BatonError `bad-format` where a list doesn't fit: what else stands there may be just what is looked for
 */
export function parseSignatureLists(value: Uint8Array): SignatureLists {
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  const digests = { program: new Set<string>(), certificate: new Set<string>() };
  const certificates: Buffer[] = [];
  const types = Object.entries(DIGEST_TYPES).map(([guid, row]) => [guidInMemory(guid), row] as const);
  for (let at = 0; at < bytes.length; ) {
    const left = bytes.length - at;
    const [listSize, headerSize, entrySize] = [16, 20, 24].map((from) =>
      left < 28 ? 0 : bytes.readUInt32LE(at + from),
    );
    const room = listSize! - 28 - headerSize!;
    if (listSize! > left || room < 0 || entrySize! <= 16 || room % entrySize! !== 0) {
      throw new BatonError("bad-format", `the firmware's list of signatures is broken at byte ${at}`);
    }
    const type = bytes.subarray(at, at + 16);
    const row = types.find(([guid]) => guid.equals(type))?.[1];
    for (let entry = at + 28 + headerSize!; entry < at + listSize!; entry += entrySize!) {
      const data = bytes.subarray(entry + 16, entry + entrySize!);
      if (row) digests[row[0]].add(`${row[1]}:${data.subarray(0, row[2]).toString("hex")}`);
      else if (type.equals(guidInMemory(X509))) certificates.push(data);
    }
    at += listSize!;
  }
  return { programs: digests.program, certificateDigests: digests.certificate, certificates };
}

/** EFI_TIME in UTC, to the second, as such a variable wants it. */
function efiTime(date: Date): Buffer {
  const time = Buffer.alloc(16);
  time.writeUInt16LE(date.getUTCFullYear(), 0);
  const rest = [date.getUTCMonth() + 1, date.getUTCDate(), date.getUTCHours(), date.getUTCMinutes()];
  for (const [index, value] of [...rest, date.getUTCSeconds()].entries()) time[2 + index] = value;
  return time;
}

/** The bytes of which the signature is made: name, GUID and attributes of the variable, the time, and the new value. */
export function signedPart({ name, guid }: SignatureVariable, date: Date, value: Uint8Array): Buffer {
  const attributes = Buffer.alloc(4);
  attributes.writeUInt32LE(SIGNED_ATTRIBUTES);
  return Buffer.concat([Buffer.from(name, "utf16le"), guidInMemory(guid), attributes, efiTime(date), value]);
}

/**
 * EFI_VARIABLE_AUTHENTICATION_2 with the value behind it: what is written to the variable.
 * @param pkcs7 detached signature of {@link signedPart}, DER, with or without the ContentInfo around it
 */
export function signedValue(date: Date, pkcs7: Buffer, value: Uint8Array): Buffer {
  const signature = signedData(pkcs7);
  const header = Buffer.alloc(8);
  header.writeUInt32LE(24 + signature.length, 0);
  header.writeUInt16LE(WIN_CERT_REVISION, 4);
  header.writeUInt16LE(WIN_CERT_TYPE_EFI_GUID, 6);
  return Buffer.concat([efiTime(date), header, guidInMemory(PKCS7), signature, value]);
}

/** The new value that stands behind the signature. */
export function contentOf(signed: Buffer): Buffer {
  return signed.subarray(16 + (signed.length < 20 ? 0 : signed.readUInt32LE(16)));
}

/** SignedData without the ContentInfo that openssl puts around it (RFC 2315, 7): the specification wants the inner one. */
function signedData(pkcs7: Buffer): Buffer {
  const [type, content] = derItems(derContent(pkcs7));
  return type?.[0] === 0x06 && content !== undefined ? derContent(content) : pkcs7;
}
