/** x86 Linux kernels: bzImage by its setup header (Documentation/arch/x86/boot.rst). */

import { firmwareProgramOf } from "../firmwareprograms.ts";
import { formatSize } from "../text.ts";
import { type Image, image, type Subject } from "./image.ts";

// loadflags
const LOADED_HIGH = 0x01;
// xloadflags
const XLF_KERNEL_64 = 0x01;
const XLF_CAN_BE_LOADED_ABOVE_4G = 0x02;

/** Protocol 2.02: the first with a pointer to the command line. */
const PROTOCOL_CMDLINE = 0x202;
/** Protocol 2.12: the first with xloadflags, without which kexec_file_load takes no kernel. */
const PROTOCOL_XLOADFLAGS = 0x20c;

const SECTOR = 512;
/** What the header counts the kernel's size in. */
const PARAGRAPH = 16;

/** The setup header's fields that a loader needs. Sizes in bytes. */
export interface SetupHeader {
  /** Of the real-mode part at the file's start, boot sector included. */
  readonly setupSize: number;
  /** Of the protected-mode part behind it. */
  readonly kernelSize: number;
  /** 0x20f is 2.15. */
  readonly protocol: number;
  /** The whole text: release, builder, date; null where there is none in what was read. */
  readonly versionText: string | null;
  readonly loadedHigh: boolean;
  /** Highest address that an initrd may touch. */
  readonly initrdAddressMax: number;
  readonly kernelAlignment: number;
  readonly relocatable: boolean;
  /** It has a 64-bit entry, 0x200 behind its start. */
  readonly entry64: boolean;
  /** Kernel, initrd, command line and boot_params may lie above 4 GiB. */
  readonly above4g: boolean;
  /** Longest command line, its NUL not counted. */
  readonly cmdlineSize: number;
  /** The compressed kernel proper, from the protected-mode part's start. */
  readonly payloadOffset: number;
  readonly payloadLength: number;
  readonly prefAddress: bigint;
  /** Memory needed from the load address on. */
  readonly initSize: number;
}

/**
 * Reads the setup header.
 * @param start the file's first START_SIZE (image.ts) bytes; 0x268 are enough for all but the version
 * @returns null where there is none
 */
export function readSetupHeader(start: Buffer): SetupHeader | null {
  if (start.length < 0x268) return null;
  if (start.readUInt16LE(0x1fe) !== 0xaa55 || start.toString("latin1", 0x202, 0x206) !== "HdrS") return null;
  const protocol = start.readUInt16LE(0x206);
  // A field is what it says only where the protocol has it; before, there may be code.
  const from = <T>(version: number, read: () => T, otherwise: T): T => (protocol >= version ? read() : otherwise);
  const setupSize = ((start.readUInt8(0x1f1) || 4) + 1) * SECTOR;
  const xloadflags = from(PROTOCOL_XLOADFLAGS, () => start.readUInt16LE(0x236), 0);
  return {
    setupSize,
    kernelSize: from(0x204, () => start.readUInt32LE(0x1f4), start.readUInt16LE(0x1f4)) * PARAGRAPH,
    protocol,
    versionText: from(0x200, () => versionText(start, setupSize), null),
    loadedHigh: (start.readUInt8(0x211) & LOADED_HIGH) !== 0,
    initrdAddressMax: from(0x203, () => start.readUInt32LE(0x22c), 0x37ffffff),
    kernelAlignment: from(0x205, () => start.readUInt32LE(0x230), 0),
    relocatable: from(0x205, () => start.readUInt8(0x234) !== 0, false),
    entry64: (xloadflags & XLF_KERNEL_64) !== 0,
    above4g: (xloadflags & XLF_CAN_BE_LOADED_ABOVE_4G) !== 0,
    cmdlineSize: from(0x206, () => start.readUInt32LE(0x238), 255),
    payloadOffset: from(0x208, () => start.readUInt32LE(0x248), 0),
    payloadLength: from(0x208, () => start.readUInt32LE(0x24c), 0),
    prefAddress: from(0x20a, () => start.readBigUInt64LE(0x258), 0x100000n),
    initSize: from(0x20a, () => start.readUInt32LE(0x260), 0),
  };
}

function versionText(start: Buffer, setupSize: number): string | null {
  const pointer = start.readUInt16LE(0x20e);
  const at = pointer + 0x200;
  if (pointer === 0 || at >= Math.min(setupSize, start.length)) return null;
  const text = /^[\x20-\x7e]*/.exec(start.toString("latin1", at, at + 256))![0].trim();
  return text === "" ? null : text;
}

/**
 * Why a bzImage can't be laid out, as a sentence; null where it can.
 */
export function classicRefusal(header: SetupHeader): string | null {
  if (!header.loadedHigh) return "It is a zImage, the form before bzImage, which Baton does not load.";
  if (header.protocol < PROTOCOL_CMDLINE)
    return "It is from before Linux 2.4, and takes its command line in another way.";
  return null;
}

/** Recognises a bzImage, and the old zImage. */
export function probeBzImage({ start, size }: Subject): Image | null {
  const header = readSetupHeader(start);
  if (header === null) return null;
  const program = firmwareProgramOf(header.versionText ?? "");
  if (program !== null) return image({ format: "other", description: program.title, reason: program.reason });
  const version = header.versionText?.split(" ")[0] ?? null;
  const arch = header.entry64 ? "x86_64" : "i386";
  const found = image({
    format: "bzImage",
    description: `Linux ${version ?? "of unknown version"} (${arch} bzImage)`,
    arch,
    version,
    cmdlineLimit: header.cmdlineSize,
    classic: classicRefusal(header) === null ? ["x86_64"] : [],
  });
  const needed = header.setupSize + header.kernelSize;
  // Its size is told in paragraphs: the last one need not be whole.
  if (size <= needed - PARAGRAPH) {
    const reason = `It is cut short: its header says ${formatSize(needed)} (${needed} bytes), and the file has ${size} bytes. Copy it to the disk again.`;
    return { ...found, classic: [], description: `${found.description}, cut short`, reason };
  }
  if (!header.loadedHigh)
    return { ...found, reason: "It is a zImage, the form before bzImage, which kexec_file_load doesn't take." };
  if (header.protocol < PROTOCOL_XLOADFLAGS) {
    const protocol = `${header.protocol >> 8}.${String(header.protocol & 0xff).padStart(2, "0")}`;
    return {
      ...found,
      reason: `It speaks boot protocol ${protocol}, and kexec_file_load takes 2.12 (Linux 3.8) and newer.`,
    };
  }
  if (!header.entry64)
    return { ...found, reason: "It is a 32-bit kernel, and kexec_file_load takes only 64-bit ones." };
  if (!header.above4g) {
    return { ...found, reason: "It isn't relocatable (CONFIG_RELOCATABLE), which kexec_file_load requires." };
  }
  return { ...found, fileLoad: ["x86_64"] };
}
