/**
 * The words of Baton's own list of entries, a row each: what a list may say, the JSON schema and the man page follow from
 * it. Loaded where there is a list. Pure.
 */

import type { EntryKey, Vocabulary } from "./list.ts";

interface ListWord {
  /** One sentence or two. */
  readonly about: string;
  /** A value as YAML writes it. */
  readonly example: string;
  /** JSON Schema of the value. */
  readonly schema: Readonly<Record<string, unknown>>;
}

interface EntryWord extends ListWord {
  readonly key: EntryKey;
  /** As kexec and other loaders call it. */
  readonly aliases?: readonly string[];
}

const TEXT = { type: "string" };
const TEXTS = { oneOf: [TEXT, { type: "array", items: TEXT }] };

export const ENTRY_WORDS: readonly EntryWord[] = [
  {
    key: "id",
    about:
      "What default names, and what keeps the entry's id the same where its title changes; its title unless given.",
    example: "debian",
    schema: TEXT,
  },
  {
    key: "title",
    about: "As the menu shows it. Needed, unless there is an id.",
    example: "Debian GNU/Linux",
    schema: TEXT,
  },
  {
    key: "linux",
    aliases: ["kernel"],
    about:
      "The kernel's file: on this volume (/boot/vmlinuz), beside the list (vmlinuz), on another volume " +
      "(UUID=…:/vmlinuz, LABEL=…:/…, PARTUUID=…:/…, PARTLABEL=…:/…, sda1:/…), or a URL. Needed.",
    example: "/boot/vmlinuz",
    schema: TEXT,
  },
  {
    key: "initrd",
    about: "A file or a list of files, which the kernel unpacks as if joined.",
    example: "[/boot/ucode.img, /boot/initrd.img]",
    schema: TEXTS,
  },
  {
    key: "options",
    aliases: ["append", "cmdline"],
    about: "The kernel's command line, as the kernel gets it; a list is joined by blanks.",
    example: "root=LABEL=root ro quiet",
    schema: TEXTS,
  },
  {
    key: "devicetree",
    aliases: ["dtb"],
    about: "The devicetree's file, for boards.",
    example: "/boot/board.dtb",
    schema: TEXT,
  },
  {
    key: "submenu",
    about: "The submenu in which it stands, or a list of them, outermost first.",
    example: "Advanced options",
    schema: TEXTS,
  },
  { key: "hotkey", about: "A key that picks it in the menu.", example: "d", schema: TEXT },
];

/** What stands beside the entries. */
export const LIST_WORDS: Readonly<Record<"default" | "timeout", ListWord>> = {
  default: {
    about: "Id or title of the entry that boots by itself; the first one, unless given.",
    example: "debian",
    schema: { type: ["string", "integer"] },
  },
  timeout: {
    about: "Seconds until it does; never waits for a person, 0 boots at once.",
    example: "5",
    schema: { oneOf: [{ type: "number", minimum: 0 }, { const: "never" }] },
  },
};

export const BATON: Vocabulary = {
  type: "baton",
  globals: [],
  words: Object.fromEntries(
    ENTRY_WORDS.flatMap(({ key, aliases = [] }) => [key, ...aliases].map((word) => [word, key])),
  ),
};

/** JSON Schema of the list, for editors: `configs/entries.schema.json`. */
export function entriesSchema(): Record<string, unknown> {
  const described = ({ about, schema }: ListWord): unknown => ({ description: about, ...schema });
  const properties = ENTRY_WORDS.flatMap((word) => [
    [word.key, described(word)],
    ...(word.aliases ?? []).map((alias) => [alias, { description: `The same as ${word.key}.`, ...word.schema }]),
  ]);
  return {
    title: "Boot entries for Baton, written by hand",
    type: "object",
    properties: {
      ...Object.fromEntries(Object.entries(LIST_WORDS).map(([name, word]) => [name, described(word)])),
      entries: {
        description: "The entries, in the order in which the menu shows them.",
        type: "array",
        items: { type: "object", properties: Object.fromEntries(properties), additionalProperties: false },
      },
    },
    additionalProperties: false,
  };
}
