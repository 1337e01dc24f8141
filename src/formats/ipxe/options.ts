/** The options of iPXE's commands, as each command's table has them (src/core/parseopt.c, src/core/getopt.c). */

/**
 * Long name → its letter, and what follows it: nothing for a flag, `:` a text, `#` a number, `!` a key. A key is one
 * character, or a number.
 */
export type OptionTable = Readonly<Record<string, string>>;

/** How many arguments a command takes, the least and the most. */
export type ArgumentCount = readonly [least: number, most: number];

/** No limit. */
export const ANY = Number.POSITIVE_INFINITY;

/** What a command was given. */
export class Given {
  readonly args: readonly string[];
  readonly #values: ReadonlyMap<string, string>;

  constructor(args: readonly string[], values: ReadonlyMap<string, string>) {
    this.args = args;
    this.#values = values;
  }

  has(option: string): boolean {
    return this.#values.has(option);
  }

  /** Null where it isn't given, or is empty. */
  text(option: string): string | null {
    return this.#values.get(option) || null;
  }

  /** Null where it isn't given. */
  number(option: string): number | null {
    const value = this.#values.get(option);
    return value === undefined ? null : integer(value);
  }
}

/**
 * Splits options from arguments as getopt does: options end at the first word that is none.
 * @returns why they can't be, as a text
 */
export function parseOptions(
  words: readonly string[],
  table: OptionTable,
  [least, most]: ArgumentCount,
): Given | string {
  const values = new Map<string, string>();
  let at = 0;
  for (; at < words.length; at++) {
    const word = words[at]!;
    if (word === "--") {
      at++;
      break;
    }
    if (!/^-./s.test(word)) break;
    const [, long, inline] = /^--([^=]+)(?:=(.*))?$/s.exec(word) ?? [];
    // Letters may stand together; what stands behind one that takes a value is that value.
    for (let letter = 1; letter < (long === undefined ? word.length : 2); letter++) {
      const name = Object.keys(table).find((known) =>
        long === undefined ? table[known]![0] === word[letter] : known === long,
      );
      if (name === undefined) return `it has no option ${long === undefined ? `-${word[letter]}` : word}`;
      const kind = table[name]![1];
      if (kind === undefined) {
        if (inline !== undefined) return `--${name} takes no value`;
        values.set(name, "");
        continue;
      }
      const behind = long === undefined ? word.slice(letter + 1) || undefined : inline;
      const value = behind ?? words[++at];
      if (value === undefined) return `--${name} has no value`;
      const isNumber = kind === "#" || (kind === "!" && [...value].length !== 1);
      if (isNumber && integer(value) === null) return `--${name} ${value}: that is no number`;
      values.set(name, value);
      break;
    }
  }
  const args = words.slice(at);
  if (args.length < least)
    return least === 1 ? "it has no argument" : `it takes ${least} arguments, not ${args.length}`;
  if (args.length > most) return most === 0 ? "it takes no argument" : `it takes ${most} arguments, not ${args.length}`;
  return new Given(args, values);
}

/** A number as strtoul reads it with base 0: decimal, octal behind 0, hexadecimal behind 0x; an empty text is 0. */
export function integer(text: string): number | null {
  const [, sign, hex, octal, decimal] = /^\s*([+-]?)(?:0x([0-9a-f]+)|0([0-7]*)|([1-9]\d*))$/i.exec(text) ?? [];
  if (sign === undefined) return /^\s*$/.test(text) ? 0 : null;
  const value = hex !== undefined ? Number.parseInt(hex, 16) : Number.parseInt(octal || decimal || "0", octal ? 8 : 10);
  return sign === "-" ? -value : value;
}
