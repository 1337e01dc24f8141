/**
 * getopt_long(3) as GNU programs have it, for a command that stands in for one: long options by any beginning that
 * only one has, options behind operands, `--` before them, and its very messages.
 */

export interface LongOption {
  readonly name: string;
  /** What the option is known by afterwards: several names may have one. */
  readonly id: string;
  readonly takesValue?: boolean;
  readonly short?: string;
}

interface GivenOption {
  readonly id: string;
  /** Of one that takes a value; else empty. */
  readonly value: string;
}

export interface Arguments {
  /** In the order given. */
  readonly options: readonly GivenOption[];
  readonly operands: readonly string[];
  /** What is wrong with the first bad option, as getopt says it, without the program's name; null where all are good. */
  readonly complaint: string | null;
}

/** Never throws; options behind a bad one aren't read. */
export function getopt(args: readonly string[], known: readonly LongOption[]): Arguments {
  const options: GivenOption[] = [];
  const operands: string[] = [];
  const bad = (complaint: string): Arguments => ({ options, operands, complaint });
  for (let index = 0; index < args.length; index++) {
    const word = args[index]!;
    if (word === "--") {
      operands.push(...args.slice(index + 1));
      break;
    }
    if (word === "-" || !word.startsWith("-")) {
      operands.push(word);
    } else if (word.startsWith("--")) {
      const equals = word.indexOf("=");
      const name = word.slice(2, equals === -1 ? undefined : equals);
      const exact = known.find((option) => option.name === name);
      const candidates = exact ? [exact] : known.filter((option) => option.name.startsWith(name));
      const [option] = candidates;
      if (option === undefined) return bad(`unrecognized option '--${name}'`);
      if (candidates.some(({ id }) => id !== option.id)) {
        const possible = candidates.map((candidate) => ` '--${candidate.name}'`).join("");
        return bad(`option '--${name}' is ambiguous; possibilities:${possible}`);
      }
      if (!option.takesValue) {
        if (equals !== -1) return bad(`option '--${option.name}' doesn't allow an argument`);
        options.push({ id: option.id, value: "" });
      } else if (equals !== -1) {
        options.push({ id: option.id, value: word.slice(equals + 1) });
      } else {
        const value = args[++index];
        if (value === undefined) return bad(`option '--${option.name}' requires an argument`);
        options.push({ id: option.id, value });
      }
    } else {
      for (let at = 1; at < word.length; at++) {
        const letter = word[at]!;
        const option = known.find(({ short }) => short === letter);
        if (option === undefined) return bad(`invalid option -- '${letter}'`);
        if (!option.takesValue) {
          options.push({ id: option.id, value: "" });
          continue;
        }
        const value = at + 1 < word.length ? word.slice(at + 1) : args[++index];
        if (value === undefined) return bad(`option requires an argument -- '${letter}'`);
        options.push({ id: option.id, value });
        break;
      }
    }
  }
  return { options, operands, complaint: null };
}
