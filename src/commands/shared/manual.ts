/**
 * The commands: what each is for, its options, and an example. One table: the options are those that the command line
 * is read with, and `--help` and man/baton.8 print the rest. Imports nothing, so that printing it loads no command.
 */

/** An option as node's parseArgs takes it, with what people are told of it. */
export interface OptionRow {
  readonly type: "string" | "boolean";
  readonly multiple?: true;
  /** What stands for the value: `FILE`. */
  readonly value?: string;
  readonly about: string;
}

export interface CommandManual {
  /** What stands between the name and the options: `[ENTRY]`. */
  readonly operands?: string;
  /** Where the options don't say by themselves how the command is called. */
  readonly synopsis?: readonly string[];
  /** Behind the name, as a sentence would go on: `list` – says what could be booted. */
  readonly summary: string;
  readonly about: readonly string[];
  readonly options: Readonly<Record<string, OptionRow>>;
  readonly examples: readonly { readonly command: string; readonly about: string }[];
}

const PLATFORM = {
  platform: {
    type: "string",
    value: "pc|efi",
    about: "The firmware to stand for; this machine's own, or efi where nothing of the host is read.",
  },
  arch: {
    type: "string",
    value: "ARCH",
    about: "The architecture to stand for, as uname -m says it; this machine's own, or x86_64.",
  },
} as const;

/** The options that `list`, `boot` and `menu` share. */
export const DISK_OPTIONS = {
  disk: {
    type: "string",
    multiple: true,
    value: "SPEC",
    about:
      "A directory that stands for a filesystem's root: NAME=DIR (or a file, for a partition that a boot loader reads as a " +
      "whole), and behind it any of ,uuid=U ,label=L ,partuuid=P ,partlabel=P ,type=T (a comma in a value is \\,). Repeat it for more. Nothing of the host is read then, and no root is needed. " +
      "Without it: the machine's own devices, read-only.",
  },
  ...PLATFORM,
  config: {
    type: "string",
    value: "FILE",
    about: "Baton's configuration, baton.yaml(5), by whose rules the default is chosen.",
  },
} as const satisfies CommandManual["options"];

const JSON_OPTION = {
  json: { type: "boolean", about: "Print one JSON value on standard output and nothing else, also where it fails." },
} as const satisfies CommandManual["options"];

export const LIST_OPTIONS = { ...JSON_OPTION, ...DISK_OPTIONS } as const;

export const EXPECT_OPTIONS = {
  default: {
    type: "string",
    value: "ID",
    about: "The entry that must be the default: its id, as list shows it, or its title.",
  },
  ...DISK_OPTIONS,
} as const satisfies CommandManual["options"];

export const BOOT_OPTIONS = {
  "dry-run": {
    type: "boolean",
    about: "Say what would be read, loaded and written, with sizes and digests, and change nothing.",
  },
  json: { type: "boolean", about: "With --dry-run: print one JSON value on standard output and nothing else." },
  systemd: {
    type: "boolean",
    about:
      "On a system that is in use: have systemd shut it down in order, as systemctl kexec does, and jump then. Unless given, " +
      "the jump comes at once.",
  },
  ...DISK_OPTIONS,
} as const satisfies CommandManual["options"];

export const NETBOOT_OPTIONS = {
  url: { type: "string", value: "URL", about: "What to fetch: a script, a menu, a kernel, an ISO file." },
  lease: {
    type: "string",
    multiple: true,
    value: "KEY=VALUE",
    about:
      "A word of a DHCP reply to stand for: mac, ip, hostname, uuid, arch, server, file, conf, prefix, url, netmask, " +
      "gateway, dns, domain. server is the next server, file the boot file, conf and prefix are options 209 and 210.",
  },
  mirror: {
    type: "string",
    value: "DIR",
    about: "Read DIR/SCHEME/HOST[:PORT]/PATH instead of the network; what is missing there is a 404.",
  },
  list: { type: "boolean", about: "List what the network offers instead of booting it." },
  json: { type: "boolean", about: "With --list or --dry-run: print one JSON value and nothing else." },
  "dry-run": { type: "boolean", about: "Fetch everything, say what would be loaded, and change nothing." },
  initrd: {
    type: "string",
    multiple: true,
    value: "URL",
    about: "With a kernel's URL: its initrd. Repeat it for more.",
  },
  append: { type: "string", value: "TEXT", about: "With a kernel's URL: its command line." },
  ...PLATFORM,
} as const satisfies CommandManual["options"];

