/** The header of U-Boot's legacy images (include/image.h): 64 bytes, big-endian, with two CRCs. */

import { Buffer } from "node:buffer";
import { crc32 } from "../../binary/crc.ts";

const MAGIC = 0x27051956;
const FDT_MAGIC = 0xd00dfeed;
const HEADER = 64;
const TYPE_SCRIPT = 6;

export interface ScriptImage {
  /** What mkimage was given as name; empty where nothing. */
  readonly name: string;
  readonly text: string;
}

/**
 * A script's text; why it is none, as text. U-Boot doesn't ask its header for a compression, which mkimage notes as gzip
 * unless it is told otherwise, and packs nothing.
 * @param bytes the whole file
 */
export function scriptIn(bytes: Uint8Array): ScriptImage | string {
  const image = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (image.length < HEADER + 8) return "it is too short for a script with U-Boot's header";
  if (image.readUInt32BE(0) === FDT_MAGIC) return "it is a FIT image with a script, which Baton doesn't read";
  if (image.readUInt32BE(0) !== MAGIC) return "it has no header of U-Boot's: make it with mkimage -T script";
  const header = Buffer.from(image.subarray(0, HEADER));
  header.writeUInt32BE(0, 4);
  const size = image.readUInt32BE(12);
  const data = image.subarray(HEADER, HEADER + size);
  if (image[30] !== TYPE_SCRIPT) return "its header says that it is no script";
  if (crc32(header) !== image.readUInt32BE(4)) return "the checksum of its header is wrong";
  if (data.length < size || crc32(data) !== image.readUInt32BE(24)) return "its checksum is wrong";
  if (size < 8) return "there is nothing in it";
  // A list of lengths that ends with 0 comes first.
  const length = data.readUInt32BE(0);
  const name = header.toString("latin1", 32, HEADER).replace(/\0.*$/s, "").trim();
  return { name, text: data.subarray(8, 8 + length).toString("utf8") };
}
