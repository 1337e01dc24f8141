/** Unified kernel images that a configuration starts as EFI programs. */

import { BatonError } from "../../errors.ts";
import { keyValues } from "../lines.ts";
import { readUki } from "../systemdboot/ukiimage.ts";
import type { NamedFile } from "./files.ts";
import type { Interpreter } from "./interpreter.ts";

/** What GRUB takes from such an image. */
export interface UkiTexts {
  /** `.cmdline`; "" where there is none. */
  readonly cmdline: string;
  /** `PRETTY_NAME` of `.osrel`, null where there is none. */
  readonly title: string | null;
}

/** @returns null where the file is no unified kernel image, or can't be looked into. */
export async function readUkiTexts(run: Interpreter, file: NamedFile): Promise<UkiTexts | null> {
  if (file.device.kind !== "volume" || (await run.files.stat(file))?.type !== "file") return null;
  try {
    const uki = await readUki(file.device.volume.reader, file.path);
    const profile = uki?.profiles[0];
    if (!profile?.hasKernel) return null;
    const names = keyValues(profile.osRelease ?? "", "=");
    return {
      cmdline: profile.cmdline ?? "",
      title: names.find(({ key }) => key === "PRETTY_NAME")?.value ?? null,
    };
  } catch (error) {
    if (error instanceof BatonError) return null;
    throw error;
  }
}
