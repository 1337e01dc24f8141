/** What a fetched file is, told by its content alone; a name only breaks a tie. */

import type { ReadAt } from "../binary/readat.ts";
import { decodeText } from "../formats/text.ts";
import { identifyImage } from "../images/identify.ts";
import type { Image } from "../images/image.ts";
import { type BootContent, bootContentOf } from "../images/imagetypes.ts";

export type Content =
  | { readonly what: BootContent; readonly image: Image }
  | { readonly what: "ipxe" | "syslinux" | "grub" | "grub-legacy" | "bls" | "baton" | "petitboot" | "iso" }
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

/** Words that begin a line in one language. */
const WORDS: Readonly<Record<"syslinux" | "grub" | "grub-legacy" | "bls" | "baton" | "petitboot", RegExp>> = {
  syslinux:
    /^\s*(label|append|kernel|prompt|say|display|ui|menu|include|onerror|ontimeout|ipappend|sysappend|localboot|default|timeout|linux|initrd|fdt|fdtdir|serial|f[0-9]|text help|endtext|implicit|allowoptions|noescape|totaltimeout|kbdmap|font|com32|config|boot|pxe)(\s|$)/i,
  grub: /^\s*(menuentry\s|submenu\s|set\s+\w+=|insmod\s|configfile\s|source\s|search(\.\w+)?\s|if\s|fi\s*$|else\s*$|export\s|linux(16|efi)?\s|initrd(16|efi)?\s|function\s|load_env|loadfont\s|terminal_output\s|chainloader\s|multiboot2?\s|module2?\s|regexp\s|normal(\s|$)|\}\s*$|boot\s*$|echo\s|loopback\s|blscfg)/,
  "grub-legacy":
    /^\s*(title\s|root\s*\(|rootnoverify\s|kernel\s*[(/]|makeactive|savedefault|default[\s=]|timeout[\s=]|hiddenmenu|color\s|splashimage)/,
  bls: /^(title|version|machine-id|sort-key|linux|initrd|efi|options|devicetree|devicetree-overlay|architecture|grub_\w+|uki|profile)\s+\S/,
  baton:
    /^(entries:|default:\s|timeout:\s|\s*-\s+(title|id|linux|kernel):|\s+(title|linux|kernel|initrd|options|submenu|append|cmdline|id|hotkey|devicetree):|\[[^\]]+\]\s*$|(linux|initrd|options|title|default|timeout|id)\s*=)/,
  petitboot: /^(\[[^\]]+\]\s*$|(image|args|initrd|description|icon|name|dtb)\s*=)/,
};

/** Words that no other language has; one of them is worth many of the others. */
const TELLING: typeof WORDS = {
  syslinux:
    /^\s*(label|append|prompt|ipappend|sysappend|onerror|localboot|menu\s+(title|label|default|include|begin))(\s|$)/i,
  grub: /^\s*(menuentry\s.*\{|submenu\s.*\{|set\s+\w+=|insmod\s|configfile\s|fi\s*$|function\s|search\s+-|blscfg)/,
  "grub-legacy": /^\s*(title\s|kernel\s*[(/]|rootnoverify\s|root\s*\(hd)/,
  bls: /^(options|sort-key|machine-id|architecture|efi)\s+\S/,
  baton: /^(entries:|\s*-\s+(title|id):|(linux|options)\s*=)/,
  petitboot: /^(image|args)\s*=/,
};

/** What a file is called, where its content fits two languages. */
const NAMES: typeof WORDS = {
  syslinux: /pxelinux|syslinux|extlinux|isolinux/i,
  grub: /grub/i,
  "grub-legacy": /menu\.lst|grub\.conf/i,
  bls: /loader\/entries\/|\.conf$/i,
  baton: /\.(ya?ml|ini)$/i,
  petitboot: /petitboot/i,
};

function textContent(text: string, name: string): Content {
  if (/^\ufeff?#!(ipxe|gpxe)\s/.test(text)) return { what: "ipxe" };
  if (/^\s*<(!doctype|html|\?xml)/i.test(text)) {
    return { what: "unknown", description: "a web page (HTML or XML), perhaps the server's own message" };
  }
  const lines = text.split(/\r?\n/).filter((line) => !/^\s*(#.*)?$/.test(line));
  const kinds = Object.keys(WORDS) as (keyof typeof WORDS)[];
  const scores = kinds.map((kind) => {
    const fitting = lines.filter((line) => WORDS[kind].test(line)).length;
    const telling = lines.filter((line) => TELLING[kind].test(line)).length;
    const score = (fitting + 10 * telling) / Math.max(1, lines.length);
    return { kind, score: score > 0 && NAMES[kind].test(name) ? score + 0.5 : score };
  });
  const [best] = scores.sort((a, b) => b.score - a.score);
  // One word by chance makes no configuration of a novel.
  if (best === undefined || best.score < 0.3) return { what: "unknown", description: "a text in no known language" };
  return { what: best.kind };
}
