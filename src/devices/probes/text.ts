/** UUIDs and labels in the form in which blkid prints them. */

/** 16 bytes as `xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx`; null where all are zero. */
export function uuidText(bytes: Uint8Array): string | null {
  if (bytes.every((byte) => byte === 0)) return null;
  const hex = Buffer.from(bytes.buffer, bytes.byteOffset, 16).toString("hex");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}

/** The 16 bytes of an EFI GUID, whose first three fields are little-endian, in lower case. */
export function guidText(bytes: Uint8Array): string {
  const order = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15];
  const hex = order.map((index) => bytes[index]!.toString(16).padStart(2, "0")).join("");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}

/** A serial number of FAT as `ABCD-1234`. */
export function serialText(serial: number): string {
  const hex = serial.toString(16).toUpperCase().padStart(8, "0");
  return `${hex.slice(0, 4)}-${hex.slice(4)}`;
}

/** UTF-8 up to the first NUL, without white space at its end; null where nothing is left. */
export function labelText(bytes: Uint8Array): string | null {
  const end = bytes.indexOf(0);
  return trimmed(Buffer.from(end < 0 ? bytes : bytes.subarray(0, end)).toString("utf8"));
}

/** The same of UTF-16. */
export function label16Text(bytes: Uint8Array, endian: "le" | "be"): string | null {
  const copy = Buffer.from(bytes.subarray(0, bytes.length & ~1));
  if (endian === "be") copy.swap16();
  const text = copy.toString("utf16le");
  const end = text.indexOf("\0");
  // With the u flag this class matches halves of surrogate pairs only.
  return trimmed((end < 0 ? text : text.slice(0, end)).replace(/[\ud800-\udfff]/gu, "\ufffd"));
}

function trimmed(text: string): string | null {
  return text.replace(/[ \t\n\v\f\r]+$/, "") || null;
}
