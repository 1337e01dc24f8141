/**
 * Ways to lay images out in memory for kexec_load, all but bzImages', which is shorter (bzimageload.ts). The table of
 * image types (imagetypes.ts) says which image goes which way.
 */

import { BatonError } from "../errors.ts";
import type { Image } from "./image.ts";
import type { MultibootModule } from "./multiboot.ts";
import type { Content, SegmentMemory, Start } from "./segment.ts";
import type { E820Entry, X86Machine } from "./x86boot.ts";

/** What a new kernel is told about the machine. */
export type MachineFacts =
  | {
      readonly arch: "x86_64";
      readonly x86: X86Machine;
      /** ACPI's root pointer structure as it stands in memory, for multiboot2; null where it can't be read. */
      readonly rsdp: Uint8Array | null;
    }
  | {
      readonly arch: "aarch64";
      /** The blob that the new kernel gets, with /chosen changed. */
      readonly devicetree: Uint8Array;
      /** 8 random bytes, and some more for the kernel's pool. */
      readonly kaslrSeed: Uint8Array;
      readonly rngSeed: Uint8Array;
    };

export interface LayoutInput {
  readonly image: Image;
  /** The file, unpacked (`unwrapKernel`). */
  readonly kernel: Uint8Array;
  readonly cmdline: string;
  /** Parts that each begin a page (`initrdParts`). */
  readonly initrds: readonly Content[];
  /** Multiboot only. */
  readonly modules: readonly MultibootModule[];
  /** Multiboot only: how the loader calls itself. */
  readonly loaderName: string;
  readonly machine: MachineFacts;
  /** The memory map that the new kernel sees, where that isn't the machine's own (a crash kernel's). */
  readonly e820?: readonly E820Entry[];
  /** Random bytes for the pool of a kernel on x86. */
  readonly seed?: Uint8Array;
}

/** What each needs is loaded when it is needed. @throws BatonError `bad-format`, `refused` where there is no room */
export type Loader = (input: LayoutInput, memory: SegmentMemory) => Promise<Start>;

export const layOutElf: Loader = async (input, memory) => {
  const { layOutVmlinux } = await import("./vmlinux.ts");
  return layOutVmlinux(linux(input), memory);
};

export const layOutAout: Loader = async (input, memory) => (await import("./aout.ts")).loadAout(input.kernel, memory);

export const layOutArm64: Loader = async (input, memory) => {
  const { loadArm64 } = await import("./arm64.ts");
  if (input.machine.arch !== "aarch64") throw wrongMachine(input);
  return loadArm64({ ...input, ...input.machine }, memory);
};

function linux(input: LayoutInput) {
  if (input.machine.arch !== "x86_64") throw wrongMachine(input);
  const { kernel, cmdline, initrds, e820, seed } = input;
  return {
    kernel,
    cmdline,
    initrds,
    machine: input.machine.x86,
    ...(e820 === undefined ? {} : { e820 }),
    ...(seed === undefined ? {} : { seed }),
  };
}

export async function layOutMultiboot(input: LayoutInput, memory: SegmentMemory): Promise<Start> {
  const { findMultiboot, multibootMachine, withBiosData, withoutBios, withRootPointer } = await import(
    "./multiboot.ts"
  );
  if (input.machine.arch !== "x86_64") throw wrongMachine(input);
  const { kernel, modules, loaderName, cmdline, initrds } = input;
  const { x86, rsdp } = input.machine;
  const told = multibootMachine(x86, rsdp);
  const { machine, words, rsdpAt } = isUefi(x86)
    ? withBiosData(told, memory)
    : { machine: told, words: [], rsdpAt: null };
  const request = {
    kernel,
    cmdline: withoutBios(kernel, cmdline),
    loaderName,
    modules: [...withRootPointer(kernel, modules, rsdpAt), ...initrds.map((content) => ({ content, cmdline: "" }))],
    machine,
  };
  const found = findMultiboot(Buffer.from(kernel.buffer, kernel.byteOffset, kernel.length));
  if (found?.version === 1) {
    const { loadMultiboot1 } = await import("./multiboot1.ts");
    return { ...loadMultiboot1(request, found.offset, memory), words };
  }
  if (found?.version === 2) {
    const { loadMultiboot2 } = await import("./multiboot2.ts");
    return { ...loadMultiboot2(request, found.offset, memory), words };
  }
  throw new BatonError("bad-format", "It has no multiboot header.");
}

/** By the loader's signature in boot_params' efi_info. */
function isUefi({ bootParams }: X86Machine): boolean {
  return bootParams?.subarray(0x1c0, 0x1c4).some((byte) => byte !== 0) ?? false;
}

function wrongMachine({ image, machine }: LayoutInput): BatonError {
  return new BatonError("unsupported", `It is ${image.description}, and this machine is ${machine.arch}.`);
}
