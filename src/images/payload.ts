/** A bzImage's payload: the kernel proper, packed (Documentation/arch/x86/boot.rst, "payload_offset"). */

import type { SetupHeader } from "./bzimage.ts";
import { compressionOf } from "./compressed.ts";

/** Bytes of the size that stands at a payload's end. */
const SIZE_SIZE = 4;

export interface Payload {
  /** Bytes from the file's start. */
  readonly offset: number;
  /** Bytes, the size at its end among them. */
  readonly size: number;
}

/** @returns null where the header (before protocol 2.08) doesn't say, or says nonsense */
export function payloadOf(header: SetupHeader, fileSize: number): Payload | null {
  const offset = header.setupSize + header.payloadOffset;
  const size = header.payloadLength;
  return size <= SIZE_SIZE || offset + size > fileSize ? null : { offset, size };
}

/** Bytes that a payload unpacks to, as the kernel's build noted it. */
export function unpackedSize(payload: Buffer): number {
  return payload.readUInt32LE(payload.length - SIZE_SIZE);
}

/** What is to be unpacked: the payload without its size, but for gzip, whose own streams end with it. */
export function packedStream(payload: Buffer): Buffer {
  return compressionOf(payload) === "gzip" ? payload : payload.subarray(0, -SIZE_SIZE);
}
