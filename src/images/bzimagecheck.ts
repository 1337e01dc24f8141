/**
 * A bzImage's two checks. Its build puts a CRC-32 at the end of the file (Documentation/arch/x86/boot.rst, "The Image
 * Checksum"), which no kernel looks at. And where the payload is xz, the kernel's unpacker makes another of all that
 * comes out, byte by byte: an eighth of the time from the jump to the new kernel's first line. The first is quick and
 * tells of damage as well, so where it is right the second is left out.
 */

import { crc32 } from "../binary/crc.ts";
import { payloadOf, type SetupHeader } from "./bzimage.ts";
import { removeXzCheck } from "./xz.ts";

/** A CRC-32 without the usual inversion at its end is 0 over bytes and their CRC; with it, this. */
const RIGHT = 0xffff_ffff;
/** Bytes that are summed up without a pause. */
const SLICE = 1 << 20;

/** Of a PE file's header: what a signature changes (Authenticode, "Calculating the PE Image Hash"). */
const PE_POINTER = 0x3c;
const PE_OPTIONAL = 24;
const PE_CHECKSUM = PE_OPTIONAL + 64;
const PE32_PLUS = 0x20b;
/** The fifth data directory; the optional header in front of them is 16 bytes longer in PE32+. */
const PE_CERTIFICATES = PE_OPTIONAL + 96 + 4 * 8;

/**
 * Takes the check out of the payload, in place, where the file's own checksum is right.
 * @param file the whole file; what stands behind the kernel (signatures) may be missing
 * @param pause called now and then, so that whoever waits for a key gets it
 * @returns false, and nothing changed, where the checksum is missing or wrong, or the payload isn't xz with a CRC-32
 */
export async function leaveOutSecondCheck(
  file: Buffer,
  header: SetupHeader,
  pause: () => Promise<void>,
): Promise<boolean> {
  const payload = payloadOf(header, file.length);
  if (payload === null || !(await isChecksumRight(file, header, pause))) return false;
  return removeXzCheck(file.subarray(payload.offset, payload.offset + payload.size));
}

/** Whether the file is as its build made it, or signed since. */
async function isChecksumRight(
  file: Buffer,
  { setupSize, kernelSize }: SetupHeader,
  pause: () => Promise<void>,
): Promise<boolean> {
  let crc = crc32(withoutSignature(file.subarray(0, setupSize)));
  const kernel = file.subarray(setupSize, setupSize + kernelSize);
  for (let at = 0; at < kernel.length; at += SLICE) {
    crc = crc32(kernel.subarray(at, at + SLICE), crc);
    await pause();
  }
  return crc === RIGHT;
}

/** A copy of the file's first part as it was before it was signed. */
function withoutSignature(setup: Buffer): Buffer {
  const copy = Buffer.from(setup);
  const pe = copy.readUInt32LE(PE_POINTER);
  if (copy.toString("latin1", 0, 2) !== "MZ" || pe + PE_CERTIFICATES + 16 > copy.length) return copy;
  const is64 = copy.readUInt16LE(pe + PE_OPTIONAL) === PE32_PLUS;
  const certificates = pe + PE_CERTIFICATES + (is64 ? 16 : 0);
  copy.fill(0, pe + PE_CHECKSUM, pe + PE_CHECKSUM + 4);
  return copy.fill(0, certificates, certificates + 8);
}
