/** What a way of loading a kernel is: fileload.ts and classic.ts. */

import type { KexecFile, ReadOptions } from "./files.ts";

/** A kernel, its initrds and its command line. */
export interface LoadRequest {
  readonly kernel: KexecFile;
  /** In order; several are joined. Empty for none. */
  readonly initrds: readonly KexecFile[];
  /** As the kernel gets it, to the byte. */
  readonly cmdline: string;
  /**
   * The most bytes of command line that the kernel to be loaded takes by its own header, its NUL not counted
   * (`Image.cmdlineLimit`); 2047, as x86 kernels have it, unless given.
   */
  readonly cmdlineLimit?: number | null;
  /** Of a multiboot kernel, in order; none unless given. kexec_load only. */
  readonly modules?: readonly { readonly file: KexecFile; readonly cmdline: string }[];
  /** How the loader calls itself to a multiboot kernel; `Baton` unless given. */
  readonly loaderName?: string;
  /** For a panic, into the memory that is kept for that; kexec_load only. */
  readonly crash?: boolean;
  /**
   * The memory that the new kernel has in its map, both addresses inclusive: one that jumps back must leave the rest alone.
   * kexec_load on x86 only.
   */
  readonly within?: { readonly minimum: bigint; readonly maximum: bigint };
  /** Wishes for x86 (kexec(8)'s options of the same names); kexec_load only. */
  readonly x86?: X86Wishes;
  /** A devicetree in place of the running kernel's. kexec_load only. */
  readonly devicetree?: KexecFile | null;
  /** Applied to it, or to the running kernel's, in this order. kexec_load only. */
  readonly overlays?: readonly KexecFile[];
}

export interface X86Wishes {
  /** Enter a bzImage in 32-bit mode, though it has a 64-bit entry. */
  readonly entry32: boolean;
  /** Say nothing of EFI to the new kernel, which then does without its services. */
  readonly noEfi: boolean;
  /** Tell of the firmware's screen although a driver has taken it over since. */
  readonly reuseVideo: boolean;
}

export interface LoadMethod {
  readonly name: "kexec_file_load" | "kexec_load";
  /**
   * Loads; returns when the jump is possible.
   * @throws BatonError
   */
  load(request: LoadRequest, reading: ReadOptions): Promise<void>;
}
