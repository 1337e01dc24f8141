/** The contract of a configuration format: text and a Reader in, entries and diagnostics out. */

import type { Diagnostic, EntryType, ParsedEntry, UserPassword } from "../entry.ts";
import type { VolumeIdentity } from "../identity.ts";
import type { BudgetContext } from "./budget.ts";
import type { Reader } from "./reader.ts";

/** A subvolume of a btrfs. */
export interface Subvolume {
  /** From the top level: `@rootfs`, `.snapshots/7/snapshot`. */
  readonly path: string;
  /** The path of what it is a snapshot of, null where it is none; empty where that is not there any more. */
  readonly snapshotOf: string | null;
  readonly readOnly: boolean;
}

/** A filesystem as formats know it. */
export interface FormatVolume extends VolumeIdentity {
  /** As blkid names it: `ext4`, `vfat`, `xfs`, `btrfs`, `iso9660`…; null where unknown. */
  readonly type: string | null;
  /** The disk that holds the partition (`vda`), or null where that can't be told (a plain directory). */
  readonly disk: string | null;
  /** Partition number from 1, null for a whole disk. */
  readonly partition: number | null;
  readonly scheme: "gpt" | "msdos" | null;
  readonly removable: boolean;
  /** Other names that GRUB has for it, the usual one first: `lvm/vg0-boot`, `md/boot`, `cryptouuid/…`. */
  readonly aliases?: readonly string[];
  /**
   * The subvolumes of a btrfs. Never rejects; empty where they can't be read. Left out where they aren't known: in a
   * directory.
   */
  readonly subvolumes?: () => Promise<readonly Subvolume[]>;
  /** Mounts on first use; see Reader for how it fails. */
  readonly reader: Reader;
}

/** What the firmware and the machine are, as configurations ask for it. */
export interface Platform {
  readonly firmware: "efi" | "pc";
  /** As `uname -m`: `x86_64`, `aarch64`, `i386`, `riscv64`. */
  readonly arch: string;
  /** EFI variable by name under systemd's loader GUID, decoded to text; null where there is none. */
  readonly loaderVariable?: (name: string) => string | null;
  /** The bytes of any EFI variable, without its attributes; null where there is none. @param guid in lower case. */
  readonly efiVariable?: (name: string, guid: string) => Uint8Array | null;
  /** The firmware's SMBIOS structures as they lie in memory, null where there are none. */
  readonly smbios?: () => Uint8Array | null;
  /** The processor: its family (6 for every x86 since 1995) and flags as /proc/cpuinfo has them; null where unknown. */
  readonly cpu?: () => { readonly family: number; readonly flags: ReadonlySet<string> } | null;
  /**
   * The root node's `compatible` in the devicetree that this machine runs with, the most exact name first; empty where
   * there is none.
   */
  readonly compatible?: () => readonly string[];
}

/** A partition as its disk's GPT has it. */
export interface GptPartition {
  readonly number: number;
  /** GUID in lower case. */
  readonly type: string | null;
  readonly partuuid: string | null;
  /** Its 64 bits (UEFI specification, 5.3.3); those from 48 on are its type's own. */
  readonly attributes: bigint;
}

export interface FormatContext extends BudgetContext {
  /** The volume on which the configuration lies. */
  readonly volume: FormatVolume;
  /** Every volume attached now, `volume` included, in the order in which devices are listed. */
  readonly volumes: readonly FormatVolume[];
  readonly platform: Platform;
  /**
   * The partitions of a disk's GPT by its name (`vda`), those without a filesystem among them; empty where they aren't
   * known. Left out where volumes are directories.
   */
  readonly partitions?: (disk: string) => readonly GptPartition[];
  /** Not every device of the machine's start has answered yet. */
  readonly devicesMayCome?: boolean;
  /**
   * Opens a disk image (an ISO file, a squashfs) that lies on a volume, for GRUB's `loopback`: a sentence where it can't
   * be opened. The name of what it gives must do as a FileRef's device.
   */
  readonly openImage?: (volume: FormatVolume, path: string) => Promise<FormatVolume | string>;
  /** Where `volume` is itself a disk image: the file that it is, and the volume on which that lies. */
  readonly image?: { readonly volume: FormatVolume; readonly path: string };
  /**
   * Variables that are set before the configuration is read, in the formats that have any: GRUB's `net_default_server`
   * where the tree came over the network.
   */
  readonly variables?: Readonly<Record<string, string>>;
  /**
   * The tree of another server than the configuration's own, by what stands before the path in its URLs
   * (`http://10.0.2.2:8080`): GRUB's `(http,10.0.2.2:8080)`. Only where the configuration came over the network.
   */
  readonly openServer?: (origin: string) => FormatVolume;
  /**
   * The file behind a URL that the configuration names, checked where a digest stands behind it (`#sha256=…`). Rejects
   * where the URL may not be followed from here. Only where the configuration came over the network.
   */
  readonly openUrl?: (url: string) => Promise<Place>;
  /** How the bootloader itself would have been started. Only where the configuration came over the network. */
  readonly network?: NetworkStart;
}

