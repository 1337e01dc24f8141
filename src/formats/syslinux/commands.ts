/** What a label boots: the file's type, its command line and initrds, and what COM32 modules stand for. */

import type { BootModule, EntryKind, FileRef } from "../../entry.ts";
import type { Label, LabelType } from "./config.ts";
import { type Dialect, isMenuModule, moduleName } from "./dialect.ts";
import { splitRaw } from "./words.ts";

/** What booting comes to. */
export type Command =
  | {
      readonly does: "boot";
      readonly kind: EntryKind;
      readonly linux: FileRef | null;
      readonly initrd: readonly FileRef[];
      readonly devicetree: FileRef | null;
      /** A folder from which this machine's devicetree is taken; null where one is named, or none is asked for. */
      readonly devicetreeFolder: string | null;
      readonly overlays: readonly FileRef[];
      readonly modules: readonly BootModule[];
      /** VMware's list of the files; null for all but ESXi. */
      readonly bootCfg: string | null;
      /** Of a kernel that is a FIT image; null for its own choice. */
      readonly fitConfiguration: string | null;
      readonly options: string;
      readonly reason: string | null;
      /** A disk's or partition's boot sector that it starts, where that is known. */
      readonly program?: FileRef;
    }
  /** Another configuration takes over; no files: the menu of this one. */
  | { readonly does: "configure"; readonly files: readonly string[]; readonly cwd: string | null }
  /** Another command line is run, as if it were typed at the prompt. */
  | { readonly does: "run"; readonly commandLine: string };

export type BootCommand = Extract<Command, { does: "boot" }>;

export interface CommandContext {
  readonly dialect: Dialect;
  readonly arch: string;
  /** The file that a configuration means by a name. */
  resolve(name: string): FileRef;
  /** The boot sector that chain.c32 starts by these arguments; null where it starts none that is known. */
  chained(args: string): FileRef | null;
  /** What SYSAPPEND adds, and the bits of which nothing can be known here. */
  sysappend(mask: number): { readonly words: string; readonly unknown: readonly number[] };
  warn(label: Label, message: string): void;
}

/** What a label says, as a command. */
export function labelCommand(label: Label, context: CommandContext): Command {
  const own = label.append ?? label.globalAppend ?? "";
  const append = own.trim() === "-" ? "" : own;
  return context.dialect === "u-boot" ? ubootCommand(label, append, context) : syslinuxCommand(label, append, context);
}

/**
 * A command line that isn't a label: a file and its arguments, the file's type by its name.
 * @param append the global APPEND, which kernels get too.
 */
export function plainCommand(line: string, append: string, context: CommandContext): Command {
  const [file, args] = splitRaw(line);
  const isKernel = typeByName(file) === "linux" && append !== "-";
  return imageCommand("kernel", file, join(args, isKernel ? append : ""), context);
}

/**
 * As Syslinux 6 composes it, blanks included: the arguments after the file, APPEND, `initrd=` for INITRD, and what
 * SYSAPPEND asks for. (Measured with Debian's 6.04 by booting it.)
 */
function syslinuxCommand(label: Label, append: string, context: CommandContext): Command {
  const [file] = splitRaw(label.image);
  const parts = [label.image.slice(label.image.indexOf(file) + file.length)];
  if (append !== "") parts.push(` ${append}`);
  if (label.initrd !== null) parts.push(` initrd=${label.initrd}`);
  const more = sysappends(label, context);
  if (more !== "") parts.push(` ${more}`);
  return imageCommand(label.type, file, parts.join("").trim(), context);
}

function imageCommand(type: LabelType, file: string, args: string, context: CommandContext): Command {
  const actual = type === "kernel" ? typeByName(file) : type;
  switch (actual) {
    case "localboot":
      return local(`it leaves booting to the firmware (LOCALBOOT ${file}), which kexec can't`);
    case "config":
      return { does: "configure", files: [file], cwd: args === "" ? null : splitRaw(args)[0] };
    case "com32":
      return moduleCommand(file, args, context);
    case "pxe":
      return other(`${file} is a network boot program for PXE firmware`);
    case "comboot":
      return other(`${file} is a program for SYSLINUX up to version 4`);
    case "boot":
    case "bss":
      return other(`${file} is a boot sector, which runs on the firmware's BIOS`);
    case "fdimage":
      return other(`${file} is the image of a floppy disk, for the BIOS`);
    default:
      return linux(file, args, context);
  }
}

/** What KERNEL takes a file for (Syslinux 6, parse_kernel_type). */
function typeByName(file: string): LabelType {
  if (/\.c32$/i.test(file)) return "com32";
  if (/\.0$/.test(file)) return "pxe";
  if (/\.(bs|bin)$/i.test(file)) return "boot";
  if (/\.bss$/i.test(file)) return "bss";
  if (/\.(com|cbt)$/i.test(file)) return "comboot";
  return "linux";
}

