/**
 * The auxiliary data vector: what Syslinux itself remembers on a disk. Two equal copies of 512 bytes stand at the end
 * of ldlinux.sys; `extlinux --once=LABEL` and MENU SAVE write it (doc/txt/… "ADV" in Syslinux' libinstaller).
 */

import { Buffer } from "node:buffer";

const SIZE = 512;
const HEAD = 0x5a2d2fa5;
const SUM = 0xa3041767;
const TAIL = 0xdd28bf64;
const TAG_BOOT_ONCE = 1;
const TAG_MENU_SAVE = 2;

/** Both copies. */
export const ADV_BYTES = 2 * SIZE;

export interface Adv {
  /** The command line for the next boot only. */
  readonly bootOnce: string | null;
  /** The label that was chosen last, where MENU SAVE is set. */
  readonly menuSave: string | null;
}

/** @param end the last {@link ADV_BYTES} of ldlinux.sys. @returns null where there is no valid copy. */
export function parseAdv(end: Uint8Array): Adv | null {
  for (const at of [0, SIZE]) {
    const copy = end.subarray(at, at + SIZE);
    if (copy.length === SIZE && isValid(new DataView(copy.buffer, copy.byteOffset, SIZE))) return readTags(copy);
  }
  return null;
}

function isValid(view: DataView): boolean {
  if (view.getUint32(0, true) !== HEAD || view.getUint32(SIZE - 4, true) !== TAIL) return false;
  let sum = 0;
  for (let at = 4; at < SIZE - 4; at += 4) sum = (sum + view.getUint32(at, true)) >>> 0;
  return sum === SUM;
}

/** Tag, length, that many bytes; a tag of zero ends them. */
function readTags(copy: Uint8Array): Adv {
  const values = new Map<number, string>();
  for (let at = 8; at + 2 < SIZE - 4; ) {
    const tag = copy[at]!;
    const length = copy[at + 1]!;
    if (tag === 0 || at + 2 + length > SIZE - 4) break;
    const text = Buffer.from(copy.subarray(at + 2, at + 2 + length)).toString("utf8");
    values.set(tag, text.replace(/\0.*$/s, ""));
    at += 2 + length;
  }
  return { bootOnce: values.get(TAG_BOOT_ONCE) || null, menuSave: values.get(TAG_MENU_SAVE) || null };
}
