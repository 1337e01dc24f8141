/** What a file is that is no kernel, in words that show a person the mistake. */

import { looksLikePe, readPe } from "../binary/pe.ts";
import { type Image, image, type Subject } from "./image.ts";

/** An EFI program without a kernel in it: a boot loader, a shell, Windows. */
export async function probeEfiProgram({ readAt, size, start }: Subject): Promise<Image | null> {
  if (!looksLikePe(start)) return null;
  const found = image({ format: "EFI program", description: "an EFI program" });
  try {
    const pe = await readPe(readAt, size);
    if (pe === null) return notAKernel("a DOS program");
    return {
      ...found,
      description: `an EFI program (${pe.machine}) without a Linux kernel in it`,
      arch: pe.machine,
      reason: "It is a program for EFI firmware, which is gone once Linux runs: kexec can't start it.",
    };
  } catch (error) {
    return { ...found, description: "a broken EFI program", reason: (error as Error).message };
  }
}

/** How files begin that people take for kernels: description, offset, bytes as latin1. */
const BEGINNINGS: readonly (readonly [description: string, offset: number, bytes: string])[] = [
  ["an initramfs (a cpio archive)", 0, "070701"],
  ["an initramfs (a cpio archive)", 0, "070702"],
  ["an ISO 9660 image (a CD)", 0x8001, "CD001"],
  ["a squashfs image", 0, "hsqs"],
  ["a tar archive", 257, "ustar"],
  ["a zip archive", 0, "PK\x03\x04"],
  ["a Debian package", 0, "!<arch>\ndebian"],
  ["an RPM package", 0, "\xed\xab\xee\xdb"],
  ["a PDF document", 0, "%PDF"],
  ["a U-Boot image (uImage)", 0, "\x27\x05\x19\x56"],
  ["a devicetree or a U-Boot FIT image", 0, "\xd0\x0d\xfe\xed"],
  ["an Android boot image", 0, "ANDROID!"],
  ["a disk image with GPT partitions", 512, "EFI PART"],
  ["a Git LFS pointer (the file itself was never fetched)", 0, "version https://git-lfs"],
  ["an XML file", 0, "<?xml"],
  ["a script", 0, "#!"],
  ["a boot sector or disk image", 510, "\x55\xaa"],
];

function notAKernel(description: string): Image {
  return image({ format: "other", description, reason: `It is not a kernel: it is ${description}.` });
}

/** Describes what no other probe knew; never null. */
export function describeUnrecognised({ start, size }: Subject): Image {
  if (size === 0) return { ...notAKernel("an empty file"), reason: "The file is empty: it has no bytes at all." };
  if (start.every((byte) => byte === 0)) {
    const reason =
      "It is not a kernel: it begins with nothing but zeros, as a file does that was never written to the disk.";
    return { ...notAKernel("all zeros"), reason };
  }
  const text = start.toString("latin1");
  const words = text.replace(/^\xef\xbb\xbf/, "").trimStart();
  if (/^<(!doctype\s+html|html|head|body)\b/i.test(words)) return notAKernel("an HTML page");
  if (/^[{[]\s*["{[\]}]/.test(words)) return notAKernel("a JSON file");
  for (const [description, offset, bytes] of BEGINNINGS) {
    if (text.startsWith(bytes, offset)) return notAKernel(description);
  }
  if (isText(start)) return notAKernel(`text that begins with ${JSON.stringify(firstLine(words))}`);
  const hex = start
    .subarray(0, 8)
    .toString("hex")
    .replace(/..(?=.)/g, "$& ");
  return notAKernel(`unknown data that begins with the bytes ${hex}`);
}

function isText(start: Buffer): boolean {
  const sample = start.subarray(0, 1024);
  // UTF-8 has none of the control characters that binary data is full of.
  return (
    !/[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f\x7f]/.test(sample.toString("latin1")) &&
    !sample.toString("utf8", 0, 1000).includes("\ufffd")
  );
}

function firstLine(text: string): string {
  const line = /^[^\r\n]*/.exec(text)![0].replace(/[^\x20-\x7e]/g, "?");
  return line.length > 40 ? `${line.slice(0, 40)}…` : line;
}
