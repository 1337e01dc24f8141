/** The keys of Baton's configuration: what each means and which values it takes. One table. Pure. */

import { distance } from "./distance.ts";
import type { Settings, Timeout } from "./settings.ts";
import {
  fieldsOf,
  fromText,
  items,
  LIST,
  numberFrom,
  oneOf,
  TEXT,
  textLike,
  type ValueKind,
  WHOLE_LIST,
  YES_NO,
} from "./valuekinds.ts";
import { parseRootDelay } from "./words.ts";

export interface SettingKey<T = unknown> extends ValueKind<T> {
  readonly name: keyof Settings;
  /** As loader.conf, petitboot or people call it, too. */
  readonly aliases?: readonly string[];
  /** One sentence, for the schema. */
  readonly about: string;
  /** What holds where the value can't be read: for what keeps people out. Left out: what holds without the key. */
  readonly safe?: T;
}

/** As `baton password` makes them: the PHC string format, https://github.com/P-H-C/phc-string-format. */
export const PASSWORD_FORM = /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,2}),p=(\d{1,2})\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/;

export const ACTIONS = [
  ...["up", "down", "pageup", "pagedown", "first", "last", "boot", "back", "edit", "shell", "rescan", "devices"],
  ...["log", "help", "redraw", "reboot", "poweroff", "default", "more-time", "less-time", "search", "url"],
  ...["firmware", "unlock"],
] as const;

/** What can have a colour: the styles of menu/look.ts. */
export const STYLES = [
  ...["normal", "bar", "barSoft", "selected", "selectedSoft", "soft", "strong", "label", "accent", "warning"],
  ...["error", "errorStrong"],
] as const;
const COLOURS = "default|black|red|green|yellow|blue|magenta|cyan|white";
const LOOK = new RegExp(`^(?:(?:bold|dim|reverse|underline|${COLOURS})(?: |$))*(?:on (?:${COLOURS}))?$`);

/** Words of loader.conf(5). */
const TIMEOUT_WORDS: Readonly<Record<string, Timeout>> = {
  never: { seconds: Number.POSITIVE_INFINITY, keys: true },
  "-1": { seconds: Number.POSITIVE_INFINITY, keys: true },
  "menu-force": { seconds: Number.POSITIVE_INFINITY, keys: true },
  "menu-hidden": { seconds: 0, keys: true },
  "menu-disabled": { seconds: 0, keys: false },
};

const TIMEOUT: ValueKind<Timeout> = {
  expects: "a number of seconds, never, menu-force, menu-hidden or menu-disabled",
  schema: {
    oneOf: [{ type: "number", minimum: -1 }, { enum: ["never", "menu-force", "menu-hidden", "menu-disabled"] }],
  },
  read: fromText((text) => {
    const word = text.toLowerCase();
    if (Object.hasOwn(TIMEOUT_WORDS, word)) return TIMEOUT_WORDS[word];
    return /^\d{1,6}(\.\d+)?$/.test(word) ? { seconds: Number(word), keys: true } : undefined;
  }),
};

const THEME = fieldsOf(
  STYLES,
  `styles with colours (${STYLES.join(", ")}: words such as bold, dim, reverse, red, on blue)`,
  TEXT.schema,
  ({ texts }) => {
    const look = texts.join(" ").trim().toLowerCase();
    return LOOK.test(look) ? look : undefined;
  },
);

const KEY_NAME = /^((C-|M-)*(\S|f\d{1,2}|[a-z]{2,9}))$/iu;
const KEY_BINDINGS = fieldsOf(
  ACTIONS,
  `actions with keys (${ACTIONS.join(", ")}: keys such as x, F10, C-t)`,
  LIST.schema,
  (value) => {
    const names = items(value);
    if (!names?.every((name) => KEY_NAME.test(name))) return undefined;
    return names.map((name) => (/^f\d/i.test(name) ? name.toLowerCase() : name));
  },
);

const key = <T>(row: SettingKey<T>): SettingKey => row;