function linux(file: string, args: string, context: CommandContext, which: "first" | "last" = "first"): Command {
  const initrd = initrdFiles(args, which).map((name) => context.resolve(name));
  if (/(^|[/\\])memdisk$/i.test(file)) {
    const what = initrdFiles(args)[0] ?? "a disk image";
    const iso = /\.iso$/i.test(what) || /(^|\s)iso(\s|$)/.test(args);
    const reason = `memdisk starts ${what} through the firmware's BIOS, which kexec leaves behind`;
    return { ...nothing(iso ? "iso" : "other", reason), initrd };
  }
  return {
    ...nothing("linux", file === "" ? "it names no kernel" : null),
    linux: file === "" ? null : context.resolve(file),
    initrd,
    options: join(`BOOT_IMAGE=${file}`, args),
  };
}

/**
 * The files of `initrd=` on a command line. Where there are several, Syslinux 6.04 itself takes the first (measured;
 * its manual says the last), and its module linux.c32 the last.
 */
function initrdFiles(args: string, which: "first" | "last" = "first"): string[] {
  const all = [...args.matchAll(/(?:^|\s)initrd=(\S*)/g)];
  return (all.at(which === "first" ? 0 : -1)?.[1] ?? "").split(",").filter((name) => name !== "");
}

/** COM32 modules that do nothing but what a boot menu has keys for, or show something. */
const POWER: Readonly<Record<string, string>> = {
  reboot: "it restarts the machine: press R in Baton's menu",
  poweroff: "it switches the machine off: press P in Baton's menu",
};

function moduleCommand(file: string, args: string, context: CommandContext): Command {
  const name = moduleName(file) ?? file.slice(file.lastIndexOf("/") + 1).toLowerCase();
  if (isMenuModule(`${name}.c32`)) return { does: "configure", files: words(args), cwd: null };
  switch (name) {
    case "linux": {
      // linux.c32 [-dhcpinfo] KERNEL ARGUMENTS…
      const rest = args.replace(/^(-\S+\s+)+/, "");
      const [kernel, more] = splitRaw(rest);
      return linux(kernel, more, context, "last");
    }
    case "mboot":
      return multiboot(args, context);
    case "ifcpu64":
    case "ifcpu":
      return { does: "run", commandLine: byProcessor(name, args, context.arch) };
    case "whichsys":
      return { does: "run", commandLine: bySystem(args, context.dialect) };
    case "chain":
    case "pxechn":
    case "sanboot": {
      const reason = `it starts another bootloader (${name}.c32 ${args}), which needs the firmware`;
      // Only a disk of this machine is local: `hd0`, `mbr:0x…`, the boot drive, a filesystem by its label.
      const isOwnDisk = name === "chain" && /(^|\s)(hd\d|mbr[:=]|guid[:=]|label[:=]|boot\b|fs\b)/i.test(args);
      const program = name === "chain" ? context.chained(args) : null;
      return { ...(isOwnDisk ? local(reason) : other(reason)), ...(program !== null && { program }) };
    }
    default: {
      const power = POWER[name];
      if (power !== undefined) return other(power);
      return other(`${name}.c32 is a program that runs inside SYSLINUX only`);
    }
  }
}

/** mboot.c32 KERNEL ARGUMENTS --- MODULE ARGUMENTS --- … */
function multiboot(args: string, context: CommandContext): Command {
  const [option, bootCfg] = /(?:^|\s)-c\s+(\S+)/.exec(args) ?? [];
  if (option !== undefined) {
    // VMware's mboot.c32; what else it is given it adds to ESXi's options (-p names the partition for its own use).
    const options = args
      .replace(option, "")
      .replace(/(?:^|\s)-p\s+\d+/, "")
      .trim();
    return { ...nothing("multiboot", null), bootCfg: bootCfg!, options };
  }
  const modules = args.split(/(?:^|\s)---(?=\s|$)/).flatMap((part) => {
    const [file, rest] = splitRaw(part);
    return file === "" ? [] : [{ file: context.resolve(file), args: rest }];
  });
  const first = modules[0];
  return { ...nothing("multiboot", first ? null : "it names no kernel"), modules, options: first?.args ?? "" };
}

/** ifcpu64.c32 LONG-MODE -- PAE -- NEITHER, the one in the middle optional; ifcpu.c32 FLAGS -- IF-ALL -- ELSE. */
function byProcessor(name: string, args: string, arch: string): string {
  const choices = args.split(/(?:^|\s)--(?=\s|$)/).map((choice) => choice.trim());
  const is64 = arch === "x86_64";
  if (name === "ifcpu64") return (is64 ? choices[0] : choices.at(-1)) ?? "";
  const flags = words(choices[0] ?? "");
  const has = flags.every((flag) => flag !== "64" || is64);
  return (has ? choices[1] : choices[2]) ?? "";
}

