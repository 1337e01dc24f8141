/**
 * Baton's own settings: one table, a row each. A new setting is one new row: its type, its default, how files and the
 * kernel command line say it, the JSON schema, the man page and what `baton config` knows all follow from that row.
 * Pure.
 */

import { REMOTE, type RemoteSettings } from "./remotesettings.ts";
import { parseRootDelay, type RootDelay } from "./rootdelay.ts";
import { KEY_BINDINGS, PASSWORD_FORM, REMOVABLE, THEME, TIMEOUT, type Timeout } from "./settingkinds.ts";
import {
  items,
  LIST,
  numberFrom,
  oneOf,
  oneText,
  TEXT,
  textLike,
  type ValueKind,
  WHOLE_LIST,
  YES_NO,
} from "./valuekinds.ts";

/** How the kernel command line says it (`baton.NAME=VALUE`), where that differs from what a file says. */
export interface Word<T> {
  /** What stands for the value in the manual: `SECONDS`. */
  readonly form: string;
  /** What the value must be, for messages. */
  readonly expects: string;
  /** @returns undefined where the value is none of what is expected; null where the word says nothing */
  read(text: string): T | null | undefined;
}

/** What the manual and the schema say. */
interface Described<N extends string> {
  readonly name: N;
  /** One sentence or two. */
  readonly about: string;
  /** A value as YAML writes it. */
  readonly example: string;
}

export interface Setting<N extends string = string, T = unknown> extends Described<N> {
  /** How a file says it, and what the schema says of that. */
  readonly kind: ValueKind<T>;
  /** What holds where nobody says anything. */
  readonly default: T;
  /** As loader.conf, petitboot or people call it, too. */
  readonly aliases?: readonly string[];
  /** What holds where the value can't be read: for what keeps people out. Left out: what holds without the key. */
  readonly safe?: T;
  readonly word?: Word<T>;
}

const setting = <const N extends string, const T>(row: Setting<N, T>): Setting<N, T> => row;

/** A word that names something as it stands; without a value it says nothing. */
const named = (form: string): Word<string> => ({ form, expects: "a text", read: (text) => text || null });

