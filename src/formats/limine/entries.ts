/** What one entry of Limine's menu starts, by its protocol (CONFIG.md, "Locally assignable options"). */

import {
  type BootModule,
  type EntryKind,
  type FileDigest,
  type FileRef,
  type ParsedEntry,
  parsedEntry,
} from "../../entry.ts";
import { bootSectorOn, bootSectorWith, diskWithMbrId } from "../bootsector.ts";
import { clip, type EntryList } from "../entrylist.ts";
import type { FormatContext } from "../format.ts";
import { startedProgram } from "../startedprogram.ts";
import { liminePath } from "./paths.ts";
import { firstValue, type Item, type Option } from "./syntax.ts";

type Protocol = "linux" | "multiboot" | "multiboot2" | "efi" | "bios" | "efi entry" | "own" | "next";

const PROTOCOLS: Readonly<Record<string, Protocol>> = {
  linux: "linux",
  multiboot: "multiboot",
  multiboot1: "multiboot",
  multiboot2: "multiboot2",
  efi: "efi",
  uefi: "efi",
  efi_chainload: "efi",
  efi_boot_entry: "efi entry",
  bios: "bios",
  bios_chainload: "bios",
  chainload: "bios",
  chainload_next: "next",
  limine: "own",
  stivale: "own",
  stivale2: "own",
};

const KERNEL_KEYS = ["path", "kernel_path", "image_path"];
const MODULE_WORDS = ["module_string", "module_cmdline"];
/** Characters of BLAKE2b-512 in hexadecimal. */
const BLAKE2B = /^[0-9a-f]{128}$/;

/** False where Limine would not show it on this machine. */
export function isShown({ options }: Item, firmware: "efi" | "pc", arch: string): boolean {
  const wanted = firstValue(options, "if_fw_type");
  if (wanted !== null && wanted.trim().toLowerCase() !== (firmware === "efi" ? "uefi" : "bios")) return false;
  const archs = firstValue(options, "if_arch")?.split(/\s+/) ?? [arch];
  if (!archs.includes(arch)) return false;
  const protocol = protocolOf(options);
  return (
    !(protocol === "bios" && firmware === "efi" && chainedImage(options) === null) &&
    !(protocol === "efi" && firmware === "pc")
  );
}

function protocolOf(options: readonly Option[]): Protocol | null {
  return PROTOCOLS[(firstValue(options, "protocol") ?? "").trim().toLowerCase()] ?? null;
}

/** On UEFI the older `chainload` starts a program. */
const chainedImage = (options: readonly Option[]): string | null => firstValue(options, "image_path");

/** Files as an entry names them, with what is wrong about them. */
class Files {
  readonly digests: FileDigest[] = [];
  readonly #list: EntryList;
  reason: string | null = null;
  unchecked: string | null = null;
  hasPacked = false;

  constructor(list: EntryList) {
    this.#list = list;
  }

