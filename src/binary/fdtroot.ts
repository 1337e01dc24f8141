/** The root node of a flattened devicetree, read without the rest of it: which machine a file is for. */

import { Buffer } from "node:buffer";
import type { ReadAt } from "./readat.ts";

const MAGIC = 0xd00dfeed;
const HEADER_SIZE = 40;
const BEGIN_NODE = 1;
const PROPERTY = 3;
const NOP = 4;
/** The root's own properties stand first and are short. */
const MAX_STRUCT_SIZE = 8 * 1024;
const MAX_STRINGS_SIZE = 256 * 1024;

/**
 * The root's `compatible`, the most exact name first.
 * @returns null where the file is no devicetree, or says nothing of it
 * @throws what `readAt` rejects with
 */
export async function readCompatible(readAt: ReadAt): Promise<readonly string[] | null> {
  const header = view(await readAt(0, HEADER_SIZE));
  if (header.length < HEADER_SIZE || header.readUInt32BE(0) !== MAGIC) return null;
  const [structAt, stringsAt, stringsSize, structSize] = [8, 12, 32, 36].map((at) => header.readUInt32BE(at));
  const struct = view(await readAt(structAt!, Math.min(structSize!, MAX_STRUCT_SIZE)));
  const names = rootProperties(struct);
  if (names.length === 0) return null;
  const strings = view(await readAt(stringsAt!, Math.min(stringsSize!, MAX_STRINGS_SIZE)));
  const wanted = names.find(({ name }) => strings.toString("latin1", name, name + 11) === "compatible\0");
  return wanted === undefined ? null : splitStrings(wanted.value);
}

/** A property's list of texts, each with a NUL at its end. */
function splitStrings(value: Uint8Array): string[] {
  return view(value)
    .toString("latin1")
    .split("\0")
    .filter((text) => text !== "");
}

function rootProperties(struct: Buffer): { name: number; value: Uint8Array }[] {
  const found: { name: number; value: Uint8Array }[] = [];
  let at = 0;
  let depth = 0;
  while (at + 4 <= struct.length) {
    const token = struct.readUInt32BE(at);
    at += 4;
    if (token === NOP) continue;
    if (token === BEGIN_NODE) {
      // The first child: properties stand before children.
      if (depth++ > 0) break;
      const end = struct.indexOf(0, at);
      if (end === -1) break;
      at = Math.ceil((end + 1) / 4) * 4;
    } else if (token === PROPERTY && at + 8 <= struct.length) {
      const size = struct.readUInt32BE(at);
      if (at + 8 + size > struct.length) break;
      found.push({ name: struct.readUInt32BE(at + 4), value: struct.subarray(at + 8, at + 8 + size) });
      at = Math.ceil((at + 8 + size) / 4) * 4;
    } else break;
  }
  return found;
}

const view = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