export const SETTINGS = [
  setting({
    name: "timeout",
    // Null leaves it to the configuration whose default wins.
    default: null as Timeout | null,
    about:
      "Seconds until the default boots, over what the disks' own configurations say. 0 and menu-hidden boot at once " +
      "(a key that is held during the start brings the menu); never and menu-force wait for a person.",
    example: "5",
    kind: TIMEOUT,
    word: {
      form: "SECONDS",
      expects: `${TIMEOUT.expects} (0 boots at once, -1 waits for a person)`,
      read: (text) => {
        const said = TIMEOUT.read(oneText(text));
        // The number that this machine's owner gave is final: no key changes a 0.
        return said && /^-?\d/.test(text) ? { ...said, keys: false } : said;
      },
    },
  }),
  setting({
    name: "idle",
    default: 300,
    about:
      "Seconds without a key after which a countdown that a key stopped goes on by itself; 0 never. Not while a shell, an " +
      "editor, a prompt or a question is open, with timeout: never, or after final.",
    example: "300",
    kind: numberFrom(0, 86400),
  }),
  setting({
    name: "default",
    // Null leaves it to the disks.
    default: null,
    about:
      "The entry that boots by itself: an id as baton list prints it, a title, a submenu path (Advanced options>Debian), " +
      "a number from 1, a pattern (*, ?, [a-z]), or @saved, which is what d in the menu has saved.",
    example: '"Debian*"',
    kind: {
      ...TEXT,
      schema: { type: ["string", "integer"] },
    },
    word: named("ENTRY"),
  }),
  setting({
    name: "fallback",
    default: [],
    about: "What is tried after the default has failed, in this order; each named as default is.",
    example: '["Rescue system", "*-old"]',
    kind: WHOLE_LIST,
  }),
  setting({
    name: "order",
    aliases: ["bootdevs", "bootdev"],
    default: [],
    about:
      "Where a default may come from, best first: virtio, ata, nvme, scsi, usb, mmc, md, dm, cdrom, disk, removable, " +
      "network, UUID=, LABEL=, PARTUUID=, PARTLABEL=, mac=, a device's name, any. Empty: every fixed disk, in the order " +
      "of devices.",
    example: "[nvme, UUID=3f6c1d0e-77a1-4b0c-9d5a-5b7f3a4d1e90, any]",
    kind: {
      ...LIST,
      expects: "a list of sources: usb, nvme, UUID=…, network, any …",
    },
  }),
  setting({
    name: "removable",
    default: false,
    about:
      "Whether what is on removable devices may boot by itself without being named by default or order. never: a person " +
      "can't boot it either.",
    example: "no",
    kind: REMOVABLE,
    safe: false,
  }),
  setting({
    name: "console",
    aliases: ["consoles"],
    // Null: the kernel's own.
    default: null,
    about: "Terminals on which the menu is shown. Unless given, the kernel's active consoles.",
    example: "[tty0, ttyS0]",
    kind: {
      ...LIST,
      expects: "a list of terminals: tty0, ttyS0",
      read: terminals,
    },
    word: { form: "TERMINAL[,TERMINAL]...", expects: "names of terminals", read: (text) => terminals(oneText(text)) },
  }),
  setting({
    name: "editor",
    default: true,
    about: "Whether entries may be edited without the password.",
    example: "yes",
    kind: YES_NO,
    safe: false,
  }),
  setting({
    name: "lockdown",
    default: false,
    about:
      "Whether a configuration that baton.config= names and that can't be read shuts the editor, the shell, URLs and " +
      "removable devices. Counts in the image or on the command line.",
    example: "no",
    kind: YES_NO,
    safe: true,
  }),
  setting({
    name: "trust",
    default: "off",
    about:
      "Whether only entries boot that baton sign has put into a signed manifest: require, or warn, which boots others and " +
      "says so. This and the next three keys count in the image's own configuration alone.",
    example: "off",
    kind: oneOf("off", "warn", "require"),
    safe: "require",
  }),
  setting({
    name: "trustkeys",
    default: [],
    about: "The public keys that may sign, as baton sign prints them: BASE64 NAME. One that is none lets nothing boot.",
    example: "[11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo= alice]",
    kind: WHOLE_LIST,
  }),
  setting({
    name: "trustthreshold",
    default: 1,
    about: "How many of these keys must have signed a manifest.",
    example: "1",
    kind: numberFrom(1, 100),
    safe: 100,
  }),
  setting({
    name: "trustversion",
    default: 0,
    about: "The least version of a manifest that counts; an older one lets nothing boot.",
    example: "0",
    kind: numberFrom(0, 999_999),
    safe: 999_999,
  }),
  setting({
    name: "shell",
    // Null: as editor.
    default: null,
    about:
      "Whether there is a shell without the password, and with it the keys d (another default) and f (the firmware's " +
      "set-up), and a shell in the rescue menu; as editor unless given.",
    example: "no",
    kind: YES_NO,
    safe: false,
  }),
  setting({
    name: "password",
    // Null: what needs a password is refused.
    default: null,
    about: "Opens what editor: no, shell: no and restricted entries keep shut; as baton password prints it.",
    example: "$scrypt$ln=15,r=8,p=1$c2FsdA$aGFzaA",
    kind: textLike(PASSWORD_FORM, "what baton password prints: $scrypt$ln=…,r=…,p=…$SALT$HASH", {
      pattern: "^\\$scrypt\\$",
    }),
  }),
  setting({
    name: "waitfor",
    default: [],
    about: "Devices that are waited for, as long as rootdelay says, before anything boots by itself.",
    example: "[LABEL=data, UUID=77c2b6a8-0f0f-4d62-9e5c-8a2b77f0d1ce]",
    kind: {
      ...LIST,
      expects: "a list of devices: UUID=…, LABEL=…, PARTUUID=…, PARTLABEL=… or a name",
      read: (value) => items(value)?.map((name) => name.replace(/^\/dev\//, "")),
    },
  }),
  setting({
    name: "rootdelay",
    default: null as RootDelay | null,
    about:
      "Seconds before anything boots by itself, or DEVICE[,SECONDS] to wait for that device, 30 seconds unless given.",
    example: "20",
    kind: {
      expects: "a number of seconds, or DEVICE[,SECONDS]",
      schema: { type: ["integer", "string"] },
      read: ({ texts, fields }) => parseRootDelay(fields === null ? texts.join(",") : "") ?? undefined,
    },
    word: {
      form: "SECONDS|DEVICE[,SECONDS]",
      expects: "a number of seconds, or DEVICE[,SECONDS]",
      read: (text) => parseRootDelay(text) ?? undefined,
    },
  }),
  setting({
    name: "isofolders",
    // Null: the usual ones.
    default: null,
    about:
      "Folders in which ISO files are looked for on each disk; with /** at the end those below, too. An empty list: nowhere.",
    example: "[/, /iso, /srv/images/**]",
    kind: {
      ...LIST,
      expects: "a list of folders that begin with /",
      read: (value) => {
        const folders = items(value);
        return folders?.every((folder) => folder.startsWith("/")) ? folders : undefined;
      },
    },
  }),
  setting({
    name: "retries",
    default: 3,
    about: "How often everything is tried again where final is retry.",
    example: "3",
    kind: numberFrom(0, 1000),
  }),
  setting({
    name: "final",
    aliases: ["on-failure"],
    default: "menu",
    about:
      "What happens when everything that could boot has failed and nobody presses a key: menu waits for a person, retry " +
      "tries all again.",
    example: "menu",
    kind: oneOf("menu", "retry", "reboot", "poweroff"),
  }),
  setting({
    name: "watchdog",
    // Null leaves it alone.
    default: null,
    about:
      "Seconds after which the hardware watchdog resets a machine that hangs; it is left running across the jump. " +
      "no leaves it alone.",
    example: "60",
    kind: {
      expects: "a number of seconds from 5 to 3600, or no",
      schema: { oneOf: [numberFrom(5, 3600).schema, { const: false }, { const: "no" }] },
      read: (value) => (YES_NO.read(value) === false ? null : numberFrom(5, 3600).read(value)),
    },
  }),
  setting({
    name: "network",
    // Null: not said.
    default: null,
    about:
      "never (or no), auto (listed beside the disks), prefer (before the disks) or require (nothing else boots by " +
      "itself), and what each interface does: LINK,dhcp or LINK,static,ADDRESS/BITS,GATEWAY or LINK,no, where LINK is its " +
      "name or hardware address; dns,ADDRESS.",
    example: '[prefer, "52:54:00:12:34:56,dhcp", "dns,10.0.0.53"]',
    kind: {
      expects: "never, auto, prefer, require, or a list of interfaces",
      schema: { oneOf: [{ type: "boolean" }, ...(WHOLE_LIST.schema.oneOf as unknown[])] },
      read: (value) => {
        const flag = YES_NO.read(value);
        return flag === undefined ? WHOLE_LIST.read(value) : [flag ? "auto" : "no"];
      },
    },
  }),
  setting({
    name: "url",
    default: null,
    about: "What is fetched and offered besides the disks.",
    example: "http://boot.example/menu.ipxe",
    kind: textLike(/^[a-z][a-z0-9+.-]*:\/\/\S+$/i, "a URL", { format: "uri" }),
    word: named("URL"),
  }),
  setting({
    name: "remote",
    // Null: nobody is listened to.
    default: null as RemoteSettings | null,
    about:
      "The menu over the network: listen (PORT or ADDRESS:PORT) and token (16 characters or more, or sha256:DIGEST) turn it " +
      "on. certificate and key are files in the image; plain: yes does without TLS. hold: seconds that a controller has to " +
      "say what boots; ask: a URL that is asked. Counts in the image's own configuration alone.",
    example: "{listen: 8443, token: 7d1f0c5a9be24c6f8a31}",
    kind: REMOTE,
  }),
  setting({
    name: "writes",
    default: "none",
    about:
      "What Baton may write: nothing, or what the disks' own bootloaders would (grubenv, boot counters, EFI variables). " +
      "boot-loader-interface: that, and the EFI variables by which bootctl and systemctl know a boot loader and ask it " +
      "for an entry.",
    example: "none",
    kind: oneOf("none", "bootloader-state", "boot-loader-interface"),
  }),
  setting({
    name: "tries",
    default: 0,
    about:
      "Boots in a row that an entry may go without baton confirm until it is passed over; 0 doesn't count. Counting needs " +
      "writes: bootloader-state.",
    example: "0",
    kind: numberFrom(0, 100),
  }),
  setting({
    name: "keymap",
    // Null: the kernel's own, US.
    default: null,
    about: "The keyboard's layout, by the name that Debian's console-data gives it.",
    example: "de",
    kind: textLike(/^[A-Za-z0-9_.-]+$/, "a name: de, fr, uk", { pattern: "^[A-Za-z0-9_.-]+$" }),
  }),
  setting({
    name: "ui",
    default: "screen",
    about: "screen draws; plain prints numbered lines and reads a number.",
    example: "screen",
    kind: oneOf("screen", "plain"),
  }),
  setting({ name: "title", default: null, about: "Stands in the title line.", example: "Rack 7, node 3", kind: TEXT }),
  setting({
    name: "message",
    aliases: ["motd"],
    default: null,
    about: "The message of the day, below the title.",
    example: "Call 1234 before you reboot this machine.",
    kind: TEXT,
  }),
  setting({
    name: "theme",
    default: {},
    about: "Colours by what they are for: bold white on blue, reverse, dim.",
    example: "{bar: bold white on blue, selected: reverse}",
    kind: THEME,
  }),
  setting({
    name: "keys",
    default: {},
    about: "More keys for an action; what Baton's own keys do stays.",
    example: "{boot: [F10]}",
    kind: KEY_BINDINGS,
  }),
  setting({
    name: "stage",
    default: true,
    about: "Whether what Enter would boot is loaded ahead while the menu is idle.",
    example: "yes",
    kind: YES_NO,
  }),
  setting({
    name: "kexec",
    default: "auto",
    about: "The system call that loads kernels: classic is faster, file checks signatures, auto takes what suits.",
    example: "auto",
    kind: oneOf("auto", "classic", "file"),
  }),
  setting({
    name: "debug",
    default: false,
    about: "Everything that Baton does goes to the kernel log.",
    example: "no",
    kind: YES_NO,
    word: { form: "", expects: "yes or no", read: (text) => YES_NO.read(oneText(text)) ?? true },
  }),
];

/** Words of the kernel command line that no file says. */
export const WORD_ONLY: readonly (Described<string> & { readonly word: Word<string> })[] = [
  {
    name: "config",
    about:
      "A configuration besides the image's own, whose keys win over it: a path in the image, DEVICE:/path, UUID=…:/path, " +
      "LABEL=…:/path, PARTUUID=…:/path, PARTLABEL=…:/path, or a URL.",
    example: "UUID=1234-ABCD:/baton.yaml",
    word: named("FILEREF|URL"),
  },
];

type Row = (typeof SETTINGS)[number];

export type Settings = { readonly [R in Row as R["name"]]: R["default"] };

export type SettingName = keyof Settings;

export const DEFAULT_SETTINGS = Object.fromEntries(SETTINGS.map((row) => [row.name, row.default])) as Settings;

/** @param name of a key, or another name that it has */
export function findSetting(name: string): Setting<SettingName> | undefined {
  const rows: readonly Setting<SettingName>[] = SETTINGS;
  return rows.find((row) => row.name === name || row.aliases?.includes(name));
}

/** Later ones win, key by key. */
export function mergeSettings(...layers: readonly Partial<Settings>[]): Settings {
  return Object.assign({}, DEFAULT_SETTINGS, ...layers);
}

/** Whether `c` opens a shell without a password. */
export const shellIsFree = (settings: Settings): boolean => settings.shell ?? settings.editor;

/** Null for an empty list: the kernel's own consoles. */
function terminals(value: Parameters<typeof items>[0]): readonly string[] | null | undefined {
  const names = items(value);
  return names?.length === 0 ? null : names;
}
