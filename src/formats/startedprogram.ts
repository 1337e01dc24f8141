/** What a bootloader starts as an EFI program: a kernel and a unified kernel image are such programs, too. */

import type { Diagnostic, FileRef, ParsedEntry } from "../entry.ts";
import { describeError } from "../errors.ts";
import type { EntryList } from "./entrylist.ts";
import type { FormatVolume } from "./format.ts";
import { fileExists } from "./lookup.ts";
import { startedBy } from "./systemdboot/program.ts";

/** @param cmdline that the bootloader gives it; a unified kernel image without any uses its own. */
export async function startedProgram(
  file: FileRef,
  cmdline: string,
  list: EntryList,
): Promise<Pick<ParsedEntry, "kind" | "reason"> & Partial<ParsedEntry>> {
  const volume = "device" in file ? list.context.volumes.find(({ name }) => name === file.device) : undefined;
  // What isn't there is told as a kernel that is missing; once its disk comes, it is looked at.
  const asNamed = { kind: "linux", linux: file, options: cmdline, reason: null } as const;
  if (volume === undefined || !("device" in file)) return asNamed;
  try {
    return (await fileExists(volume.reader, file.path)) ? await lookAt(file, volume, cmdline, list) : asNamed;
  } catch (error) {
    if (volume === list.context.volume) throw error;
    // Another disk that can't be read costs what lies on it.
    list.say("warning", null, describeError(error));
    return asNamed;
  }
}

async function lookAt(
  file: Extract<FileRef, { readonly device: string }>,
  volume: FormatVolume,
  cmdline: string,
  list: EntryList,
): ReturnType<typeof startedProgram> {
  const loader = { key: "efi", value: file.path, line: 1 } as const;
  const notes = { push: ({ severity, message }: Diagnostic): void => list.say(severity, null, message) };
  const context = { ...list.context, volume };
  const program = await startedBy({ loader, profile: null }, file.path, cmdline, context, notes);
  const { kind, reason, options, profile, addons } = program;
  if (kind !== "linux") return { kind, reason, program: file };
  const parts = { ...(profile !== null && { profile }), ...(addons.length > 0 && { addons }) };
  return { kind, linux: file, options, reason, ...parts };
}
