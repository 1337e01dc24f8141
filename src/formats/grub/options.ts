/** Options of GRUB's commands (grub-core/lib/arg.c). */

export interface OptionSpec {
  readonly long: string;
  readonly short?: string;
  /** `optional`: `--set` and `--set=NAME` both. */
  readonly value?: "required" | "optional";
}

interface OptionValue {
  readonly name: string;
  readonly values: string[];
  readonly next: OptionValue | null;
}

/** Options by long name, each with its values in order: a handful, for which a Map costs more than looking. */
class OptionValues {
  #first: OptionValue | null = null;

  has(name: string): boolean {
    return this.get(name) !== undefined;
  }

  get(name: string): readonly string[] | undefined {
    return this.#find(name)?.values;
  }

  add(name: string, value: string): void {
    const known = this.#find(name);
    if (known !== null) known.values.push(value);
    else this.#first = { name, values: [value], next: this.#first };
  }

  #find(name: string): OptionValue | null {
    for (let at = this.#first; at !== null; at = at.next) if (at.name === name) return at;
    return null;
  }
}

interface ParsedOptions {
  /** By long name; an option without a value is "". */
  readonly values: OptionValues;
  readonly args: readonly string[];
}

/**
 * Sorts options from arguments.
 * @param lenient unknown options are arguments (GRUB_COMMAND_ACCEPT_DASH).
 * @returns the reason where the command would fail.
 */
export function parseOptions(
  specs: readonly OptionSpec[],
  argv: readonly string[],
  { lenient = false, optionsFirst = false } = {},
): ParsedOptions | string {
  const values = new OptionValues();
  const args: string[] = [];
  const add = (spec: OptionSpec, value: string) => values.add(spec.long, value);
  for (let i = 0; i < argv.length; i++) {
    const arg = argv[i]!;
    if (arg.length < 2 || !arg.startsWith("-") || (optionsFirst && args.length > 0)) {
      args.push(arg);
      continue;
    }
    if (arg === "--") {
      args.push(...argv.slice(i + 1));
      break;
    }
    if (arg.startsWith("--")) {
      const equals = arg.indexOf("=");
      const name = arg.slice(2, equals === -1 ? undefined : equals);
      const spec = specs.find(({ long }) => long === name);
      if (spec === undefined) {
        if (!lenient) return `unknown option '${arg}'`;
        args.push(arg);
        continue;
      }
      let value = equals === -1 ? undefined : arg.slice(equals + 1);
      const following = argv[i + 1];
      if (value === undefined && spec.value !== undefined && following !== undefined && !following.startsWith("-")) {
        value = following;
        i++;
      }
      if (spec.value === undefined && value !== undefined) return `option '--${name}' takes no value`;
      if (spec.value === "required" && value === undefined) return `option '--${name}' needs a value`;
      add(spec, value ?? "");
      continue;
    }
    const letters = [...arg.slice(1)];
    const found = letters.map((letter) => specs.find(({ short }) => short === letter));
    if (found.includes(undefined)) {
      if (!lenient) return `unknown option '${arg}'`;
      args.push(arg);
      continue;
    }
    for (const [index, spec] of found.entries()) {
      if (index < found.length - 1) {
        if (spec!.value === "required") return `option '-${spec!.short}' needs a value`;
        add(spec!, "");
        continue;
      }
      const following = argv[i + 1];
      if (spec!.value === undefined) add(spec!, "");
      else if (
        following !== undefined &&
        (spec!.value === "required" || following.length < 2 || following[0] !== "-")
      ) {
        add(spec!, following);
        i++;
      } else if (spec!.value === "optional") add(spec!, "");
      else return `option '-${spec!.short}' needs a value`;
    }
  }
  return { values, args };
}

/** The last value of an option, undefined where it wasn't given. */
export function optionValue(options: ParsedOptions, name: string): string | undefined {
  return options.values.get(name)?.at(-1);
}
