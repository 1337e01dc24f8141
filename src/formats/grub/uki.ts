/** Unified kernel images that a configuration starts as EFI programs. */

import { Buffer } from "node:buffer";
import { findSection, readPe, readSection } from "../../binary/pe.ts";
import { BatonError } from "../../errors.ts";
import type { NamedFile } from "./files.ts";
import type { Interpreter } from "./interpreter.ts";

/** What GRUB takes from such an image. */
export interface UkiTexts {
  /** `.cmdline`; "" where there is none. */
  readonly cmdline: string;
  /** `PRETTY_NAME` of `.osrel`, null where there is none. */
  readonly title: string | null;
}

const TEXT_LIMIT = 64 * 1024;

/** @returns null where the file is no unified kernel image, or can't be looked into. */
export async function readUkiTexts(run: Interpreter, file: NamedFile): Promise<UkiTexts | null> {
  if (file.device.kind !== "volume") return null;
  const { reader } = file.device.volume;
  const stat = await run.files.stat(file);
  if (stat?.type !== "file") return null;
  const readAt = (offset: number, length: number) => reader.readAt(file.path, offset, length);
  try {
    const pe = await readPe(readAt, stat.size);
    if (pe === null || findSection(pe, ".linux") === null) return null;
    const text = async (name: string): Promise<string> => {
      const section = findSection(pe, name);
      if (section === null) return "";
      return Buffer.from(await readSection(readAt, section, TEXT_LIMIT))
        .toString("utf8")
        .replace(/[\0\s]+$/, "");
    };
    const title = /^[ \t]*PRETTY_NAME=(["']?)(.*)\1[ \t\r]*$/m.exec(await text(".osrel"))?.[2] ?? null;
    return { cmdline: (await text(".cmdline")).replace(/\s*\n\s*/g, " "), title };
  } catch (error) {
    if (error instanceof BatonError) return null;
    throw error;
  }
}
