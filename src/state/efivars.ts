/** EFI variables through efivarfs (Documentation/filesystems/efivarfs.rst). */

import { closeSync, constants, openSync, readFileSync, unlinkSync, writeSync } from "node:fs";
import { BatonError } from "../errors.ts";
import { clearImmutable } from "../linux/fileflags.ts";
import { MS_RDONLY, MS_REMOUNT, mount } from "../linux/mount.ts";
import { LOADER_GUID } from "./guids.ts";

const EFIVARS = "/sys/firmware/efi/efivars";
/** NON_VOLATILE | BOOTSERVICE_ACCESS | RUNTIME_ACCESS (UEFI 2.10, 8.2.1). */
const ATTRIBUTES = 7;

/** `Name` is the loader's; `Name-GUID` is whose it says. */
function variablePath(name: string, folder: string): string {
  const full = /-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(name) ? name : `${name}-${LOADER_GUID}`;
  if (!/^[A-Za-z0-9_-]{1,128}$/.test(full)) throw new BatonError("usage", `${name} is no name of an EFI variable`);
  return `${folder}/${full}`;
}

/** The value without its attributes; null where there is none. */
export function readVariable(name: string, folder = EFIVARS): Buffer | null {
  try {
    return readFileSync(variablePath(name, folder)).subarray(4);
  } catch {
    return null;
  }
}

/** Set for this start alone (no NON_VOLATILE): once the firmware's boot services are gone nobody can change it. */
export function isForThisStart(name: string, folder = EFIVARS): boolean {
  try {
    return (readFileSync(variablePath(name, folder)).readUInt32LE(0) & 1) === 0;
  } catch {
    return false;
  }
}

/** A value of text: UTF-16 with a NUL at its end. */
export const textOfVariable = (value: Buffer): string => value.toString("utf16le").replace(/\0[\s\S]*$/, "");
export const variableOfText = (text: string): Buffer => Buffer.from(`${text}\0`, "utf16le");

/** The image mounts efivarfs read-only, so that nothing is written by mistake. */
export async function allowVariableWrites(isAllowed: boolean): Promise<void> {
  const flags = MS_REMOUNT | (isAllowed ? 0 : MS_RDONLY);
  await mount({ source: "efivarfs", target: EFIVARS, type: "efivarfs", flags, timeoutMs: 5000 });
}

/**
 * Sets a variable, or takes it away (null). What it says already isn't written again: flash wears out.
 * @throws BatonError where firmware refuses
 */
export function writeVariable(name: string, value: Buffer | null, folder = EFIVARS): void {
  const path = variablePath(name, folder);
  const before = readVariable(name, folder);
  if (value === null ? before === null : before?.equals(value)) return;
  try {
    if (before !== null) {
      const fd = openSync(path, constants.O_RDONLY);
      try {
        clearImmutable(fd);
      } finally {
        closeSync(fd);
      }
    }
    if (value === null) {
      unlinkSync(path);
      return;
    }
    const fd = openSync(path, constants.O_WRONLY | constants.O_CREAT, 0o600);
    try {
      // Attributes and value in one write, or firmware gets half a variable.
      const attributes = Buffer.alloc(4);
      attributes.writeUInt32LE(ATTRIBUTES);
      writeSync(fd, Buffer.concat([attributes, value]));
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new BatonError("io", `the EFI variable ${name} can't be written: ${why}`, { cause: error });
  }
}
