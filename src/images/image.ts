/** What a file that should be a kernel turns out to be. */

import type { ReadAt } from "../binary/readat.ts";

export type ImageFormat =
  | "bzImage"
  | "arm64 Image"
  | "riscv Image"
  | "EFI zboot"
  | "UKI"
  | "EFI program"
  | "ELF"
  | "multiboot"
  | "multiboot2"
  | "ESXBootInfo"
  | "a.out"
  | "gzip"
  | "zstd"
  | "xz"
  | "lz4"
  | "lzma"
  | "bzip2"
  | "uImage"
  | "FIT"
  | "other";

/** The answer of the table of image types (identify.ts). */
export interface Image {
  readonly format: ImageFormat;
  /**
   * In words, for a person: `Linux 6.1.0-56-amd64 (x86_64 bzImage)`, or for what is no kernel what it is instead:
   * `an HTML page`.
   */
  readonly description: string;
  /** As `uname -m`; null where the file doesn't tell. */
  readonly arch: string | null;
  /** Release of a Linux kernel, `6.1.0-56-amd64`; null where the file doesn't tell. */
  readonly version: string | null;
  /**
   * Architectures (as `uname -m`) whose kexec_file_load takes this file; where the list is empty, `reason` says why.
   * Of a unified kernel image: who takes the kernel inside, which must be taken out first (`readUkiParts`).
   */
  readonly fileLoad: readonly string[];
  /**
   * Architectures (as `uname -m`) on which Baton loads this file itself, by kexec_load. Of what is packed: on which it
   * loads what is inside, as far as that can be told without unpacking it.
   */
  readonly classic: readonly string[];
  /** It holds the kernel in packed form, and no system call takes it as it is: see unwrap.ts. */
  readonly isPacked: boolean;
  /** Why no kexec_file_load takes it, as a sentence that ends with a full stop; null where one does. */
  readonly reason: string | null;
  /**
   * The most bytes of command line that this kernel takes by its own header, its terminating NUL not counted; null
   * where the format has no such limit of its own.
   */
  readonly cmdlineLimit: number | null;
}

/** What probes look at: the file and its first bytes. */
export interface Subject {
  readonly readAt: ReadAt;
  /** Bytes. */
  readonly size: number;
  /** The first {@link START_SIZE} bytes, or all of a shorter file. */
  readonly start: Buffer;
}

/**
 * Enough for every header, the boot sector of a disk, the multiboot2 header's window, and a bzImage's setup part, which
 * has the kernel's version near its end (32 KiB at most: arch/x86/boot/setup.ld).
 */
export const START_SIZE = 36 * 1024;

/**
 * Recognises one format.
 * @returns null where the file isn't of this format
 * @throws what `readAt` rejects with
 */
export type Probe = (subject: Subject) => Promise<Image | null> | Image | null;

/** An image of which only some things are known. */
export function image(fields: Pick<Image, "format" | "description"> & Partial<Image>): Image {
  return {
    arch: null,
    version: null,
    fileLoad: [],
    classic: [],
    isPacked: false,
    reason: null,
    cmdlineLimit: null,
    ...fields,
  };
}
