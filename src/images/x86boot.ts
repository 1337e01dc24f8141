/**
 * What an x86 kernel must be told about its machine, beside its own files: facts that the running kernel was told by
 * firmware (read by kexec/x86machine.ts) and the next one is told by us (images/bootparams.ts).
 */

import type { Span } from "./segment.ts";

/** E820 types (include/uapi/asm/e820.h and arch/x86/include/asm/e820/types.h). */
export const E820 = {
  ram: 1,
  reserved: 2,
  acpi: 3,
  nvs: 4,
  unusable: 5,
  persistent: 7,
  persistentLegacy: 12,
  softReserved: 0xefffffff,
} as const;

export interface E820Entry {
  readonly start: bigint;
  readonly size: bigint;
  readonly type: number;
}

/** A range of memory that EFI runtime services use, as /sys/firmware/efi/runtime-map has it. */
export interface EfiRange {
  readonly type: number;
  readonly physical: bigint;
  /** Where the first kernel mapped it; SetVirtualAddressMap can't be called again, so every later kernel must too. */
  readonly virtual: bigint;
  readonly pages: bigint;
  readonly attribute: bigint;
}

/** Addresses that the firmware changed to virtual ones, and so the next kernel can't read from its tables. */
export interface EfiFacts {
  readonly ranges: readonly EfiRange[];
  readonly fwVendor: bigint;
  readonly configTable: bigint;
  readonly smbios: bigint;
}

/** EfiMemoryMappedIO and EfiMemoryMappedIOPortSpace (UEFI specification, "Memory Allocation Services"). */
const EFI_DEVICES: readonly number[] = [11, 12];

/** Firmware's tables, which a kernel may look at with its first steps: for `Start.reads`. */
export function firmwareTables({ e820, efi }: X86Machine): Span[] {
  return [
    ...e820.filter(({ type }) => type === E820.acpi || type === E820.nvs).map(({ start, size }) => ({ start, size })),
    // Devices, which may take a TiB, are left out.
    ...(efi?.ranges ?? [])
      .filter(({ type }) => !EFI_DEVICES.includes(type))
      .map(({ physical, pages }) => ({ start: physical, size: pages * 4096n })),
  ];
}

export interface X86Machine {
  readonly e820: readonly E820Entry[];
  /** The running kernel's own boot_params (/sys/kernel/boot_params/data); null where it doesn't show them. */
  readonly bootParams: Uint8Array | null;
  /** Physical address of ACPI's root pointer; 0 leaves it to the kernel's search (BIOS). */
  readonly rsdp: bigint;
  /** Null where the machine has no EFI, or its runtime services are off. */
  readonly efi: EfiFacts | null;
  /** False where what the screen shows isn't in the memory that screen_info names any more (a DRM driver took it). */
  readonly framebufferKept: boolean;
}
