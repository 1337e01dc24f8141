/** U-Boot's saved environment as a file (env/fat.c, include/env_internal.h): a checksum, with a second copy a count, and variables. */

import { Buffer } from "node:buffer";
import { crc32 } from "../../binary/crc.ts";
import type { FormatContext, FormatVolume } from "../format.ts";
import { Lookup } from "../lookup.ts";

const NAMES = ["uboot.env", "uboot-redund.env"];
const FOLDERS = ["/", "/boot/"];
/** Environments have some ten kilobytes. */
const MAX_SIZE = 1 << 20;

interface Environment {
  readonly variables: ReadonlyMap<string, string>;
  /** Of one of two copies, which are written in turn; null for the only one. */
  readonly count: number | null;
}

/** @returns null where its checksum is another, or there is nothing in it. */
export function readEnvironment(bytes: Uint8Array): Environment | null {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (file.length < 8) return null;
  const crc = file.readUInt32LE(0);
  for (const header of [4, 5]) {
    const data = file.subarray(header);
    if (crc32(data) !== crc) continue;
    const variables = new Map<string, string>();
    for (const line of data
      .toString("utf8")
      .replace(/\0\0.*$/s, "")
      .split("\0")) {
      const [, name, value] = /^([^=]+)=(.*)$/s.exec(line) ?? [];
      if (name !== undefined) variables.set(name, value!);
    }
    return variables.size === 0 ? null : { variables, count: header === 5 ? file.readUInt8(4) : null };
  }
  return null;
}

/** The paths of a volume's environments. Rejects where the volume can't be read. */
export async function findEnvironments({ reader }: FormatVolume): Promise<string[]> {
  const lookup = new Lookup(reader);
  const found: string[] = [];
  for (const folder of FOLDERS) {
    for (const name of NAMES) {
      const path = await lookup.find(folder + name);
      if (path !== null) found.push(path);
    }
  }
  return found;
}

/** The environment on a volume that was written last; null where there is none that is whole. Rejects as its reader does. */
export async function environmentOf(volume: FormatVolume): Promise<Environment | null> {
  let newest: Environment | null = null;
  for (const path of await findEnvironments(volume)) {
    const found = readEnvironment(await volume.reader.readAt(path, 0, MAX_SIZE));
    if (found !== null && (newest === null || isNewer(found.count, newest.count))) newest = found;
  }
  return newest;
}

/** Counts begin again after 255. */
function isNewer(a: number | null, b: number | null): boolean {
  return a !== null && b !== null && a !== b && ((a - b) & 0xff) < 128;
}

/** The environment that U-Boot has on the disk of a script: beside it, else on another partition. */
export async function environmentNear({ volume, volumes }: FormatContext): Promise<ReadonlyMap<string, string>> {
  const near = volumes.filter((other) => other !== volume && volume.disk !== null && other.disk === volume.disk);
  for (const one of [volume, ...near]) {
    // Another partition that can't be read is one without.
    const found = await environmentOf(one).catch((error: unknown) => {
      if (one === volume) throw error;
      return null;
    });
    if (found !== null) return found.variables;
  }
  return new Map();
}
