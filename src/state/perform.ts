/** Does what bootloaders would write when an entry is booted: the only way in which Baton writes to disks and firmware. */

import { type DeviceFile, type FileRef, formatFileRef, parseFileRef, type StateWrite } from "../entry.ts";
import { BatonError, describeError } from "../errors.ts";
import { log } from "../log.ts";
import { printable } from "../text.ts";
import { variableOfText, withVariableWrites, writeVariable } from "./efivars.ts";
import { below, renameFile, rewriteFile } from "./files.ts";
import { type WritableDevice, withWritable } from "./writable.ts";

/** Looks at a device again, just now. @throws where it isn't there */
export type LookAt = (device: string) => Promise<WritableDevice>;

/**
 * Writes all of it, one filesystem after the other, each mounted once. What fails is told and keeps nothing else from
 * being written. Nothing of these filesystems may be mounted meanwhile.
 * @returns a sentence for each write that was not done
 */
export async function performWrites(writes: readonly StateWrite[], lookAt: LookAt): Promise<string[]> {
  const problems: string[] = [];
  const attempt = async (what: string, work: () => Promise<void>): Promise<void> => {
    try {
      await work();
      log.info(`written: ${what}`);
    } catch (error) {
      problems.push(`${what} was not written: ${describeError(error)}`);
    }
  };
  const variables = writes.filter((write) => "efivar" in write);
  if (variables.length > 0) {
    const writeAll = async (): Promise<void> => {
      for (const { efivar, value, isBytes } of variables) {
        const text = value === null ? null : isBytes ? Buffer.from(value, "latin1") : variableOfText(value);
        await attempt(`EFI variable ${efivar}`, async () => writeVariable(efivar, text));
      }
    };
    await attempt("EFI variables", () => withVariableWrites(writeAll));
  }
  for (const [device, onDevice] of byDevice(writes)) {
    const what = onDevice.map(({ write }) => describeWrite(write)).join(", ");
    await attempt(what, async () =>
      withWritable(await lookAt(device), async (root) => {
        for (const { write, file } of onDevice) await writeOne(write, below(root, file.path), root);
      }),
    );
  }
  return problems;
}

interface OnDevice {
  readonly write: StateWrite;
  readonly file: DeviceFile;
}

function byDevice(writes: readonly StateWrite[]): Map<string, OnDevice[]> {
  const found = new Map<string, OnDevice[]>();
  for (const write of writes) {
    const file = "file" in write ? write.file : "rename" in write ? write.rename : null;
    if (file === null || !("device" in file)) continue;
    found.set(file.device, [...(found.get(file.device) ?? []), { write, file }]);
  }
  return found;
}

async function writeOne(write: StateWrite, path: string, root: string): Promise<void> {
  if ("file" in write) await rewriteFile(path, write.set, write.unset, write.form);
  else if ("rename" in write) {
    const to: FileRef | null = parseFileRef(write.to);
    const name = to !== null && "device" in to ? to.path : write.to;
    if (!name.startsWith("/")) throw new BatonError("usage", `${write.to} is no path`);
    await renameFile(path, below(root, name));
  }
}

/** `vda1:/boot/grub/grubenv (saved_entry=…, without next_entry)`, for the log and for people. */
export function describeWrite(write: StateWrite): string {
  if ("efivar" in write)
    return `EFI variable ${write.efivar}${write.value === null ? " (taken away)" : ` = ${printable(write.value)}`}`;
  if ("rename" in write) return `${formatFileRef(write.rename)} (renamed to ${write.to})`;
  const set = Object.entries(write.set).map(([name, value]) => `${name}=${value}`);
  const unset = write.unset.map((name) => `without ${name}`);
  return `${formatFileRef(write.file)} (${[...set, ...unset].join(", ")})`;
}
