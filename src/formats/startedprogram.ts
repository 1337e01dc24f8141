/** What a bootloader starts as an EFI program: a kernel and a unified kernel image are such programs, too. */

import type { Diagnostic, FileRef, ParsedEntry } from "../entry.ts";
import type { EntryList } from "./entrylist.ts";
import { fileExists } from "./lookup.ts";
import { startedBy } from "./systemdboot/program.ts";

/** @param cmdline that the bootloader gives it; a unified kernel image without any uses its own. */
export async function startedProgram(
  file: FileRef,
  cmdline: string,
  list: EntryList,
): Promise<Pick<ParsedEntry, "kind" | "reason"> & Partial<ParsedEntry>> {
  const volume = "device" in file ? list.context.volumes.find(({ name }) => name === file.device) : undefined;
  const isThere = volume !== undefined && "path" in file && (await fileExists(volume.reader, file.path));
  // What isn't there is told as a kernel that is missing; once its disk comes, it is looked at.
  if (!isThere) return { kind: "linux", linux: file, options: cmdline, reason: null };
  const loader = { key: "efi", value: file.path, line: 1 } as const;
  const push = ({ severity, message }: Diagnostic): void => list.say(severity, null, message);
  const context = { ...list.context, volume };
  const { kind, reason, options, profile, addons } = await startedBy(
    { loader, profile: null },
    file.path,
    cmdline,
    context,
    { push },
  );
  if (kind !== "linux") return { kind, reason, program: file };
  return {
    kind,
    linux: file,
    options,
    reason,
    ...(profile !== null && { profile }),
    ...(addons.length > 0 && { addons }),
  };
}
