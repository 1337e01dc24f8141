/** The keys of Baton's configuration: what each means, what it may say, how it is read. One table. Pure. */

import type { Settings, Timeout } from "./settings.ts";
import { parseRootDelay } from "./words.ts";

/** What a file says for a key, whatever its syntax. */
export interface RawValue {
  /** One text, or the items of a list. */
  readonly texts: readonly string[];
  /** Where the value is keys and values of its own, else null. */
  readonly fields: readonly { readonly key: string; readonly texts: readonly string[] }[] | null;
}

export interface SettingKey<T = unknown> {
  readonly name: keyof Settings;
  /** As loader.conf, petitboot or people call it, too. */
  readonly aliases?: readonly string[];
  /** One sentence, for the schema. */
  readonly about: string;
  /** What the value must be, for messages: `yes or no`. */
  readonly expects: string;
  /** JSON Schema of the value. */
  readonly schema: Readonly<Record<string, unknown>>;
  /** @returns undefined where the value is none of what is expected */
  read(value: RawValue): T | undefined;
  /** What holds where the value can't be read: for what keeps people out. Left out: what holds without the key. */
  readonly safe?: T;
}

/** As `baton password` makes them: the PHC string format, https://github.com/P-H-C/phc-string-format. */
export const PASSWORD_FORM = /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,2}),p=(\d{1,2})\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/;

export const ACTIONS = [
  ...["up", "down", "pageup", "pagedown", "first", "last", "boot", "back", "edit", "shell", "rescan", "devices"],
  ...["log", "help", "redraw", "reboot", "poweroff", "default", "more-time", "less-time", "search", "url", "firmware"],
] as const;

/** What can have a colour: the styles of menu/look.ts. */
export const STYLES = [
  ...["normal", "bar", "barSoft", "selected", "selectedSoft", "soft", "strong", "label", "accent", "warning"],
  ...["error", "errorStrong"],
] as const;
const COLOURS = "default|black|red|green|yellow|blue|magenta|cyan|white";
const LOOK = new RegExp(`^(?:(?:bold|dim|reverse|underline|${COLOURS})(?: |$))*(?:on (?:${COLOURS}))?$`);

const one = ({ texts, fields }: RawValue): string | undefined =>
  fields === null && texts.length === 1 ? texts[0]!.trim() : undefined;

/** Items of a list, or one text with commas. */
const items = ({ texts, fields }: RawValue): string[] | undefined => {
  if (fields !== null) return undefined;
  const parts = texts.length === 1 ? texts[0]!.split(",") : texts;
  return parts.map((part) => part.trim()).filter((part) => part !== "");
};

/** A list whose items may hold commas: one text is one item. */
const wholeItems = ({ texts, fields }: RawValue): string[] | undefined =>
  fields === null ? texts.map((part) => part.trim()).filter((part) => part !== "") : undefined;

const text = (value: RawValue): string | null | undefined => {
  const found = one(value);
  return found === undefined ? undefined : found || null;
};

const yesNo = (value: RawValue): boolean | undefined => {
  const word = one(value)?.toLowerCase();
  if (word === undefined) return undefined;
  if (/^(yes|true|on|1)$/.test(word)) return true;
  return /^(no|false|off|0)$/.test(word) ? false : undefined;
};

const number =
  (least: number, most: number) =>
  (value: RawValue): number | undefined => {
    const word = one(value) ?? "";
    return /^\d{1,6}$/.test(word) && Number(word) >= least && Number(word) <= most ? Number(word) : undefined;
  };

const choice =
  <T extends string>(...choices: readonly T[]) =>
  (value: RawValue): T | undefined =>
    choices.find((candidate) => candidate === one(value)?.toLowerCase());

/** Words of loader.conf(5). */
const TIMEOUT_WORDS: Readonly<Record<string, Timeout>> = {
  never: { seconds: Number.POSITIVE_INFINITY, keys: true },
  "-1": { seconds: Number.POSITIVE_INFINITY, keys: true },
  "menu-force": { seconds: Number.POSITIVE_INFINITY, keys: true },
  "menu-hidden": { seconds: 0, keys: true },
  "menu-disabled": { seconds: 0, keys: false },
};

function timeout(value: RawValue): Timeout | undefined {
  const word = one(value)?.toLowerCase() ?? "";
  if (Object.hasOwn(TIMEOUT_WORDS, word)) return TIMEOUT_WORDS[word];
  return /^\d{1,6}(\.\d+)?$/.test(word) ? { seconds: Number(word), keys: true } : undefined;
}

const YES_NO = { oneOf: [{ type: "boolean" }, { enum: ["yes", "no", "on", "off"] }] };
const TEXT = { type: "string" };
const TEXTS = { oneOf: [{ type: "string" }, { type: "array", items: { type: "string" } }] };
const whole = (minimum: number, maximum: number) => ({ type: "integer", minimum, maximum });

