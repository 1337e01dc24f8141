/** What a fetched file is, told by its content alone; a name only breaks a tie. */

import type { ReadAt } from "../binary/readat.ts";
import type { Format } from "../formats/format.ts";
import { recogniseText } from "../formats/recognise.ts";
import { decodeText } from "../formats/text.ts";
import { identifyImage } from "../images/identify.ts";
import type { Image } from "../images/image.ts";
import { type BootContent, bootContentOf } from "../images/imagetypes.ts";

export type Content =
  | { readonly what: BootContent; readonly image: Image }
  | { readonly what: "iso" }
  | { readonly what: "configuration"; readonly format: Format }
  /** `description`: what it is instead, as far as that can be told. */
  | { readonly what: "unknown"; readonly description: string };

/** Where ISO 9660 has its first volume descriptor (ECMA-119, 8.1). */
const ISO_AT = 32_769;
/** A configuration shows what it is in its first lines, comments included. */
const TEXT_START = 32 * 1024;

/**
 * @param name of the file, for where the content fits several
 * @param size in bytes; a large number where it isn't known
 */
export async function contentOf(readAt: ReadAt, size: number, name: string): Promise<Content> {
  if (size === 0) return { what: "unknown", description: "an empty file" };
  const start = Buffer.from(await readAt(0, TEXT_START));
  if (start.length === 0) return { what: "unknown", description: "an empty file" };
  const text = textOf(start);
  if (text !== null) return textContent(text, name);
  if (Buffer.from(await readAt(ISO_AT, 5)).toString("latin1") === "CD001") return { what: "iso" };
  const image = await identifyImage(readAt, size);
  const what = bootContentOf(image);
  if (what !== null) return { what, image };
  if (isBootProgram(start, name)) return { what: "program", image };
  return { what: "unknown", description: image.description };
}

/** PXE boot programs (`pxelinux.0`, `undionly.kpxe`, GRUB's core.0) have no magic; they say their names inside. */
function isBootProgram(start: Buffer, name: string): boolean {
  return /\.(0|kpxe|kkpxe|pxe|lkrn|com|n12)$/i.test(name) || /PXELINUX|iPXE|GRUB/.test(start.toString("latin1"));
}

/** Null for what has bytes that no text has. */
function textOf(start: Buffer): string | null {
  const { text } = decodeText(start);
  const sample = text.slice(0, 4096);
  if (/[\u0000-\u0008\u000e-\u001a\u001c-\u001f]/.test(sample)) return null;
  const broken = sample.match(/\ufffd/g)?.length ?? 0;
  // Latin-1 titles are no reason to call a menu binary.
  return broken > sample.length / 20 ? null : text;
}

function textContent(text: string, name: string): Content {
  if (/^\s*<(!doctype|html|\?xml)/i.test(text)) {
    return { what: "unknown", description: "a web page (HTML or XML), perhaps the server's own message" };
  }
  const format = recogniseText(text, name);
  if (format === null) return { what: "unknown", description: "a text in no known language" };
  return { what: "configuration", format };
}
