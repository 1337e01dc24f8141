/** What only firmware can do: its own set-up, and boot entries that kexec can't start. UEFI 2.10, 3.1 and 8.5.4. */

import { readVariable, withVariableWrites, writeVariable } from "./efivars.ts";
import { GLOBAL_GUID } from "./guids.ts";

const BOOT_TO_FW_UI = 1n;
/** LOAD_OPTION_ACTIVE, LOAD_OPTION_HIDDEN; categories other than 0 are applications. */
const ACTIVE = 1;
const HIDDEN = 8;
const CATEGORY = 0x1f00;
/** Types and subtypes of a device path's nodes. */
const MEDIA = 4;
const HARD_DRIVE = 1;
const FILE_PATH = 4;
const END = 0x7f;

const global = (name: string, folder?: string): Buffer | null => readVariable(`${name}-${GLOBAL_GUID}`, folder);

/** True where the firmware can be asked to show its set-up at the next start. */
export function canEnterSetup(folder?: string): boolean {
  const supported = global("OsIndicationsSupported", folder);
  return supported !== null && supported.length >= 8 && (supported.readBigUInt64LE() & BOOT_TO_FW_UI) !== 0n;
}

/** Has the firmware show its set-up at the next start. @throws BatonError where it refuses */
export async function requestSetup(): Promise<void> {
  const before = global("OsIndications");
  const value = Buffer.alloc(8);
  value.writeBigUInt64LE((before !== null && before.length >= 8 ? before.readBigUInt64LE() : 0n) | BOOT_TO_FW_UI);
  await writeGlobal("OsIndications", value);
}

/** One of the firmware's own boot entries. */
export interface FirmwareEntry {
  /** `0003` of Boot0003. */
  readonly number: string;
  readonly title: string;
  /** `\EFI\Microsoft\Boot\bootmgfw.efi`; null where it starts something else than a file. */
  readonly file: string | null;
  /** Of the partition that the file is on, as the kernel writes it; null where the entry names none. */
  readonly partuuid: string | null;
}

/** The firmware's boot menu in its order. */
export interface BootOptions {
  /** `0003`: the one that this start came from; null where it isn't told. */
  readonly current: string | null;
  readonly entries: readonly FirmwareEntry[];
}

/**
 * @param read a variable of the global GUID by its name, null where there is none
 * @returns null where the firmware has no order
 */
export function bootOptions(read: (name: string) => Uint8Array | null): BootOptions | null {
  const variable = (name: string): Buffer | null => {
    const value = read(name);
    return value === null ? null : Buffer.from(value.buffer, value.byteOffset, value.length);
  };
  const order = variable("BootOrder");
  if (order === null) return null;
  const hex = (id: number): string => id.toString(16).toUpperCase().padStart(4, "0");
  const started = variable("BootCurrent");
  const entries: FirmwareEntry[] = [];
  for (let at = 0; at + 2 <= order.length; at += 2) {
    const number = hex(order.readUInt16LE(at));
    const option = variable(`Boot${number}`);
    const entry = option === null ? null : parseLoadOption(number, option);
    if (entry !== null) entries.push(entry);
  }
  return { current: started !== null && started.length >= 2 ? hex(started.readUInt16LE()) : null, entries };
}

/** What the firmware's boot menu has, in its order, without the one that started Baton. */
export function firmwareEntries(folder?: string): FirmwareEntry[] {
  const options = bootOptions((name) => global(name, folder));
  return options === null ? [] : options.entries.filter(({ number }) => number !== options.current);
}

/** EFI_LOAD_OPTION: attributes, the length of the path list, a title in UTF-16, device paths. @returns null where it isn't one for the menu */
export function parseLoadOption(number: string, option: Buffer): FirmwareEntry | null {
  if (option.length < 8) return null;
  const attributes = option.readUInt32LE(0);
  if ((attributes & ACTIVE) === 0 || (attributes & (HIDDEN | CATEGORY)) !== 0) return null;
  return anyLoadOption(number, option);
}

/** The same whatever its attributes say: also one that is switched off. @returns null where it is none */
export function anyLoadOption(number: string, option: Buffer): FirmwareEntry | null {
  if (option.length < 8) return null;
  let end = 6;
  while (end + 2 <= option.length && option.readUInt16LE(end) !== 0) end += 2;
  const title = option.toString("utf16le", 6, end);
  const paths = option.subarray(end + 2, end + 2 + option.readUInt16LE(4));
  return { number, title: title || `Boot${number}`, file: filePath(paths), partuuid: partitionOf(paths) };
}

/** The nodes of a device path: their type and subtype, and the bytes from their first on (10.3.1). */
function* nodesOf(paths: Buffer): Generator<{ type: number; subtype: number; node: Buffer }> {
  for (let at = 0; at + 4 <= paths.length; ) {
    const length = paths.readUInt16LE(at + 2);
    if (length < 4 || at + length > paths.length || paths[at] === END) return;
    yield { type: paths[at]!, subtype: paths[at + 1]!, node: paths.subarray(at, at + length) };
    at += length;
  }
}

/** The partition of a hard drive node (10.3.5.1). */
function partitionOf(paths: Buffer): string | null {
  for (const { type, subtype, node } of nodesOf(paths)) {
    if (type !== MEDIA || subtype !== HARD_DRIVE || node.length < 42) continue;
    const part = (from: number, to: number): string => node.toString("hex", from, to);
    const reversed = (from: number, to: number): string =>
      Buffer.from(node.subarray(from, to)).reverse().toString("hex");
    const [mbr, guid] = [1, 2];
    if (node[41] === mbr) return `${reversed(24, 28)}-${(node[4]! & 0xff).toString(16).padStart(2, "0")}`;
    if (node[41] !== guid) return null;
    return [reversed(24, 28), reversed(28, 30), reversed(30, 32), part(32, 34), part(34, 40)].join("-");
  }
  return null;
}

/** The file of a device path (10.3.5.4); its parts may be in several nodes. */
function filePath(paths: Buffer): string | null {
  let file: string | null = null;
  for (const { type, subtype, node } of nodesOf(paths)) {
    if (type !== MEDIA || subtype !== FILE_PATH) continue;
    file = (file ?? "") + node.toString("utf16le", 4).replace(/\0[\s\S]*$/, "");
  }
  return file;
}

/** Has the firmware start this entry next, once. @throws BatonError where it refuses */
export async function requestBootNext(number: string): Promise<void> {
  const value = Buffer.alloc(2);
  value.writeUInt16LE(Number.parseInt(number, 16));
  await writeGlobal("BootNext", value);
}

async function writeGlobal(name: string, value: Buffer): Promise<void> {
  await withVariableWrites(() => writeVariable(`${name}-${GLOBAL_GUID}`, value));
}