/** whichsys.c32 -iso- COMMAND… -pxe- COMMAND… -sys- COMMAND… */
function bySystem(args: string, dialect: Dialect): string {
  const system = dialect === "isolinux" ? "-iso-" : dialect === "pxelinux" ? "-pxe-" : "-sys-";
  const parts = args.split(/(?:^|\s)(-(?:iso|pxe|sys)-)(?=\s|$)/);
  const at = parts.indexOf(system);
  return at < 0 ? "" : (parts[at + 1] ?? "").trim();
}

function sysappends(label: Label, context: CommandContext): string {
  if (label.sysappend === 0) return "";
  const { words, unknown } = context.sysappend(label.sysappend);
  if (unknown.length > 0) {
    const bits = unknown.map((bit) => `0x${bit.toString(16)}`).join(", ");
    context.warn(label, `SYSAPPEND: Baton doesn't know what belongs to ${bits}; nothing is added for it`);
  }
  return words;
}

/**
 * As U-Boot's pxe_utils does it: nothing is added to APPEND; `initrd=` in it names the initrd where there is no
 * INITRD; `#CONF` after the kernel is a FIT image's configuration.
 */
function ubootCommand(label: Label, append: string, context: CommandContext): Command {
  if (label.type === "localboot") return local("it runs U-Boot's own localcmd, which only U-Boot has");
  if (label.type !== "kernel" && label.type !== "linux") {
    return other(`${label.type.toUpperCase()} is no word of U-Boot's extlinux.conf`);
  }
  const hash = label.image.indexOf("#");
  const image = (hash < 0 ? label.image : label.image.slice(0, hash)).trimEnd();
  const [configuration] = hash < 0 ? [] : words(label.image.slice(hash + 1));
  const options = fillVariables(join(append, sysappends(label, context)), label, context);
  const inAppend = /initrd=(\S+)/.exec(append)?.[1] ?? "";
  const initrd = (label.initrd ?? inAppend).split(",").flatMap((name) => name.trim() || []);
  return {
    ...nothing("linux", image === "" ? "it names no kernel" : null),
    linux: image === "" ? null : context.resolve(image),
    fitConfiguration: configuration ?? null,
    initrd: initrd.map((name) => context.resolve(name)),
    devicetree: label.fdt === null || label.fdt === "-" ? null : context.resolve(label.fdt),
    devicetreeFolder: label.fdt === null ? label.fdtdir : null,
    overlays: words(label.fdtoverlays ?? "").map((name) => context.resolve(name)),
    options,
  };
}

/**
 * As U-Boot's simple macros: `${name}` is filled in from its environment, which nobody else has: left out, as an unset
 * one would be, with the blanks that this leaves. One level of backslashes falls away, and single quotes with it:
 * what is between them is taken as it is.
 */
function fillVariables(text: string, label: Label, context: CommandContext): string {
  const names: string[] = [];
  let options = "";
  let quoted = false;
  for (let at = 0; at < text.length; at++) {
    const c = text[at]!;
    if (c === "'") quoted = !quoted;
    else if (quoted) options += c;
    else if (c === "\\") options += text[++at] ?? "";
    else {
      const name = c === "$" ? /^\$\{([^}\s]*)\}/.exec(text.slice(at, at + 200)) : null;
      if (name === null) options += c;
      else {
        names.push(name[0]);
        at += name[0].length - 1;
        if (/(^|\s)$/.test(options)) while (/\s/.test(text[at + 1] ?? "")) at++;
      }
    }
  }
  if (names.length === 0) return options;
  const list = names.join(", ");
  context.warn(label, `${list}: U-Boot fills this in from its own environment, which Baton can't see; it is left out`);
  return options.trim();
}

function nothing(kind: EntryKind, reason: string | null): BootCommand {
  const none = {
    linux: null,
    initrd: [],
    devicetree: null,
    devicetreeFolder: null,
    overlays: [],
    modules: [],
    bootCfg: null,
    fitConfiguration: null,
  };
  return { does: "boot", kind, ...none, options: "", reason };
}

const local = (reason: string): BootCommand => nothing("local", reason);
const other = (reason: string): BootCommand => nothing("other", reason);

const words = (text: string): string[] => text.split(/\s+/).filter((word) => word !== "");

/** Joined by one blank, without those that are empty. Blanks inside a part stay as they are. */
function join(...parts: readonly string[]): string {
  return parts
    .map((part) => part.trim())
    .filter((part) => part !== "")
    .join(" ");
}
