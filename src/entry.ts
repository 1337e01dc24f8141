/**
 * What can be booted: the one type that every format produces and every later stage consumes.
 * Imports nothing.
 */

/** A file that an entry names. */
export type FileRef = DeviceFile | UrlFile | UnresolvedFile;

/** A file on a device that is attached. */
export interface DeviceFile {
  /** Kernel name of the device, without /dev: `vda1`. */
  readonly device: string;
  /** Absolute within the filesystem on that device. */
  readonly path: string;
}

/** A file that is fetched. */
interface UrlFile {
  readonly url: string;
}

/** A file on something that no attached device answers to (yet). */
interface UnresolvedFile {
  /** What the configuration named: `UUID=…`, `LABEL=…`, `hd0,gpt2`. */
  readonly selector: string;
  /** Absolute within the filesystem that the selector means. */
  readonly path: string;
}

/** The one-string form of docs/interfaces.md: `vda1:/vmlinuz`, a URL, or `unresolved:UUID=…:/vmlinuz`. */
export function formatFileRef(ref: FileRef): string {
  if ("url" in ref) return ref.url;
  if ("device" in ref) return `${ref.device}:${ref.path}`;
  return `unresolved:${ref.selector}:${ref.path}`;
}

/** The same for messages, as {@link shownAddress}. */
export const shownFileRef = (ref: FileRef): string => shownAddress(formatFileRef(ref));

/**
 * A URL for messages and logs, or what was meant for one: without names and passwords, the values of its query, and forms.
 * Any of them may be what a person has typed as a password into a script's question. Other texts stay as they are.
 */