export const CONFIRM_OPTIONS = {
  state: {
    type: "string",
    value: "FILE",
    about: "The file in which Baton counts; unless given, the EFI variable, else the file on the boot partition.",
  },
} as const satisfies CommandManual["options"];

export const FLASH_OPTIONS = {
  image: {
    type: "string",
    value: "FILE",
    about: "The image to write; unless given, baton.img beside the program, as in dist/ of a checkout.",
  },
  "dry-run": {
    type: "boolean",
    about: "Show the disk and what is on it, and whether it would be written; write nothing.",
  },
  yes: {
    type: "string",
    value: "NAME",
    about: "Don't ask: NAME is what would be typed, the device's name once more.",
  },
} as const satisfies CommandManual["options"];

export const UNINSTALL_OPTIONS = {
  "dry-run": { type: "boolean", about: "Say each step, and change nothing." },
} as const satisfies CommandManual["options"];

export const INSTALL_OPTIONS = {
  once: { type: "boolean", about: "Start Baton at the next start only; after that the machine starts as before." },
  from: {
    type: "string",
    value: "DIR",
    about: "Where the image's files are; unless given, beside the program, as in dist/ of a checkout.",
  },
  ...UNINSTALL_OPTIONS,
} as const satisfies CommandManual["options"];

export const SIGN_OPTIONS = {
  key: {
    type: "string",
    multiple: true,
    value: "FILE",
    about: "An Ed25519 private key, PEM, as openssl genpkey -algorithm ed25519 makes it. Repeat it for more.",
  },
  add: { type: "boolean", about: "Leave the manifest as it is, and add signatures of these keys to it." },
  version: {
    type: "string",
    value: "NUMBER",
    about: "The manifest's version, which trustversion asks for; unless given, one more than that of the one before.",
  },
  ...PLATFORM,
} as const satisfies CommandManual["options"];

export const VERIFY_OPTIONS = { ...JSON_OPTION, ...DISK_OPTIONS } as const;

export const EVENTLOG_OPTIONS = {
  verify: {
    type: "boolean",
    about: "Compare what the log leads to with the registers of this machine's TPM (/dev/tpmrm0).",
  },
  pcr: {
    type: "string",
    multiple: true,
    value: "BANK:NUMBER=HEX",
    about: "A register's value to compare with, instead of the TPM's: sha256:8=…. Repeat it for more.",
  },
  ...JSON_OPTION,
} as const satisfies CommandManual["options"];

export const KEYS_OPTIONS = {
  name: { type: "string", value: "NAME", about: "Whose keys they are, in the certificates; Baton unless given." },
  days: { type: "string", value: "NUMBER", about: "How long the certificates are valid; 3650 unless given." },
  add: {
    type: "string",
    multiple: true,
    value: "CERT",
    about:
      "To the keys that are there: programs that this certificate's key has signed may start, too. Repeat it for more.",
  },
  revoke: {
    type: "string",
    multiple: true,
    value: "FILE",
    about:
      "To the keys that are there: this EFI program, or what this certificate's key has signed, may not start any more.",
  },
  enrol: {
    type: "boolean",
    about:
      "Give the keys to this machine's firmware. In Setup Mode it takes all of them, and Secure Boot is on from the next " +
      "start; later it takes what --add and --revoke changed.",
  },
} as const satisfies CommandManual["options"];

