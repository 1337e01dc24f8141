/** Kernels in other forms than Debian ships them. */

import assert from "node:assert/strict";
import { readSetupHeader } from "../../src/images/bzimage.ts";
import { compressionOf } from "../../src/images/compressed.ts";
import { decompress } from "../../src/images/decompress.ts";

/** What a bzImage unpacks to: the kernel as an ELF file. */
export async function unpackedKernel(file: Buffer): Promise<Uint8Array> {
  const header = readSetupHeader(file);
  assert.ok(header);
  const start = header.setupSize + header.payloadOffset;
  // Behind it stands its unpacked size, in four bytes.
  const packed = file.subarray(start, start + header.payloadLength - 4);
  return decompress(packed, compressionOf(packed)!);
}
