/** What a Type #1 entry starts. The file tells: it is a kernel, an EFI program or a unified kernel image. */

import type { EntryKind, FileRef } from "../../entry.ts";
import { BatonError, describeError } from "../../errors.ts";
import type { DiagnosticSink } from "../budget.ts";
import { onlyFirmware } from "../foreignloaders.ts";
import type { FormatContext, FormatVolume } from "../format.ts";
import { isAbsence } from "../lookup.ts";
import type { Type1Entry } from "./type1.ts";
import { findAddons } from "./ukiaddons.ts";
import { readUki } from "./ukiimage.ts";

export interface Program {
  readonly kind: EntryKind;
  readonly reason: string | null;
  readonly options: string;
  /** Of a unified kernel image; null for all else. */
  readonly profile: number | null;
  readonly addons: readonly FileRef[];
  /** As in ParsedEntry. */
  readonly program?: FileRef;
}

const PLAIN = { profile: null, addons: [] };

/**
 * @param path of the program on the volume.
 * @param options of the entry; a unified kernel image without any uses its own.
 */
export async function startedBy(
  { loader, profile }: Pick<Type1Entry, "loader" | "profile">,
  path: string,
  options: string,
  context: FormatContext,
  notes: DiagnosticSink,
): Promise<Program> {
  if (loader.key === "uki-url") {
    const reason = `its unified kernel image is fetched from ${loader.value}: give Baton's menu this URL (n)`;
    return { kind: "other", reason, options, ...PLAIN };
  }
  if (loader.key === "linux" && !path.toLowerCase().endsWith(".efi")) {
    return { kind: "linux", reason: null, options, ...PLAIN };
  }
  try {
    const uki = await readUki(context.volume.reader, path);
    const wanted = uki?.profiles[profile ?? 0];
    if (uki !== null && wanted?.hasKernel) {
      // The stub in the image adds its addons to any command line that it is started with.
      const { cmdlines, files } = await findAddons(context, path, uki.machine, notes);
      const own = options || (wanted.cmdline ?? "");
      const all = [own, ...cmdlines].filter((part) => part !== "").join(" ");
      return { kind: "linux", reason: null, options: all, profile: wanted.number, addons: files };
    }
    if (loader.key === "linux" || (loader.key === "efi" && (await isKernel(context, path)))) {
      return { kind: "linux", reason: null, options, ...PLAIN };
    }
    if (loader.key === "uki") {
      const what = uki?.profiles[0]?.hasKernel ? `has no profile ${profile ?? 0}` : "is no unified kernel image";
      return { kind: "linux", reason: `${path} ${what}`, options, ...PLAIN };
    }
  } catch (error) {
    if (error instanceof BatonError && error.code === "timeout") throw error;
    if (!isAbsence(error)) {
      const source = `${context.volume.name}:${path}`;
      notes.push({ severity: "error", source, line: null, column: null, message: describeError(error) });
    }
    // Whether the file is there is checked for every entry alike.
    if (loader.key !== "efi") return { kind: "linux", reason: null, options, ...PLAIN };
  }
  const program = { device: context.volume.name, path };
  return { kind: "efi", reason: onlyFirmware(path), options, ...PLAIN, program };
}

/** True for a kernel with an EFI stub, which people start with an `efi` line too. */
export async function isKernel({ volume }: { readonly volume: FormatVolume }, path: string): Promise<boolean> {
  const start = await volume.reader.readAt(path, 0, 0x206);
  const text = (at: number): string => String.fromCharCode(...start.subarray(at, at + 4));
  // The x86 boot protocol's "HdrS"; arm64's and RISC-V's image headers; a kernel that unpacks itself as an EFI program.
  return text(0x202) === "HdrS" || ["ARMd", "RSC\u0005"].includes(text(0x38)) || text(4) === "zimg";
}

/** True for the kernel with Baton inside that configs/kernel makes, by the release in its header (kernel_version, x86/boot.rst). */
export async function isBatonKernel({ volume }: { readonly volume: FormatVolume }, path: string): Promise<boolean> {
  const start = Buffer.from(await volume.reader.readAt(path, 0, 0x210));
  if (start.length < 0x210 || start.toString("latin1", 0x202, 0x206) !== "HdrS") return false;
  const text = await volume.reader.readAt(path, start.readUInt16LE(0x20e) + 0x200, 128);
  return /^[\w.+-]*-baton /.test(Buffer.from(text).toString("latin1"));
}