export const CONFIG_OPTIONS = {
  json: { type: "boolean", about: "Print what the file settles, and what is wrong in it, as one JSON value." },
  schema: { type: "boolean", about: "Print the JSON schema of the file, for editors." },
} as const satisfies CommandManual["options"];

export const MANUAL = {
  list: {
    summary: "says what could be booted",
    about: [
      "Every entry of every configuration that Baton finds: number, title, id, the file that it comes from, and why it " +
        "can't boot where it can't. A star marks the default, a plus what is tried by itself where that fails. The last line says why it is the default.",
      "Then what is wrong in the configurations, with file, line and column. Nothing is written to any disk.",
    ],
    options: LIST_OPTIONS,
    examples: [
      { command: "baton list", about: "This machine's own disks; needs root." },
      {
        command: "baton list --json --disk vda1=/srv/tree,uuid=1234-ABCD,type=vfat",
        about: "What a machine with this tree on its only partition could boot.",
      },
    ],
  },
  boot: {
    operands: "[ENTRY]",
    summary: "loads an entry and jumps into it",
    about: [
      "ENTRY is an id, else a title, else a number from 1, as list shows them; without one, the default. Where it works " +
        "the command doesn't come back: filesystems are unmounted and the machine runs the new kernel.",
    ],
    options: BOOT_OPTIONS,
    examples: [
      { command: "baton boot", about: "Boots the default." },
      { command: "baton boot --systemd 2", about: "Boots the second entry, after the services have ended." },
      { command: "baton boot 2 --dry-run", about: "Says what booting the second entry would read, load and write." },
    ],
  },
  expect: {
    summary: "fails where the default is another entry than the expected one",
    about: [
      "For CI: what a disk image would boot is checked before anybody boots it. It prints nothing and exits 0 where the " +
        "default is that entry and can boot, and 1 with the reason otherwise.",
    ],
    options: EXPECT_OPTIONS,
    examples: [
      {
        command: "baton expect --default Debian --disk vda1=/srv/tree",
        about: "Whether a machine with this tree boots Debian by itself.",
      },
    ],
  },
  menu: {
    summary: "shows the menu on this terminal",
    about: ["The menu that Baton shows in firmware, here on any Linux host. Nothing boots by itself. q leaves it."],
    options: DISK_OPTIONS,
    examples: [{ command: "baton menu --disk vda1=/srv/tree", about: "The menu of that tree." }],
  },
  netboot: {
    operands: "[ENTRY]",
    summary: "boots what the network offers, or lists it",
    about: [
      "What a URL or a DHCP reply leads to: iPXE scripts, the configurations of PXELINUX, GRUB, systemd-boot and Baton, " +
        "kernels, unified kernel images and ISO files over HTTP, HTTPS and TFTP. With neither --url nor --lease the list " +
        "is empty.",
    ],
    options: NETBOOT_OPTIONS,
    examples: [
      { command: "baton netboot --url http://boot.example/menu.ipxe --list", about: "What that script offers." },
      {
        command: "baton netboot --list --mirror tree --lease server=10.0.0.1 --lease file=pxelinux.0",
        about: "Checks a PXE tree without a server: the files lie in tree/tftp/10.0.0.1/.",
      },
    ],
  },
  kexec: {
    synopsis: ["baton kexec -l|-p|-e|-f|-u|-S [OPTION]... [KERNEL]"],
    summary: "loads and starts kernels by hand, as kexec(8) does",
    about: ["See kexec(8), and baton kexec --help."],
    options: {},
    examples: [
      { command: "baton kexec -l vmlinuz --initrd=initrd.img --reuse-cmdline", about: "Loads a kernel." },
      { command: "baton kexec -e", about: "Starts it." },
    ],
  },
  config: {
    synopsis: ["baton config [--json] FILE", "baton config --schema"],
    summary: "says what is wrong in a configuration",
    about: ["FILE is YAML, or INI where its name ends in .ini; baton.yaml(5) says what may stand in it."],
    options: CONFIG_OPTIONS,
    examples: [{ command: "baton config /etc/baton.yaml", about: "Each mistake with its line and column." }],
  },
  password: {
    summary: "makes the hash of a password for the configuration",
    about: [
      "Asks for the password, or reads it from standard input, and prints what password: takes in baton.yaml(5).",
    ],
    options: {},
    examples: [{ command: "baton password", about: "Asks, without showing what is typed." }],
  },
  install: {
    summary: "puts Baton beside the installed system, to start first or once",
    about: [
      "On a machine with UEFI: baton.efi goes to \\EFI\\baton on the EFI system partition that is mounted, and efibootmgr " +
        "makes its boot entry. With a BIOS: vmlinuz and initramfs.cpio.zst go to /boot/baton, and an entry to the custom.cfg " +
        "of the machine's GRUB. Needs root, and npm run image before it.",
      "Files are checked and room is made sure of before anything is written. The boot entry comes last, so that a machine " +
        "whose power fails meanwhile starts as before. The system's own boot loader and its files stay as they are.",
    ],
    options: INSTALL_OPTIONS,
    examples: [
      { command: "baton install --dry-run", about: "Says what would be done." },
      { command: "baton install --once", about: "Tries Baton at the next start." },
    ],
  },
  uninstall: {
    summary: "takes away what install made",
    about: [
      "Boot entries, the lines in custom.cfg, the files, and what Baton keeps in an EFI variable. Files of yours in Baton's " +
        "folders stay, and are named.",
    ],
    options: UNINSTALL_OPTIONS,
    examples: [{ command: "baton uninstall", about: "The machine starts as it did before." }],
  },
  flash: {
    operands: "DEVICE",
    summary: "writes Baton's image to a USB stick, and erases what is on it",
    about: [
      "Shows the disk's model, size, bus, partitions and labels, asks for its name to be typed, writes the image, and reads it " +
        "back from the stick. Needs root. npm run image -- --format disk makes the image.",
      "It writes only to a whole disk that the kernel calls removable, or that is attached by USB or FireWire. It refuses what " +
        "is mounted or otherwise in use, write-protected or too small.",
    ],
    options: FLASH_OPTIONS,
    examples: [
      { command: "baton flash /dev/sdb", about: "Asks before it writes." },
      {
        command: "baton flash /dev/sdb --image baton.img --yes sdb",
        about: "For scripts: the name stands there twice.",
      },
    ],
  },
  sign: {
    operands: "[DIR [ENTRY]...]",
    summary: "signs what may boot from a disk",
    about: [
      "Lists what boots from the filesystem whose root is DIR (or, as list takes it, NAME=DIR,uuid=U), and writes DIR/baton.manifest: " +
        "the digests of each entry's kernel, initrds and other files, and its command line. DIR/baton.manifest.sig has the " +
        "signatures. ENTRY names those to sign; unless given, all. It has to be run anew after each change of a kernel, an initrd or the configuration.",
      "Without DIR it prints the public half of each key, for trustkeys in baton.yaml(5).",
    ],
    options: SIGN_OPTIONS,
    examples: [
      { command: "baton sign --key owner.pem", about: "Prints the line for trustkeys." },
      {
        command: "baton sign /boot --key owner.pem",
        about: "Signs what is in a /boot that is a filesystem of its own.",
      },
    ],
  },
  keys: {
    operands: "DIR",
    synopsis: [
      "baton keys [--name NAME] [--days NUMBER] DIR",
      "baton keys [--add FILE]... [--revoke FILE]... DIR",
      "baton keys --enrol DIR",
    ],
    summary: "makes the keys of Secure Boot and of what is signed",
    about: [
      "In DIR, which must not be there yet: PK (the platform's key), KEK (which changes what may start) and db (which signs what may start), each as private " +
        ".key, certificate .crt and .cer, list .esl and signed list .auth, as firmware setups, efi-updatevar and --enrol take them; " +
        "and owner.pem, the Ed25519 key of baton sign. openssl makes them.",
      "DIR holds private keys. Keep it off the machines that the keys are for; for --enrol the .auth files are enough.",
    ],
    options: KEYS_OPTIONS,
    examples: [
      { command: "baton keys --name 'Example Ltd' keys", about: "Makes all of them in the folder keys." },
      {
        command: "npm run image -- --sign keys/db.key --cert keys/db.crt",
        about: "Makes an image that firmware with these keys starts.",
      },
      { command: "baton keys --add /boot/vmlinuz keys", about: "That kernel's maker is trusted, too." },
      { command: "baton keys --enrol /media/stick/keys", about: "On the machine, in Setup Mode." },
      {
        command: "baton keys --revoke old/baton.efi keys",
        about: "That image may not start any more, once it is enrolled.",
      },
    ],
  },
  verify: {
    operands: "[ENTRY]...",
    summary: "says which entries the owner's policy lets boot",
    about: [
      "The policy is that of the file of --config (trust, trustkeys, trustthreshold and trustversion in baton.yaml(5)); in Baton's image, the image's own. " +
        "It exits 1 where one of the entries is not verified.",
    ],
    options: VERIFY_OPTIONS,
    examples: [
      { command: "baton verify --config baton.yaml", about: "What this machine would boot under that policy." },
    ],
  },
  eventlog: {
    operands: "[FILE]",
    summary: "shows what was measured into the TPM at this start",
    about: [
      "FILE is an event log in the TCG's format, with SHA-1 alone or with more banks; without it, the firmware's own that the kernel shows in " +
        "/sys/kernel/security. Each event is a line, and behind them stand the values to which they lead. It exits 1 for a log " +
        "that is damaged, and with --verify or --pcr where a register has another value, or an event's digest isn't that of its data.",
    ],
    options: EVENTLOG_OPTIONS,
    examples: [{ command: "baton eventlog --verify", about: "Whether the firmware's log is what the TPM has seen." }],
  },
  confirm: {
    summary: "says, on the booted system, that it works",
    about: [
      "Where tries is set in baton.yaml(5), an entry that is booted so often without this is passed over. Nothing " +
        "to confirm is no failure.",
    ],
    options: CONFIRM_OPTIONS,
    examples: [{ command: "baton confirm", about: "In a unit that runs when the system is up." }],
  },
  rauc: {
    synopsis: [
      "baton rauc [--state FILE] get-primary|get-current",
      "baton rauc [--state FILE] set-primary|get-state SLOT",
      "baton rauc [--state FILE] set-state SLOT good|bad",
    ],
    summary: "RAUC's custom boot loader backend, on Baton's own state",
    about: [
      "RAUC calls it by /usr/lib/baton/rauc-backend, which system.conf names as bootloader-custom-backend. A slot's bootname " +
        'is the title of its entry, or the last part of its id. baton.yaml(5) says default: "@saved", fallback with both ' +
        "slots, tries and writes.",
    ],
    options: CONFIRM_OPTIONS,
    examples: [{ command: "baton rauc set-primary B", about: "B is the default from now on." }],
  },
} as const satisfies Readonly<Record<string, CommandManual>>;

export type CommandName = keyof typeof MANUAL;

/** How a command is called, one line each. */
export function synopsis(name: CommandName): readonly string[] {
  const { synopsis: given, operands, options }: CommandManual = MANUAL[name];
  if (given) return given;
  const words = Object.entries(options).map(([option, { value, multiple }]) => {
    return `[--${option}${value === undefined ? "" : ` ${value}`}]${multiple ? "..." : ""}`;
  });
  return [["baton", name, ...(operands === undefined ? [] : [operands]), ...words].join(" ")];
}
