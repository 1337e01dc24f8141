/** What values a configuration's keys may have: how each kind is read, described and checked by editors. Pure. */

/** What a file says for a key, whatever its syntax. */
export interface RawValue {
  /** One text, or the items of a list. */
  readonly texts: readonly string[];
  /** Where the value is keys and values of its own, else null. */
  readonly fields: readonly { readonly key: string; readonly texts: readonly string[] }[] | null;
}

export interface ValueKind<T> {
  /** What the value must be, for messages: `yes or no`. */
  readonly expects: string;
  /** JSON Schema of the value. */
  readonly schema: Readonly<Record<string, unknown>>;
  /** @returns undefined where the value is none of what is expected */
  read(value: RawValue): T | undefined;
}

/** What a file says where it says one text. */
export const oneText = (text: string): RawValue => ({ texts: [text], fields: null });

/** The one text that a value is. */
const one = ({ texts, fields }: RawValue): string | undefined =>
  fields === null && texts.length === 1 ? texts[0]!.trim() : undefined;

const listed = (parts: readonly string[]): string[] => parts.map((part) => part.trim()).filter((part) => part !== "");

/** A list, or one text with commas. */
export const items = ({ texts, fields }: RawValue): string[] | undefined =>
  fields === null ? listed(texts.length === 1 ? texts[0]!.split(",") : texts) : undefined;

/** Wraps what reads one text. */
export const fromText =
  <T>(read: (text: string) => T | undefined) =>
  (value: RawValue): T | undefined => {
    const text = one(value);
    return text === undefined ? undefined : read(text);
  };

export const YES_NO: ValueKind<boolean> = {
  expects: "yes or no",
  schema: { oneOf: [{ type: "boolean" }, { enum: ["yes", "no", "on", "off"] }] },
  read: fromText((text) => {
    if (/^(yes|true|on|1)$/i.test(text)) return true;
    return /^(no|false|off|0)$/i.test(text) ? false : undefined;
  }),
};

/** Any text; an empty one is null. */
export const TEXT: ValueKind<string | null> = {
  expects: "a text",
  schema: { type: "string" },
  read: fromText((text) => text || null),
};

/** A text of a certain form. */
export const textLike = (form: RegExp, expects: string, schema: Record<string, unknown>): ValueKind<string> => ({
  expects,
  schema: { type: "string", ...schema },
  read: fromText((text) => (form.test(text) ? text : undefined)),
});

const TEXTS = { oneOf: [{ type: "string" }, { type: "array", items: { type: "string" } }] };

export const LIST: ValueKind<readonly string[]> = { expects: "a list of texts", schema: TEXTS, read: items };

/** A list whose items may hold commas: one text is one item. */
export const WHOLE_LIST: ValueKind<readonly string[]> = {
  ...LIST,
  read: ({ texts, fields }) => (fields === null ? listed(texts) : undefined),
};

export const numberFrom = (minimum: number, maximum: number): ValueKind<number> => ({
  expects: `a number from ${minimum} to ${maximum}`,
  schema: { type: "integer", minimum, maximum },
  read: fromText((text) => {
    const number = /^\d{1,6}$/.test(text) ? Number(text) : Number.NaN;
    return number >= minimum && number <= maximum ? number : undefined;
  }),
});

export const oneOf = <T extends string>(...choices: readonly T[]): ValueKind<T> => ({
  expects: `${choices.slice(0, -1).join(", ")} or ${choices.at(-1)}`,
  schema: { enum: choices },
  read: fromText((text) => choices.find((choice) => choice === text.toLowerCase())),
});

/** Keys and values, of keys that are known. @param read the value for one of them */
export const fieldsOf = <T>(
  known: readonly string[],
  expects: string,
  schema: Record<string, unknown>,
  read: (value: RawValue) => T | undefined,
): ValueKind<Readonly<Record<string, T>>> => ({
  expects,
  // Made when it is asked for: the table of settings is loaded at every start, and needs none.
  get schema() {
    const properties = Object.fromEntries(known.map((name) => [name, schema]));
    return { type: "object", properties, additionalProperties: false };
  },
  read: ({ fields }) => {
    if (fields === null) return undefined;
    const out: Record<string, T> = {};
    for (const { key, texts } of fields) {
      const name = known.find((candidate) => candidate.toLowerCase() === key.toLowerCase());
      const value = read({ texts, fields: null });
      if (name === undefined || value === undefined) return undefined;
      out[name] = value;
    }
    return out;
  },
});