export const KEYS: readonly SettingKey[] = [
  key({ name: "timeout", about: "How long a person has until the default boots.", ...TIMEOUT }),
  key({
    name: "default",
    about: "The entry that boots by itself: id, title, submenu path with >, number, pattern with *, or @saved.",
    ...TEXT,
    schema: { type: ["string", "integer"] },
  }),
  key({
    name: "fallback",
    about: "What is tried after the default has failed, in this order; each named as default is.",
    ...WHOLE_LIST,
  }),
  key({
    name: "order",
    aliases: ["bootdevs", "bootdev"],
    about:
      "Where a default may come from, best first: virtio, ata, nvme, scsi, usb, mmc, md, dm, cdrom, disk, removable, " +
      "network, UUID=, LABEL=, PARTUUID=, PARTLABEL=, mac=, a device's name, any.",
    ...LIST,
    expects: "a list of sources: usb, nvme, UUID=…, network, any …",
  }),
  key({
    name: "removable",
    about: "Whether what is on removable devices may boot by itself without being named.",
    ...YES_NO,
    safe: false,
  }),
  key({
    name: "console",
    aliases: ["consoles"],
    about: "Terminals on which the menu is shown.",
    ...LIST,
    expects: "a list of terminals: tty0, ttyS0",
    read: (value) => {
      const names = items(value);
      return names?.length === 0 ? null : names;
    },
  }),
  key({ name: "editor", about: "Whether entries may be edited without the password.", ...YES_NO, safe: false }),
  key({
    name: "shell",
    about: "Whether there is a shell without the password; as editor unless given.",
    ...YES_NO,
    safe: false,
  }),
  key({
    name: "password",
    about: "Opens what editor: no, shell: no and restricted entries keep shut; as baton password prints it.",
    ...textLike(PASSWORD_FORM, "what baton password prints: $scrypt$ln=…,r=…,p=…$SALT$HASH", {
      pattern: "^\\$scrypt\\$",
    }),
  }),
  key({
    name: "waitfor",
    about: "Devices that are waited for, as long as rootdelay says, before anything boots by itself.",
    ...LIST,
    expects: "a list of devices: UUID=…, LABEL=…, PARTUUID=…, PARTLABEL=… or a name",
    read: (value) => items(value)?.map((name) => name.replace(/^\/dev\//, "")),
  }),
  key({
    name: "rootdelay",
    about: "Seconds before anything boots by itself, or DEVICE[,SECONDS] to wait for that device.",
    expects: "a number of seconds, or DEVICE[,SECONDS]",
    schema: { type: ["integer", "string"] },
    read: ({ texts, fields }) => parseRootDelay(fields === null ? texts.join(",") : "") ?? undefined,
  }),
  key({
    name: "isofolders",
    about: "Folders in which ISO files are looked for on each disk; with /** at the end those below, too.",
    ...LIST,
    expects: "a list of folders that begin with /",
    read: (value) => {
      const folders = items(value);
      return folders?.every((folder) => folder.startsWith("/")) ? folders : undefined;
    },
  }),
  key({ name: "retries", about: "How often everything is tried again where final is retry.", ...numberFrom(0, 1000) }),
  key({
    name: "final",
    aliases: ["on-failure"],
    about: "What happens when everything that could boot has failed and nobody is there.",
    ...oneOf("menu", "retry", "reboot", "poweroff"),
  }),
  key({
    name: "watchdog",
    about: "Seconds after which the hardware watchdog resets a machine that hangs; no leaves it alone.",
    expects: "a number of seconds from 5 to 3600, or no",
    schema: { oneOf: [numberFrom(5, 3600).schema, { const: false }, { const: "no" }] },
    read: (value) => (YES_NO.read(value) === false ? null : numberFrom(5, 3600).read(value)),
  }),
  key({
    name: "network",
    about:
      "never (no), auto, prefer (before the disks), require (nothing else boots by itself), and what each interface does: " +
      "MAC,dhcp or MAC,static,ADDRESS/BITS,GATEWAY.",
    expects: "never, auto, prefer, require, or a list of interfaces",
    schema: { oneOf: [{ type: "boolean" }, ...(WHOLE_LIST.schema.oneOf as unknown[])] },
    read: (value) => {
      const flag = YES_NO.read(value);
      return flag === undefined ? WHOLE_LIST.read(value) : [flag ? "auto" : "no"];
    },
  }),
  key({
    name: "url",
    about: "What is fetched and offered besides the disks.",
    ...textLike(/^[a-z][a-z0-9+.-]*:\/\/\S+$/i, "a URL", { format: "uri" }),
  }),
  key({
    name: "writes",
    about:
      "What Baton may write: nothing, or what the disks' own bootloaders would (grubenv, boot counters, EFI variables).",
    ...oneOf("none", "bootloader-state"),
  }),
  key({
    name: "tries",
    about: "Boots in a row that an entry may go without baton confirm until it is passed over; 0 doesn't count.",
    ...numberFrom(0, 100),
  }),
  key({
    name: "keymap",
    about: "The keyboard's layout, by the name that Debian's console-data gives it.",
    ...textLike(/^[A-Za-z0-9_.-]+$/, "a name: de, fr, uk", { pattern: "^[A-Za-z0-9_.-]+$" }),
  }),
  key({
    name: "ui",
    about: "screen draws; plain prints numbered lines and reads a number.",
    ...oneOf("screen", "plain"),
  }),
  key({ name: "title", about: "Stands in the title line.", ...TEXT }),
  key({ name: "message", aliases: ["motd"], about: "The message of the day, below the title.", ...TEXT }),
  key({ name: "theme", about: "Colours by what they are for: bold white on blue, reverse, dim.", ...THEME }),
  key({ name: "keys", about: "More keys for an action; what Baton's own keys do stays.", ...KEY_BINDINGS }),
  key({ name: "stage", about: "Whether what Enter would boot is loaded ahead while the menu is idle.", ...YES_NO }),
  key({
    name: "kexec",
    about: "The system call that loads kernels: classic is faster, file checks signatures, auto takes what suits.",
    ...oneOf("auto", "classic", "file"),
  }),
  key({ name: "debug", about: "Everything that Baton does goes to the kernel log.", ...YES_NO }),
];

export function findKey(name: string): SettingKey | undefined {
  return KEYS.find((row) => row.name === name || row.aliases?.includes(name));
}

/** The key that was probably meant: no more than two letters off. */
export function nearestKey(name: string): string | null {
  let best: string | null = null;
  let least = 3;
  for (const { name: known, aliases = [] } of KEYS) {
    for (const candidate of [known, ...aliases]) {
      const steps = distance(name, candidate, least);
      if (steps < least) {
        least = steps;
        best = candidate;
      }
    }
  }
  return best;
}

/** JSON Schema of the file, for editors: `configs/baton.schema.json`. */
export function settingsSchema(): Record<string, unknown> {
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: "Baton's configuration",
    type: "object",
    properties: Object.fromEntries(
      KEYS.flatMap(({ name, aliases = [], about, schema }) => [
        [name, { description: about, ...schema }],
        ...aliases.map((alias) => [alias, { description: `The same as ${name}.`, ...schema }]),
      ]),
    ),
    additionalProperties: false,
  };
}
