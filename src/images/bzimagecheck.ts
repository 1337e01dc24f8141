/**
 * A bzImage's two checks. Its build puts a CRC-32 at the end of the file (Documentation/arch/x86/boot.rst, "The Image
 * Checksum"), which no kernel looks at. And where the payload is xz, the kernel's unpacker makes another of all that
 * comes out, byte by byte: an eighth of the time from the jump to the new kernel's first line. It also comes too late:
 * a kernel that can't unpack itself stops the machine. The first check is quick and comes before the jump, so where it is
 * right the second is left out, and where both are wrong the kernel is refused.
 */

import { crc32 } from "../binary/crc.ts";
import { BatonError } from "../errors.ts";
import type { SetupHeader } from "./bzimage.ts";
import { compressionOf } from "./compressed.ts";
import { packedStream, payloadOf, unpackedSize } from "./payload.ts";
import { removeXzCheck } from "./xz.ts";

/** A CRC-32 without the usual inversion at its end is 0 over bytes and their CRC; with it, this. */
const RIGHT = 0xffff_ffff;
/** Bytes that are summed up without a pause. */
const SLICE = 1 << 20;

/** How payloads begin that the kernel's build makes and Baton doesn't unpack: lzop's, and the kernel as it is. */
const OTHER_PAYLOADS = ["\x89LZO", "\x7fELF"];

/** Of a PE file's header: what a signature changes (Authenticode, "Calculating the PE Image Hash"). */
const PE_POINTER = 0x3c;
const PE_OPTIONAL = 24;
const PE_CHECKSUM = PE_OPTIONAL + 64;
const PE32_PLUS = 0x20b;
/** The fifth data directory; the optional header in front of them is 16 bytes longer in PE32+. */
const PE_CERTIFICATES = PE_OPTIONAL + 96 + 4 * 8;

/**
 * What a bzImage's checksum says: `right`; `changed` where it isn't, and the payload is sound all the same; `unknown`
 * where there is none.
 */
type BzImageState = "right" | "changed" | "unknown";

/**
 * Checks a bzImage, and takes the second check out of its payload, in place, where the first is right.
 * @param file the whole file; what stands behind the kernel (signatures) may be missing
 * @param name for messages
 * @param pause called now and then, so that keys are read meanwhile
 * @throws BatonError `io` where checksum and payload are wrong: such a kernel would stop within its unpacker
 */
export async function checkBzImage(
  file: Buffer,
  header: SetupHeader,
  name: string,
  pause: () => Promise<void>,
): Promise<BzImageState> {
  const place = payloadOf(header, file.length);
  if (place === null || !hasChecksum(header)) return "unknown";
  const payload = file.subarray(place.offset, place.offset + place.size);
  if (await isChecksumRight(file, header, pause)) {
    removeXzCheck(packedStream(payload));
    return "right";
  }
  await checkPayload(payload, name);
  return "changed";
}

/** Kernels since 6.15 are built without (commit 9c54baab4401, "Drop CRC-32 checksum and the build tool"). */
export function hasChecksum({ versionText }: SetupHeader): boolean {
  const [, major = 0, minor = 0] = (/^(\d+)\.(\d+)/.exec(versionText ?? "") ?? []).map(Number);
  return major < 6 || (major === 6 && minor < 15);
}

/** @throws BatonError `io` where it can't be unpacked; one of a kind that Baton can't unpack passes */
async function checkPayload(payload: Buffer, name: string): Promise<void> {
  const compression = compressionOf(payload);
  let cause: unknown = null;
  if (compression !== null) {
    try {
      const { decompress, MAX_UNPACKED_SIZE } = await import("./decompress.ts");
      await decompress(packedStream(payload), compression, Math.min(unpackedSize(payload), MAX_UNPACKED_SIZE));
      return;
    } catch (error) {
      // More than its build noted is damage, too, and would fill this machine's memory.
      if (!(error instanceof BatonError) || error.code === "unsupported") return;
      cause = error;
    }
  } else if (OTHER_PAYLOADS.includes(payload.toString("latin1", 0, 4))) return;
  const message = `${name} is damaged: its checksum is wrong, and the kernel in it can't be unpacked. Copy it to the disk again.`;
  throw new BatonError("io", message, { cause });
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
