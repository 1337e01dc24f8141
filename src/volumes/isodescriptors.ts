/** The volume descriptors of an ISO 9660 image (ECMA-119, section 8; Joliet; ECMA-167 part 2 for UDF's). */

import { BatonError } from "../errors.ts";
import type { IsoSource } from "./isosource.ts";

export const SECTOR = 2048;
const FIRST_DESCRIPTOR = 16;
/** Real images have three to eight. */
const MAX_DESCRIPTORS = 64;

const PRIMARY = 1;
const SUPPLEMENTARY = 2;

/** What one descriptor says of a directory tree. */
export interface IsoVolume {
  /** Bytes; extents are counted in them. */
  readonly blockSize: number;
  /** The record of the root directory: 34 bytes. */
  readonly root: Buffer;
}

interface IsoDescriptors {
  readonly primary: IsoVolume;
  readonly joliet: IsoVolume | null;
  /** There is a UDF filesystem as well, which may hold more than this one. */
  readonly hasUdf: boolean;
}

/** @throws BatonError `bad-format` where it is no such image, `unsupported` for UDF alone, `io`. */
export async function readDescriptors(source: IsoSource): Promise<IsoDescriptors> {
  let primary: IsoVolume | null = null;
  let joliet: IsoVolume | null = null;
  let hasUdf = false;
  for (let index = 0; index < MAX_DESCRIPTORS; index++) {
    const offset = (FIRST_DESCRIPTOR + index) * SECTOR;
    if (offset + SECTOR > source.size) break;
    const sector = await source.metadata(offset, SECTOR);
    const id = sector.toString("latin1", 1, 6);
    if (/^NSR0[23]$/.test(id)) hasUdf = true;
    // UDF's own follow the set terminator, so that is not the end.
    if (!/^(CD001|CDW02|BEA01|NSR0[23]|TEA01|BOOT2)$/.test(id)) break;
    if (id !== "CD001") continue;
    if (sector[0] === PRIMARY) primary ??= volumeOf(sector);
    // Escape sequences of UCS-2 levels 1 to 3.
    const isJoliet = sector[0] === SUPPLEMENTARY && /^%\/[@CE]/.test(sector.toString("latin1", 88, 91));
    if (isJoliet) joliet ??= volumeOf(sector);
  }
  if (primary !== null) return { primary, joliet, hasUdf };
  if (hasUdf) {
    throw new BatonError("unsupported", `${source.name}: it has a UDF filesystem only, and Baton reads ISO 9660.`);
  }
  throw new BatonError(
    "bad-format",
    `${source.name}: it is no ISO 9660 image: there is no volume descriptor at byte ${FIRST_DESCRIPTOR * SECTOR}.`,
  );
}

/** @returns null for a descriptor with a block size that can't be. */
function volumeOf(sector: Buffer): IsoVolume | null {
  const blockSize = sector.readUInt16LE(128);
  if (blockSize !== 512 && blockSize !== 1024 && blockSize !== SECTOR) return null;
  return { blockSize, root: sector.subarray(156, 190) };
}
