/** EFI variables through efivarfs (Documentation/filesystems/efivarfs.rst). */

import { closeSync, constants, openSync, readFileSync, unlinkSync, writeSync } from "node:fs";
import { BatonError, describeError } from "../errors.ts";
import { clearImmutable } from "../linux/fileflags.ts";
import { MS_RDONLY, MS_REMOUNT, mount } from "../linux/mount.ts";
import { log } from "../log.ts";
import { LOADER_GUID } from "./guids.ts";

const EFIVARS = "/sys/firmware/efi/efivars";
/** NON_VOLATILE | BOOTSERVICE_ACCESS | RUNTIME_ACCESS (UEFI 2.10, 8.2.1). */
const ATTRIBUTES = 7;
/** The same, and TIME_BASED_AUTHENTICATED_WRITE_ACCESS: the value begins with its signature. */
const SIGNED_ATTRIBUTES = 0x27;

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

/**
 * Does what writes variables. Where efivarfs is mounted read-only, as in the image, so that nothing is written by mistake,
 * it can be written to meanwhile.
 */
export async function withVariableWrites<T>(work: () => T | Promise<T>): Promise<T> {
  const options = /^\S+ \S+ efivarfs (\S+)/m.exec(readFileSync("/proc/self/mounts", "utf8"))?.[1];
  if (options === undefined || !options.split(",").includes("ro")) return work();
  await remount(0);
  try {
    return await work();
  } finally {
    await remount(MS_RDONLY).catch((error) => log.warn(`efivarfs stays writable: ${describeError(error)}`));
  }
}

async function remount(flags: number): Promise<void> {
  const place = { source: "efivarfs", target: EFIVARS, type: "efivarfs" };
  await mount({ ...place, flags: MS_REMOUNT | flags, timeoutMs: 5000 });
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
    if (before !== null) makeMutable(path);
    if (value === null) unlinkSync(path);
    else writeAtOnce(path, ATTRIBUTES, value);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new BatonError("io", `the EFI variable ${name} can't be written: ${why}`, { cause: error });
  }
}

/**
 * Sets a variable of Secure Boot's, whose value firmware checks and keeps without its signature.
 * @param value signed, as `signedValue` of binary/efisignatures.ts makes it
 * @throws BatonError `refused` where firmware doesn't take it
 */
export function writeSignedVariable(name: string, value: Buffer, folder = EFIVARS): void {
  const path = variablePath(name, folder);
  try {
    if (readVariable(name, folder) !== null) makeMutable(path);
    writeAtOnce(path, SIGNED_ATTRIBUTES, value);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new BatonError("refused", `the firmware does not take the EFI variable ${name}: ${why}`, { cause: error });
  }
}

function makeMutable(path: string): void {
  const fd = openSync(path, constants.O_RDONLY);
  try {
    clearImmutable(fd);
  } finally {
    closeSync(fd);
  }
}

/** Attributes and value in one write, or firmware gets half a variable. */
function writeAtOnce(path: string, attributes: number, value: Buffer): void {
  const fd = openSync(path, constants.O_WRONLY | constants.O_CREAT, 0o600);
  try {
    const head = Buffer.alloc(4);
    head.writeUInt32LE(attributes);
    writeSync(fd, Buffer.concat([head, value]));
  } finally {
    closeSync(fd);
  }
}
