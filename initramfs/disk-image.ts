/** baton.img: what is written to a stick or a disk as it is. It starts by UEFI and, on PCs, by BIOS. */

import { mkdtemp, open, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Bootable, biosFiles, fatImage, grubCore, hasBios, identity, imageTools, uefiFiles } from "./bootable.ts";

const SECTOR = 512;
/** Partitions begin at whole megabytes. */
const ALIGNMENT = 2048;
/** The GPT at the end. */
const TAIL = 34;
const ESP = "C12A7328-F81F-11D2-BA4B-00A0C93EC93B";
/** Where GRUB's core lies on a GPT. */
const BIOS_BOOT = "21686148-6449-6E6F-744E-656564454649";

/** A GPT with an EFI system partition, and before it one for GRUB's core. */
export async function diskImage(bootable: Bootable): Promise<Uint8Array> {
  const box = await imageTools(bootable);
  const work = await mkdtemp(join(tmpdir(), "baton-disk-"));
  try {
    const id = identity(bootable);
    const espStart = hasBios(bootable) ? 2 * ALIGNMENT : ALIGNMENT;
    const esp = join(work, "esp");
    const files = new Map([...uefiFiles(bootable), ...biosFiles(bootable)]);
    await fatImage(box, esp, files, { serial: id.slice(0, 8), hiddenSectors: espStart, work });
    const content = await readFile(esp);
    const espSectors = content.length / SECTOR;
    const end = Math.ceil((espStart + espSectors + TAIL) / ALIGNMENT) * ALIGNMENT;

    const path = join(work, "baton.img");
    const file = await open(path, "w+");
    try {
      await file.truncate(end * SECTOR);
      await file.write(content, 0, content.length, espStart * SECTOR);
      const rows = ["label: gpt", `label-id: ${uuid(id, 0)}`];
      if (hasBios(bootable)) {
        rows.push(`start=${ALIGNMENT},size=${ALIGNMENT},type=${BIOS_BOOT},uuid=${uuid(id, 1)},name=BIOS`);
      }
      rows.push(`start=${espStart},size=${espSectors},type=${ESP},uuid=${uuid(id, 2)},name=Baton`);
      await box.run("sfdisk", ["--quiet", "--no-reread", "--no-tell-kernel", path], { input: `${rows.join("\n")}\n` });
      if (hasBios(bootable)) {
        const at = { kind: "i386-pc", filesystem: "fat", uuid: `${id.slice(0, 4)}-${id.slice(4, 8)}`, work } as const;
        const { bootSector, core } = await grubCore(bootable, box, at);
        const boot = bootSectorFor(await readFile(bootSector), ALIGNMENT);
        await file.write(boot, 0, boot.length, 0);
        const placed = placedCore(await readFile(core), ALIGNMENT);
        await file.write(placed, 0, placed.length, ALIGNMENT * SECTOR);
      }
    } finally {
      await file.close();
    }
    return await readFile(path);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** A UUID of the content's identity, one for each use. */
function uuid(id: string, use: number): string {
  const digits = `${id.slice(0, 31)}${use}`;
  return [
    digits.slice(0, 8),
    digits.slice(8, 12),
    `4${digits.slice(13, 16)}`,
    `8${digits.slice(17, 20)}`,
    digits.slice(20),
  ]
    .join("-")
    .toUpperCase();
}

/**
 * GRUB's boot.img up to the partition table, with the place of the core (boot.S: the sector at 0x5c; at 0x66 a jump that
 * is for floppies).
 */
export function bootSectorFor(image: Uint8Array, coreSector: number): Buffer {
  const boot = Buffer.from(image.subarray(0, 440));
  boot.writeBigUInt64LE(BigInt(coreSector), 0x5c);
  boot.writeUInt16LE(0x9090, 0x66);
  return boot;
}

/**
 * GRUB's core with, in its first sector, where the others lie (diskboot.S: the last list of blocks, of twelve bytes: sector,
 * count, segment).
 */
export function placedCore(image: Uint8Array, sector: number): Buffer {
  const core = Buffer.alloc(Math.ceil(image.length / SECTOR) * SECTOR);
  core.set(image);
  core.writeBigUInt64LE(BigInt(sector + 1), SECTOR - 12);
  core.writeUInt16LE(core.length / SECTOR - 1, SECTOR - 4);
  core.writeUInt16LE(0x820, SECTOR - 2);
  return core;
}