const key = <T>(row: SettingKey<T>): SettingKey => row;

export const KEYS: readonly SettingKey[] = [
  key({
    name: "timeout",
    about: "How long a person has until the default boots.",
    expects: "a number of seconds, never, menu-force, menu-hidden or menu-disabled",
    schema: {
      oneOf: [{ type: "number", minimum: -1 }, { enum: ["never", "menu-force", "menu-hidden", "menu-disabled"] }],
    },
    read: timeout,
  }),
  key({
    name: "default",
    about: "The entry that boots by itself: id, title, submenu path with >, number, pattern with *, or @saved.",
    expects: "a text",
    schema: { type: ["string", "integer"] },
    read: text,
  }),
  key({
    name: "fallback",
    about: "What is tried after the default has failed, in this order; each named as default is.",
    expects: "a list of texts",
    schema: TEXTS,
    read: wholeItems,
  }),
  key({
    name: "order",
    aliases: ["bootdevs", "bootdev"],
    about:
      "Where a default may come from, best first: virtio, ata, nvme, scsi, usb, mmc, md, dm, cdrom, disk, removable, " +
      "network, UUID=, LABEL=, PARTUUID=, PARTLABEL=, mac=, a device's name, any.",
    expects: "a list of sources: usb, nvme, UUID=…, network, any …",
    schema: TEXTS,
    read: items,
  }),
  key({
    name: "removable",
    about: "Whether what is on removable devices may boot by itself without being named.",
    expects: "yes or no",
    schema: YES_NO,
    read: yesNo,
    safe: false,
  }),
  key({
    name: "console",
    aliases: ["consoles"],
    about: "Terminals on which the menu is shown.",
    expects: "a list of terminals: tty0, ttyS0",
    schema: TEXTS,
    read: (value) => {
      const names = items(value);
      return names === undefined ? undefined : names.length > 0 ? names : null;
    },
  }),
  key({
    name: "editor",
    about: "Whether entries may be edited without the password.",
    expects: "yes or no",
    schema: YES_NO,
    read: yesNo,
    safe: false,
  }),
  key({
    name: "shell",
    about: "Whether there is a shell without the password; as editor unless given.",
    expects: "yes or no",
    schema: YES_NO,
    read: yesNo,
    safe: false,
  }),
  key({
    name: "password",
    about: "Opens what editor: no, shell: no and restricted entries keep shut; as baton password prints it.",
    expects: "what baton password prints: $scrypt$ln=…,r=…,p=…$SALT$HASH",
    schema: { type: "string", pattern: "^\\$scrypt\\$" },
    read: (value) => {
      const found = one(value);
      return found !== undefined && PASSWORD_FORM.test(found) ? found : undefined;
    },
  }),
  key({
    name: "waitfor",
    about: "Devices that are waited for, as long as rootdelay says, before anything boots by itself.",
    expects: "a list of devices: UUID=…, LABEL=…, PARTUUID=…, PARTLABEL=… or a name",
    schema: TEXTS,
    read: (value) => items(value)?.map((name) => name.replace(/^\/dev\//, "")),
  }),
  key({
    name: "rootdelay",
    about: "Seconds before anything boots by itself, or DEVICE[,SECONDS] to wait for that device.",
    expects: "a number of seconds, or DEVICE[,SECONDS]",
    schema: { type: ["integer", "string"] },
    read: (value) => parseRootDelay(value.fields === null ? value.texts.join(",") : "") ?? undefined,
  }),
  key({
    name: "isofolders",
    about: "Folders in which ISO files are looked for on each disk; with /** at the end those below, too.",
    expects: "a list of folders that begin with /",
    schema: TEXTS,
    read: (value) => {
      const folders = items(value);
      return folders?.every((folder) => folder.startsWith("/")) ? folders : undefined;
    },
  }),
  key({
    name: "retries",
    about: "How often everything is tried again where final is retry.",
    expects: "a number from 0 to 1000",
    schema: whole(0, 1000),
    read: number(0, 1000),
  }),
  key({
    name: "final",
    aliases: ["on-failure"],
    about: "What happens when everything that could boot has failed and nobody is there.",
    expects: "menu, retry, reboot or poweroff",
    schema: { enum: ["menu", "retry", "reboot", "poweroff"] },
    read: choice("menu", "retry", "reboot", "poweroff"),
  }),
  key({
    name: "watchdog",
    about: "Seconds after which the hardware watchdog resets a machine that hangs; no leaves it alone.",
    expects: "a number of seconds from 5 to 3600, or no",
    schema: { oneOf: [whole(5, 3600), { const: false }, { const: "no" }] },
    read: (value) => (yesNo(value) === false ? null : number(5, 3600)(value)),
  }),
  key({
    name: "network",
    about: "no, auto, or what each interface does: MAC,dhcp or MAC,static,ADDRESS/BITS,GATEWAY.",
    expects: "no, auto, or a list of interfaces",
    schema: { oneOf: [{ type: "boolean" }, ...TEXTS.oneOf] },
    read: (value) => {
      const flag = yesNo(value);
      return flag === undefined ? wholeItems(value) : [flag ? "auto" : "no"];
    },
  }),
  key({
    name: "url",
    about: "What is fetched and offered besides the disks.",
    expects: "a URL",
    schema: { type: "string", format: "uri" },
    read: (value) => {
      const found = one(value);
      return found !== undefined && /^[a-z][a-z0-9+.-]*:\/\/\S+$/i.test(found) ? found : undefined;
    },
  }),
  key({
    name: "writes",
    about:
      "What Baton may write: nothing, or what the disks' own bootloaders would (grubenv, boot counters, EFI variables).",
    expects: "none or bootloader-state",
    schema: { enum: ["none", "bootloader-state"] },
    read: choice("none", "bootloader-state"),
  }),
  key({
    name: "tries",
    about: "Boots in a row that an entry may go without baton confirm until it is passed over; 0 doesn't count.",
    expects: "a number from 0 to 100",
    schema: whole(0, 100),
    read: number(0, 100),
  }),
  key({
    name: "keymap",
    about: "The keyboard's layout, by the name that Debian's console-data gives it.",
    expects: "a name: de, fr, uk",
    schema: { type: "string", pattern: "^[A-Za-z0-9_.-]+$" },
    read: (value) => {
      const found = one(value);
      return found !== undefined && /^[A-Za-z0-9_.-]+$/.test(found) ? found : undefined;
    },
  }),
  key({
    name: "ui",
    about: "screen draws; plain prints numbered lines and reads a number.",
    expects: "screen or plain",
    schema: { enum: ["screen", "plain"] },
    read: choice("screen", "plain"),
  }),
  key({
    name: "title",
    about: "Stands in the title line.",
    expects: "a text",
    schema: TEXT,
    read: text,
  }),
  key({
    name: "message",
    aliases: ["motd"],
    about: "The message of the day, below the title.",
    expects: "a text",
    schema: TEXT,
    read: text,
  }),
  key({
    name: "theme",
    about: "Colours by what they are for: bold white on blue, reverse, dim.",
    expects: `styles with colours (${STYLES.join(", ")}: words such as bold, dim, reverse, red, on blue)`,
    schema: {
      type: "object",
      properties: Object.fromEntries(STYLES.map((name) => [name, TEXT])),
      additionalProperties: false,
    },
    read: ({ fields }) => {
      if (fields === null) return undefined;
      const out: Record<string, string> = {};
      for (const field of fields) {
        const look = field.texts.join(" ").trim().toLowerCase();
        const style = STYLES.find((name) => name.toLowerCase() === field.key.toLowerCase());
        if (style === undefined || !LOOK.test(look)) return undefined;
        out[style] = look;
      }
      return out;
    },
  }),
  key({
    name: "keys",
    about: "More keys for an action; what Baton's own keys do stays.",
    expects: `actions with keys (${ACTIONS.join(", ")}: keys such as x, F10, C-t)`,
    schema: {
      type: "object",
      properties: Object.fromEntries(ACTIONS.map((name) => [name, TEXTS])),
      additionalProperties: false,
    },
    read: ({ fields }) => {
      if (fields === null) return undefined;
      const out: Record<string, string[]> = {};
      for (const field of fields) {
        const names = items({ texts: field.texts, fields: null })!;
        if (!ACTIONS.some((action) => action === field.key)) return undefined;
        if (!names.every((name) => /^((C-|M-)*(\S|f\d{1,2}|[a-z]{2,9}))$/iu.test(name))) return undefined;
        out[field.key] = names.map((name) => (name.length > 1 && /^f\d/i.test(name) ? name.toLowerCase() : name));
      }
      return out;
    },
  }),
  key({
    name: "stage",
    about: "Whether what Enter would boot is loaded ahead while the menu is idle.",
    expects: "yes or no",
    schema: YES_NO,
    read: yesNo,
  }),
  key({
    name: "kexec",
    about: "The system call that loads kernels: classic is faster, file checks signatures, auto takes what suits.",
    expects: "auto, classic or file",
    schema: { enum: ["auto", "classic", "file"] },
    read: choice("auto", "classic", "file"),
  }),
  key({
    name: "debug",
    about: "Everything that Baton does goes to the kernel log.",
    expects: "yes or no",
    schema: YES_NO,
    read: yesNo,
  }),
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

/** Levenshtein's distance; `limit` where it is at least that. */
function distance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) >= limit) return limit;
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)));
    }
    row = next;
  }
  return Math.min(row[b.length]!, limit);
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
