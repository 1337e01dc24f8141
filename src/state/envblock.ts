/**
 * GRUB's environment block as text of a fixed size, rewritten as `save_env` does it (grub-core/lib/envblk.c): the size
 * never changes, so that its blocks on the disk don't either. Pure.
 */

import { BatonError } from "../errors.ts";

const SIGNATURE = "# GRUB Environment Block\n";
/** GRUB's own are 1,024 bytes. */
const MAX_SIZE = 64 * 1024;

/** What a block says; names in their order. */
export function readEnvBlock(bytes: Uint8Array): Map<string, string> {
  const values = new Map<string, string>();
  for (const line of linesOf(bytes)) {
    const equals = line.startsWith("#") ? -1 : line.indexOf("=");
    if (equals > 0) values.set(line.slice(0, equals), unescaped(line.slice(equals + 1)));
  }
  return values;
}

/**
 * The block with variables set and others taken out, exactly as long as before.
 * @throws BatonError `bad-format` where it is no block, `too-large` where what it should say doesn't fit
 */
export function rewriteEnvBlock(
  bytes: Uint8Array,
  set: Readonly<Record<string, string>>,
  unset: readonly string[],
): Uint8Array {
  const waiting = new Map(Object.entries(set));
  const lines: string[] = [];
  for (const line of linesOf(bytes)) {
    const equals = line.startsWith("#") ? -1 : line.indexOf("=");
    const name = equals > 0 ? line.slice(0, equals) : null;
    if (name !== null && waiting.has(name)) {
      lines.push(`${name}=${escaped(waiting.get(name)!)}`);
      waiting.delete(name);
    } else if (name === null || !unset.includes(name)) lines.push(line);
  }
  for (const [name, value] of waiting) {
    if (!/^[^=#\s\0][^=\s\0]*$/.test(name)) throw new BatonError("usage", `${name} is no name of a variable`);
    lines.push(`${name}=${escaped(value)}`);
  }
  const text = Buffer.from(SIGNATURE + lines.map((line) => `${line}\n`).join(""));
  if (text.length > bytes.length) {
    throw new BatonError("too-large", `the environment block of ${bytes.length} bytes has no room for ${text.length}`);
  }
  return Buffer.concat([text, Buffer.alloc(bytes.length - text.length, "#")]);
}

/** GRUB legacy writes this many bytes of its file (0.97, `savedefault`). */
const LEGACY_DEFAULT_LENGTH = 10;

/**
 * GRUB legacy's file `default` with another entry's number: digits, a NUL and line breaks over its beginning.
 * @throws BatonError `bad-format` where it can't be that file, `usage` where that is no number
 */
export function rewriteLegacyDefault(bytes: Uint8Array, number: string): Uint8Array {
  if (!/^[0-9]{1,9}$/.test(number)) throw new BatonError("usage", `${number} is no entry's number`);
  if (bytes.length < LEGACY_DEFAULT_LENGTH || !/^[0-9\n\0]/.test(String.fromCharCode(bytes[0]!))) {
    throw new BatonError("bad-format", "it is not the file that GRUB legacy's grub-set-default makes");
  }
  const start = Buffer.from(`${number}\0`.padEnd(LEGACY_DEFAULT_LENGTH, "\n"), "latin1");
  return Buffer.concat([start, bytes.subarray(LEGACY_DEFAULT_LENGTH)]);
}

/** Between the signature and the filling; a comment of GRUB's own (a warning not to edit it) is kept. */
function linesOf(bytes: Uint8Array): string[] {
  const text = Buffer.from(bytes).toString("utf8");
  if (!text.startsWith(SIGNATURE)) {
    throw new BatonError(
      "bad-format",
      "it does not begin with '# GRUB Environment Block'; grub-editenv makes a new one",
    );
  }
  if (bytes.length > MAX_SIZE) throw new BatonError("too-large", `it is larger than ${MAX_SIZE} bytes`);
  const lines: string[] = [];
  let line = "";
  for (let at = SIGNATURE.length; at < text.length; at++) {
    const char = text[at]!;
    if (char === "\\" && at + 1 < text.length) line += char + text[++at]!;
    else if (char === "\n") {
      lines.push(line);
      line = "";
    } else line += char;
  }
  // What follows the last line break is the filling.
  if (!/^#*$/.test(line)) lines.push(line);
  return lines;
}

const escaped = (value: string): string => value.replace(/[\\\n]/g, "\\$&");
const unescaped = (value: string): string => value.replace(/\\([\s\S])/g, "$1");