export function shownAddress(text: string): string {
  if (!/^[a-z][a-z0-9+.-]*:\/\//i.test(text)) return text;
  // A password with a slash in it makes no URL.
  const userinfo = URL.canParse(text) ? /^([^/]*\/\/)[^/?#]*@/ : /^([^/]*\/\/).*@/s;
  return text
    .replace(userinfo, "$1")
    .replace(/\?[^#]*/, (query) => query.replace(/(^\?|&)(?:([^=&]*=)?[^&]+)/g, "$1$2…"))
    .replace(/([#&](?:post|header)=)[^&]*/gi, "$1…");
}

/**
 * The reverse of {@link formatFileRef}.
 * @returns null where the text is none of the three forms.
 */
export function parseFileRef(text: string): FileRef | null {
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(text)) return { url: text };
  const unresolved = /^unresolved:(.*?):(\/.*)$/s.exec(text);
  if (unresolved) return { selector: unresolved[1]!, path: unresolved[2]! };
  const device = /^([^:/]+):(\/.*)$/s.exec(text);
  if (device) return { device: device[1]!, path: device[2]! };
  return null;
}

/** `vda1` of `vda1:/boot/grub/grub.cfg`, `http://host` of a URL. */
export function sourceDevice(source: string): string {
  const url = /^[a-z][a-z0-9+.-]*:\/\/[^/]*/i.exec(source);
  if (url) return url[0];
  const colon = source.indexOf(":/");
  return colon > 0 ? source.slice(0, colon) : source;
}

/** Which configuration language an entry came from. */
export type EntryType =
  | "grub"
  | "grub-legacy"
  | "syslinux"
  | "pxelinux"
  | "bls"
  | "uki"
  | "ipxe"
  /** A kernel that was named by its URL alone. */
  | "url"
  | "baton"
  | "petitboot"
  | "limine"
  | "refind"
  | "raspberrypi"
  | "uboot"
  | "android"
  | "lilo"
  | "elilo"
  | "kexecboot"
  /** OSTree's deployments without a loader. */
  | "ostree"
  /** A snapshot of a btrfs, with the command line of its system. */
  | "snapshot"
  /** A kernel on a disk without any configuration, found by its name. */
  | "kernel"
  /** What the firmware would start from a disk without any configuration. */
  | "loader"
  /** The firmware's own boot entries. */
  | "firmware";

/** What sort of thing an entry starts. */
export type EntryKind = "linux" | "multiboot" | "multiboot2" | "efi" | "iso" | "local" | "other";

/** A multiboot module and its arguments. */
export interface BootModule {
  readonly file: FileRef;
  readonly args: string;
}

/** What a file must be, by its configuration: another one is refused when the entry is booted. */
export interface FileDigest {
  readonly file: FileRef;
  readonly algorithm: "blake2b512";
  /** In lower case. */
  readonly hex: string;
}

/** What a script asks of a person (iPXE's `read`, `login` and forms). */
export interface Question {
  /** Among the questions of one entry. */
  readonly name: string;
  readonly text: string;
  /** What is typed isn't shown. */
  readonly isSecret: boolean;
  /** What stands there already. */
  readonly value: string;
}

/** Something a bootloader would write when this entry is booted (docs/interfaces.md, `boot --dry-run --json`). */
export type StateWrite =
  | {
      readonly file: FileRef;
      readonly set: Readonly<Record<string, string>>;
      readonly unset: readonly string[];
      /** Left out for GRUB's environment block; `default` is GRUB legacy's file of that name, which holds a number. */
      readonly form?: "default";
    }
  | { readonly rename: FileRef; readonly to: string }
  | {
      readonly efivar: string;
      /** Text, which is written as UTF-16 with a NUL at its end; null takes the variable away. */
      readonly value: string | null;
      /** The characters of `value` are bytes, and there is nothing else in it (GRUB's `setenv`). */
      readonly isBytes?: true;
    };

/** A snapshot that an entry starts. */
export interface SnapshotFacts {
  /** Its path from the filesystem's top, as `rootflags=subvol=` has it. */
  readonly subvolume: string;
  /** The path of what it is a snapshot of, null where that isn't known. */
  readonly of: string | null;
  /** What a person should know before it is booted. */
  readonly warnings: readonly string[];
}

/**
 * One entry as a format reads it from a configuration, before Baton has compared it with the others or looked
 * for its files.
 */
export interface ParsedEntry {
  /** The entry's own name in its configuration (GRUB --id, BLS file name, syslinux label), else null. */
  readonly nativeId: string | null;
  /** As the menu shows it, without its submenu's and without hotkey marks. */
  readonly title: string;
  /** Titles of the submenus around it, outermost first. */
  readonly submenu: readonly string[];
  readonly type: EntryType;
  /** The configuration file in which the entry stands: `vda1:/boot/grub/grub.cfg`. */
  readonly source: string;
  readonly kind: EntryKind;
  /** The kernel image; null where this is no Linux entry. */
  readonly linux: FileRef | null;
  /** In load order; the kernel unpacks them as if joined. */
  readonly initrd: readonly FileRef[];
  /**
   * For each of `initrd`, the path in the initial file system at which the file itself is to be found (GRUB's
   * `newc:NAME:FILE`), null for one that is unpacked; left out where all are.
   */
  readonly initrdNames?: readonly (string | null)[];
  /** The permissions of such files, null for the usual ones; left out where all have those. */
  readonly initrdModes?: readonly (number | null)[];
  readonly devicetree: FileRef | null;
  /** Devicetree overlays, applied in this order to `devicetree`, or to the one that the machine runs with. */
  readonly devicetreeOverlays?: readonly FileRef[];
  /**
   * Addons of the unified kernel image that `linux` is (`*.addon.efi`): their `.ucode` and `.initrd` sections follow
   * the image's own. What their `.cmdline` sections add stands in `options` already.
   */
  readonly addons?: readonly FileRef[];
  readonly modules: readonly BootModule[];
  /** The kernel command line, exactly as the kernel gets it. */
  readonly options: string;
  /** Why the format already knows that this can't be booted, else null. */
  readonly reason: string | null;
  /** What booting this entry would have the bootloader write. */
  readonly writes: readonly StateWrite[];
  /** Needs a password in its own bootloader: the users who may boot it (GRUB --users, superusers), else null. */
  readonly restricted: readonly string[] | null;
  /**
   * Why it doesn't boot by itself though it can be chosen: a check that its configuration asks for can't be made here
   * (a signature, a password), or the script never says that it is started. Left out where nothing is against it.
   */
  readonly unchecked?: string;
  /** Digests of its files that are checked when it is booted, where its configuration gives any. */
  readonly digests?: readonly FileDigest[];
  /** A key that picks this entry, where the configuration gives one. */
  readonly hotkey: string | null;
  /** What its menu's class says it is, where that is a tool and no system (GRUB `--class memtest`). */
  readonly tool?: string;
  /**
   * What it leads to is fetched only when it is chosen (a script that an iPXE menu chains to): the door's name in
   * FormatResult.doors. It can be chosen, and boots nothing by itself.
   */
  readonly opens?: string;
  /** What a person is asked before that: the answers go to the door. */
  readonly asks?: readonly Question[];
  /**
   * Where `linux` is null: the boot program that it starts, an EFI program's file; a partition's boot sector has the path
   * `/`. Left out where it starts none, or none that is known.
   */
  readonly program?: FileRef;
  /** The configuration that `program` reads, where Baton has read it, too: its `source`. */
  readonly menu?: string;
  /** It starts a snapshot; its command line is still to come (src/discovery/snapshots.ts). */
  readonly snapshot?: SnapshotFacts;
  // Boot Loader Specification only, named as bootctl names them.
  readonly sortKey?: string | null;
  readonly version?: string | null;
  readonly machineId?: string | null;
  readonly architecture?: string | null;
  readonly triesLeft?: number | null;
  readonly triesDone?: number | null;
  /** Where `linux` is a unified kernel image of several profiles: which of them, from 0 (the default). */
  readonly profile?: number | null;
  /** Where `linux` is a FIT image: which of its configurations (`NAME`, or `NAME#MORE` with others' overlays); left out for its own choice. */
  readonly fitConfiguration?: string;
}

/** An entry of another configuration's menu. */
export interface MenuLink {
  readonly id: string;
  /** Whether that configuration names it as its default, merely has it first, or has no default. */
  readonly by: "name" | "order" | "nothing";
}

/** One entry of the list that people and policy choose from. */
export interface BootEntry extends ParsedEntry {
  /** Stable across runs, unique in the list, without spaces. */
  readonly id: string;
  /** True on at most one entry of the list. */
  readonly isDefault: boolean;
  /** Whether it boots by itself: as the default, or after that has failed; left out where only a person boots it. */
  readonly unattended?: "default" | "fallback";
  /** Where it opens another configuration's `menu`: what stands selected there. */
  readonly leadsTo?: MenuLink;
  /** The configuration that led to it: its own `source`, or one from which that was read in turn. */
  readonly config?: string;
  /** False where this entry can't be booted now; `reason` says why. */
  readonly bootable: boolean;
  /** The owner lets nobody boot it; `reason` says by which setting. Changing its files or words changes nothing. */
  readonly isForbidden?: boolean;
}

/** Fills what most entries don't have. */
export function parsedEntry(
  fields: Pick<ParsedEntry, "title" | "type" | "source"> & Partial<ParsedEntry>,
): ParsedEntry {
  return {
    nativeId: null,
    submenu: [],
    kind: "linux",
    linux: null,
    initrd: [],
    devicetree: null,
    modules: [],
    options: "",
    reason: null,
    writes: [],
    restricted: null,
    hotkey: null,
    ...fields,
  };
}

/** Every file that booting an entry reads, in the order in which they are loaded. */
export function entryFiles(entry: ParsedEntry): FileRef[] {
  const { linux, modules, initrd, devicetree, devicetreeOverlays = [], addons = [] } = entry;
  const files = [linux, ...modules.map(({ file }) => file), ...initrd, ...addons, devicetree, ...devicetreeOverlays];
  return files.filter((file) => file !== null);
}

/** What a bootloader's configuration has as a user's password; never shown, logged or handed to the menu. */
export type UserPassword =
  | { readonly plain: string }
  /** PBKDF2 (RFC 8018) with HMAC-SHA-512; `salt` and `hash` in hexadecimal. */
  | { readonly iterations: number; readonly salt: string; readonly hash: string }
  /** As crypt(3) prints it, `$1$…`, `$5$…`, `$6$…`, or SYSLINUX's `$4$…`. */
  | { readonly crypt: string }
  /** Why it can't be checked. */
  | { readonly problem: string };

/** Something a person should know about a configuration. */
export interface Diagnostic {
  readonly severity: "error" | "warning";
  /** The file: `vda1:/boot/grub/grub.cfg`. */
  readonly source: string;
  /** From 1; null where the whole file is meant. */
  readonly line: number | null;
  /** From 1, in UTF-16 units; null where the whole line is meant. */
  readonly column: number | null;
  /** What is wrong, why, and what to do. */
  readonly message: string;
}

/** `vda1:/boot/grub/grub.cfg:41:7: missing '}'`, the form in which logs and the terminal show it. */
export function formatDiagnostic(d: Diagnostic): string {
  const line = d.line === null ? "" : `:${d.line}${d.column === null ? "" : `:${d.column}`}`;
  return `${shownAddress(d.source)}${line}: ${d.message}`;
}