/** A file on a volume. */
export interface Place {
  readonly volume: FormatVolume;
  /** Absolute. */
  readonly path: string;
}

/** What the network told a booting machine. */
export interface NetworkFacts {
  /** `CLIENT:SERVER:GATEWAY:NETMASK`, IPv4; null where unknown. */
  readonly ip: string | null;
  /** `01-aa-bb-cc-dd-ee-ff`: type of the network hardware and its address; null where unknown. */
  readonly bootif: string | null;
  /** Of the machine, as its network boot program sent it. */
  readonly uuid?: string | null;
  /** The bytes of a DHCPv4 option; null where the server sent none. Left out where there is no lease. */
  readonly dhcpOption?: (number: number) => Uint8Array | null;
}

/** A bootloader that was started from the network. */
interface NetworkStart extends NetworkFacts {
  /** The folder in which its relative names start: its own, or that of DHCP option 210. */
  readonly folder: string;
}

/** @param answers to the entry's questions (`ParsedEntry.asks`), by their names */
export type OpenDoor = (answers?: ReadonlyMap<string, string>) => Promise<FormatResult>;

/** What a configuration says should happen by itself. */
export interface FormatResult {
  /** In the order in which a person would see them in that bootloader's own menu. */
  readonly entries: readonly ParsedEntry[];
  readonly diagnostics: readonly Diagnostic[];
  /** Index in `entries` of the configuration's own default; null where it has none or names what isn't there. */
  readonly defaultIndex: number | null;
  /**
   * True where the configuration itself names a default (`set default`, `DEFAULT`, `default` in loader.conf);
   * false where `defaultIndex` is merely that bootloader's first entry.
   */
  readonly defaultIsExplicit: boolean;
  /** Indexes to try after the default, in order (GRUB's fallback). */
  readonly fallback: readonly number[];
  /** Defaults that it would have after its default, and each of these in turn, had failed (boot counting). */
  readonly successors?: readonly number[];
  /** Seconds until the default boots: 0 at once, null where the configuration says nothing, Infinity to wait. */
  readonly timeout: number | null;
  /** What happens during the timeout, where the configuration says so. */
  readonly timeoutStyle: "menu" | "hidden" | null;
  /**
   * Who may edit entries and open a command line, where the configuration keeps others from it (GRUB's `superusers`);
   * left out where anybody may.
   */
  readonly superusers?: readonly string[];
  /** The passwords of its users, by name (GRUB's `password` and `password_pbkdf2`). */
  readonly passwords?: ReadonlyMap<string, UserPassword>;
  /** Its passwords are nobody's: what stands for users' names only says what each password is for. */
  readonly isNameless?: true;
  /** It looked for a device that isn't attached: one that comes may change it. */
  readonly awaitsDevices?: boolean;
  /** What stands behind entries that are opened rather than booted, by `ParsedEntry.opens`. */
  readonly doors?: ReadonlyMap<string, OpenDoor>;
}

/** What stands for a configuration that gave nothing. */
export const EMPTY_RESULT: FormatResult = {
  entries: [],
  diagnostics: [],
  defaultIndex: null,
  defaultIsExplicit: false,
  fallback: [],
  timeout: null,
  timeoutStyle: null,
};

/** What shows that a text is in a format's language, line by line. Empty lines and comments (`#`) are not asked about. */
export interface LineSigns {
  /** Matches a line that this language may have. */
  readonly line: RegExp;
  /** Matches a line that no other language has. */
  readonly ownLine: RegExp;
  /** Matches the usual names of such a file. */
  readonly fileName: RegExp;
  /** Of languages that a text fits equally well (`linux /k` is a line of four) the one with the lowest number is taken. */
  readonly precedence: number;
}

/** A bootloader's configuration language. A new one is a file or folder of its own and a row in formats.ts. */
export interface Format {
  readonly name: EntryType;
  /**
   * How a text in this language is recognised where only its content is known, as behind a URL: by its lines, or by its
   * beginning where each such text has the same. Absent where it isn't text.
   */
  readonly signs?: LineSigns | { readonly beginning: RegExp };
  /**
   * Where `parse` takes a folder: the folder below a volume's root in which the bootloader looks, and how the names of the
   * files in it end. A single file behind a URL is read as the only one in such a folder.
   */
  readonly folder?: { readonly path: string; readonly suffix: string };
  /** Asked only about volumes on which no other format finds anything. */
  readonly isLastResort?: boolean;
  /** What it finds stands beside the system's own configuration: last resorts are asked all the same. */
  readonly isBeside?: boolean;
  /**
   * The configurations of this format on a volume, in the order in which the bootloader itself would look;
   * paths as found. A missing directory is no error; what rejects is a volume that can't be read.
   */
  find(volume: FormatVolume): Promise<readonly string[]>;
  /**
   * Reads one of them. Never rejects because of what the configuration says (that gives diagnostics), only
   * where the volume can't be read.
   */
  parse(path: string, context: FormatContext): Promise<FormatResult>;
}