  file(text: string): FileRef | null {
    const found = liminePath(text, this.#list.context);
    if (typeof found === "string") {
      this.reason ??= found;
      return null;
    }
    const { file, hash, isPacked } = found;
    this.hasPacked ||= isPacked;
    if (hash !== null && BLAKE2B.test(hash)) this.digests.push({ file, algorithm: "blake2b512", hex: hash });
    else if (hash !== null) {
      const path = "path" in file ? file.path : file.url;
      this.unchecked ??= `Limine would check the hash of ${path}, which is of a kind that Baton doesn't know`;
    }
    return file;
  }
}

/**
 * @param submenu the titles around it.
 * @param tree the devicetree for all entries (`global_dtb`), null where there is none.
 */
export async function limineEntry(
  { title, options, line }: Item,
  submenu: readonly string[],
  tree: string | null,
  list: EntryList,
): Promise<ParsedEntry> {
  const files = new Files(list);
  const kernelPath = firstValue(options, ...KERNEL_KEYS);
  const protocol = protocolOf(options);
  const kernel = kernelPath === null || protocol === "bios" || protocol === "next" ? null : files.file(kernelPath);
  const modules = modulesOf(options, files);
  const dtb = firstValue(options, "dtb_path") ?? tree;
  const devicetree = dtb === null || protocol !== "linux" ? null : files.file(dtb);
  const cmdline = firstValue(options, "cmdline", "kernel_cmdline") ?? "";
  const named = kernel === null ? (files.reason ?? "it names no kernel") : files.reason;
  const started = await start(protocol, { kernel, modules, cmdline, named, files, options }, list, line);
  const { digests, unchecked } = files;
  return parsedEntry({
    ...{ title, submenu, type: "limine", source: list.source, devicetree },
    ...started,
    ...(digests.length > 0 && { digests }),
    ...(unchecked !== null && { unchecked }),
  });
}

interface Named {
  readonly kernel: FileRef | null;
  readonly modules: readonly BootModule[];
  readonly cmdline: string;
  /** Why the files that it names are of no use; null where they are. */
  readonly named: string | null;
  readonly files: Files;
  readonly options: readonly Option[];
}

async function start(
  protocol: Protocol | null,
  { kernel, modules, cmdline, named, files, options }: Named,
  list: EntryList,
  line: number,
): Promise<Partial<ParsedEntry>> {
  const other = (kind: EntryKind, reason: string): Partial<ParsedEntry> => ({ kind, reason });
  const given = clip(firstValue(options, "protocol") ?? "");
  switch (protocol) {
    case "linux":
      return { linux: kernel, initrd: modules.map(({ file }) => file), options: cmdline, reason: named };
    case "multiboot":
    case "multiboot2": {
      const reason = named ?? (files.hasPacked ? "Limine would unpack files for it, which Baton doesn't" : null);
      if (kernel === null) return other(protocol, named ?? "");
      return { kind: protocol, modules: [{ file: kernel, args: cmdline }, ...modules], options: cmdline, reason };
    }
    case "efi":
      return kernel === null ? other("efi", named ?? "") : startedProgram(kernel, cmdline, list);
    case "bios": {
      const image = chainedImage(options);
      if (image === null) {
        const program = chainedSector(options, list.context);
        return {
          ...other("local", "it starts a boot sector, which only a BIOS can do"),
          ...(program !== null && { program }),
        };
      }
      const program = files.file(image);
      return program === null ? other("efi", files.reason ?? "") : startedProgram(program, cmdline, list);
    }
    case "next":
      return other("local", "it hands on to the firmware's next boot entry, which only the firmware can do");
    case "efi entry": {
      const entry = clip(firstValue(options, "entry") ?? "");
      return other("efi", `it starts the firmware's boot entry "${entry}", which only the firmware can do`);
    }
    case "own":
      return other("other", `it starts a kernel by the protocol ${given}, which only Limine can do`);
    default: {
      const reason =
        given === "" ? "it names no protocol" : `it starts a kernel by '${given}', which Baton doesn't know`;
      list.say("warning", line, reason);
      return other("other", reason);
    }
  }
}

/** A drive's number is known to the firmware of the day only; left out, it is the one that Limine started from. */
function chainedSector(options: readonly Option[], context: FormatContext): FileRef | null {
  const guid = firstValue(options, "gpt_guid", "gpt_uuid");
  if (guid !== null) return bootSectorWith("PARTUUID", guid.trim(), context);
  const id = firstValue(options, "mbr_id");
  const partition = Number(firstValue(options, "partition") ?? 0);
  if (id !== null) return bootSectorOn(diskWithMbrId(id.trim(), context), partition, context);
  return firstValue(options, "drive") === null ? bootSectorOn(context.volume.disk, partition, context) : null;
}

/** `module_string` belongs to the module named last. */
function modulesOf(options: readonly Option[], files: Files): BootModule[] {
  const modules: BootModule[] = [];
  for (const { key, value } of options) {
    if (key === "module_path") {
      const file = files.file(value);
      if (file !== null) modules.push({ file, args: "" });
    } else if (MODULE_WORDS.includes(key) && modules.length > 0) modules.push({ ...modules.pop()!, args: value });
  }
  return modules;
}
