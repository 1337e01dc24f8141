/** Bytes of a configuration file as text. */

import { Buffer } from "node:buffer";

interface DecodedText {
  /** Without a byte order mark; line ends as they are in the file. */
  readonly text: string;
  /** What was unusual about the bytes, a sentence for a diagnostic, else null. */
  readonly problem: string | null;
}

/**
 * Decodes a configuration. All the formats here are byte languages that people write in UTF-8; a file saved as
 * UTF-16 (which the bootloader itself would not read) is decoded all the same, and said so.
 */
export function decodeText(bytes: Uint8Array): DecodedText {
  // Another view of the same bytes costs more than decoding a small file.
  const buffer = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (buffer[0] === 0xff && buffer[1] === 0xfe) {
    return { text: buffer.toString("utf16le", 2), problem: UTF16 };
  }
  if (buffer[0] === 0xfe && buffer[1] === 0xff) {
    const even = Buffer.from(buffer.subarray(2, buffer.length - (buffer.length % 2)));
    return { text: even.swap16().toString("utf16le"), problem: UTF16 };
  }
  const start = buffer[0] === 0xef && buffer[1] === 0xbb && buffer[2] === 0xbf ? 3 : 0;
  return { text: buffer.toString("utf8", start), problem: null };
}

const UTF16 = "the file is UTF-16, which its own bootloader does not read; save it as UTF-8";
