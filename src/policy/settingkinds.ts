/** The kinds of values that one setting alone has. Pure. */

import { ACTIONS } from "../menu/actions.ts";
import { fieldsOf, fromText, items, LIST, TEXT, type ValueKind, YES_NO } from "./valuekinds.ts";

/** How long a person has until the default boots. */
export interface Timeout {
  /** 0 boots at once; Infinity waits for a person. */
  readonly seconds: number;
  /** Whether a key that is held during the start brings the menu where `seconds` is 0. */
  readonly keys: boolean;
}

/** As `baton password` makes them: the PHC string format, https://github.com/P-H-C/phc-string-format. */
export const PASSWORD_FORM = /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,2}),p=(\d{1,2})\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/;

/** What can have a colour: the styles of menu/style.ts. */
const STYLES = [
  ...["normal", "bar", "barSoft", "selected", "selectedSoft", "soft", "strong", "label", "accent", "warning"],
  ...["error", "errorStrong"],
] as const;
const COLOURS = "default|black|red|green|yellow|blue|magenta|cyan|white";
const LOOK = `^(?:(?:bold|dim|reverse|underline|${COLOURS})(?: |$))*(?:on (?:${COLOURS}))?$`;

/** Words of loader.conf(5). */
const TIMEOUT_WORDS: Readonly<Record<string, Timeout>> = {
  never: { seconds: Number.POSITIVE_INFINITY, keys: true },
  "-1": { seconds: Number.POSITIVE_INFINITY, keys: true },
  "menu-force": { seconds: Number.POSITIVE_INFINITY, keys: true },
  "menu-hidden": { seconds: 0, keys: true },
  "menu-disabled": { seconds: 0, keys: false },
};

export const TIMEOUT: ValueKind<Timeout> = {
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

export const REMOVABLE: ValueKind<boolean | "never"> = {
  expects: "yes, no or never",
  schema: { oneOf: [YES_NO.schema, { const: "never" }] },
  read: (value) =>
    fromText((text) => (/^never$/i.test(text) ? ("never" as const) : undefined))(value) ?? YES_NO.read(value),
};

export const THEME = fieldsOf(
  STYLES,
  `styles with colours (${STYLES.join(", ")}: words such as bold, dim, reverse, red, on blue)`,
  TEXT.schema,
  ({ texts }) => {
    const text = texts.join(" ").trim().toLowerCase();
    return new RegExp(LOOK).test(text) ? text : undefined;
  },
);

const KEY_NAME = /^((C-|M-)*(\S|f\d{1,2}|[a-z]{2,9}))$/iu;
const ACTION_NAMES = ACTIONS.map(({ action }) => action);
export const KEY_BINDINGS = fieldsOf<readonly string[]>(
  ACTION_NAMES,
  `actions with keys (${ACTION_NAMES.join(", ")}: keys such as x, F10, C-t)`,
  LIST.schema,
  (value) => {
    const names = items(value);
    if (!names?.every((name) => KEY_NAME.test(name))) return undefined;
    return names.map((name) => (/^f\d/i.test(name) ? name.toLowerCase() : name));
  },
);
