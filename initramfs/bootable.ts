/** What a stick and a disc have in common: Baton's files, and GRUB's core, which starts them on a BIOS. */

import { createHash } from "node:crypto";
import { mkdir, utimes, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { BatonError } from "../src/errors.ts";
import type { Architecture } from "./apt.ts";
import { debianPackages, HOST_ARCHITECTURE } from "./debian.ts";
import { LIBRARY_FOLDER } from "./libraries.ts";
import { type Toolbox, type ToolSuite, toolbox } from "./toolbox.ts";

export interface Bootable {
  readonly arch: Architecture;
  readonly cmdline: string;
  readonly kernel: Uint8Array;
  readonly initrd: Uint8Array;
  /** baton.efi; null where the profile has no stub. */
  readonly efi: Uint8Array | null;
  readonly tools: ToolSuite;
}

/** Of every file and filesystem (seconds since 1970): an image doesn't say when it was made. */
export const TIME = 946_684_800;
export const ENVIRONMENT = { SOURCE_DATE_EPOCH: String(TIME), TZ: "UTC", LC_ALL: "C" };

/** Where the kernel and the initramfs lie, and firmware finds baton.efi (UEFI 2.10, 3.5.1.1). */
const KERNEL = "baton/vmlinuz";
const INITRD = "baton/initramfs.cpio.zst";
const LOADER: Readonly<Record<Architecture, string>> = {
  amd64: "EFI/BOOT/BOOTX64.EFI",
  arm64: "EFI/BOOT/BOOTAA64.EFI",
};

/** Only PCs have a BIOS. */
export const hasBios = ({ arch }: Bootable): boolean => arch === "amd64";

/**
 * The environment in which a program takes another time for the present one.
 * @param box has the package libfaketime
 * @param time seconds since 1970
 */
export function clockAt(box: Toolbox, time: number): Readonly<Record<string, string>> {
  const date = new Date(time * 1000).toISOString().replace(/T|\..*/g, " ");
  const clock = join(box.root, LIBRARY_FOLDER[HOST_ARCHITECTURE], "faketime", "libfaketime.so.1");
  return { ...ENVIRONMENT, LD_PRELOAD: clock, FAKETIME: date.trim() };
}

/** The programs that make images, of the image's own suite. */
export function imageTools({ tools }: Bootable): Promise<Toolbox> {
  return toolbox(["dosfstools", "fdisk", "grub-common", "libfaketime", "mtools", "xorriso"], tools);
}

/**
 * Thirty-two hexadecimal digits that stand for the content: images of the same content have the same identifiers, others
 * have others.
 */
export function identity({ kernel, initrd, cmdline }: Bootable): string {
  return createHash("sha256").update(kernel).update(initrd).update(cmdline).digest("hex").slice(0, 32);
}

/** Files by path, which firmware, or GRUB on a BIOS, starts. */
export type Files = ReadonlyMap<string, Uint8Array>;

/** @throws BatonError "unsupported" where there is no baton.efi */
export function uefiFiles({ arch, efi }: Bootable): Files {
  if (efi === null) {
    throw new BatonError(
      "unsupported",
      "baton.img and baton.iso need the UEFI stub, which the profile does not name (stub:)",
    );
  }
  return new Map([[LOADER[arch], efi]]);
}

export function biosFiles(bootable: Bootable): Files {
  return hasBios(bootable)
    ? new Map([
        [KERNEL, bootable.kernel],
        [INITRD, bootable.initrd],
      ])
    : new Map();
}

/** Writes files below a folder, all of one age. */
export async function writeFiles(folder: string, files: Files): Promise<void> {
  for (const [path, data] of files) {
    const target = join(folder, path);
    await mkdir(dirname(target), { recursive: true });
    await writeFile(target, data);
    await utimes(target, TIME, TIME);
  }
}

export interface GrubCore {
  /** What comes first on the disk, as grub-pc-bin has it. */
  readonly bootSector: string;
  /** Path of the core image. */
  readonly core: string;
}

/**
 * GRUB for a BIOS with the few commands that start Baton, and no configuration that anybody could find on the disk.
 * @param kind `i386-pc` behind a boot sector, `i386-pc-eltorito` on a disc
 * @param filesystem GRUB's module for it
 * @param uuid of the filesystem that has the files
 */
export async function grubCore(
  { cmdline, tools }: Bootable,
  box: Toolbox,
  at: {
    readonly kind: "i386-pc" | "i386-pc-eltorito";
    readonly filesystem: string;
    readonly uuid: string;
    readonly work: string;
  },
): Promise<GrubCore> {
  const { suite, mirrors, lock } = tools;
  const { root } = await debianPackages(["grub-pc-bin"], { suite, mirrors, ...(lock ? { lock } : {}) });
  const modules = join(root, "usr/lib/grub/i386-pc");
  // Each word as GRUB's parser takes it, whatever stands in it.
  const words = cmdline.split(/\s+/).map((word) => word.replace(/[^\w=,.:/@%+-]/g, "\\$&"));
  const config = join(at.work, "grub.cfg");
  await writeFile(
    config,
    `search.fs_uuid ${at.uuid} root\nlinux /${KERNEL} ${words.join(" ")}\ninitrd /${INITRD}\nboot\n`,
  );
  const core = join(at.work, `${at.kind}.img`);
  await box.run("grub-mkimage", [
    ...["--directory", modules, "--format", at.kind, "--output", core, "--prefix", "/baton", "--config", config],
    ...["biosdisk", "part_gpt", "part_msdos", at.filesystem, "search_fs_uuid", "linux"],
  ]);
  return { bootSector: join(modules, at.kind === "i386-pc" ? "boot.img" : "boot_hybrid.img"), core };
}

/** A FAT filesystem in a file, no larger than it must be. */
export async function fatImage(
  box: Toolbox,
  path: string,
  files: Files,
  at: { readonly serial: string; readonly hiddenSectors: number; readonly work: string },
): Promise<void> {
  const folder = join(at.work, "fat");
  await writeFiles(folder, files);
  const content = [...files.values()].reduce((sum, data) => sum + data.length, 0);
  // Beside the files: two tables of four bytes a cluster, folders, and no fewer clusters than FAT32 must have.
  const sectors = Math.max(68_000, Math.ceil((content * 1.02) / 512) + 8192);
  // The serial number comes behind --invariant, which has one of its own.
  const format = [
    "--invariant",
    "-F",
    "32",
    "-S",
    "512",
    "-s",
    "1",
    "-i",
    at.serial,
    "-n",
    "BATON",
    "-h",
    String(at.hiddenSectors),
  ];
  await box.run("mkfs.vfat", [...format, "-C", path, String(Math.ceil(sectors / 2))], {
    env: ENVIRONMENT,
  });
  const tops = [...new Set([...files.keys()].map((name) => join(folder, name.split("/")[0]!)))];
  // It writes the present time into each folder that it makes.
  await box.run("mcopy", ["-i", path, "-s", "-m", ...tops, "::"], { env: clockAt(box, TIME) });
}
