/**
 * config.txt of the Raspberry Pi: settings, and the filters that say for which board they are ("config.txt", Conditional
 * Filters, in the Raspberry Pi documentation).
 */

/** What a filter can ask about the machine. */
export interface Board {
  /** The names by which model filters call it: `pi4` and `pi400` for one board; empty where it isn't known. */
  readonly models: readonly string[];
  /** Of the medium, from 1; null where it isn't known. */
  readonly partition: number | null;
}

export interface ConfigTxt {
  /** The last of a name counts. */
  readonly values: ReadonlyMap<string, string>;
  /** `dtoverlay=`, each with what follows its name. */
  readonly overlays: readonly { readonly name: string; readonly parameters: string }[];
}

/** Names in the devicetree behind `raspberrypi,`, and the filters that hold for them. */
const MODELS: readonly (readonly [RegExp, readonly string[]])[] = [
  [/^model-zero-2/, ["pi0", "pi02"]],
  [/^model-zero-w/, ["pi0", "pi0w"]],
  [/^model-zero/, ["pi0"]],
  [/^(model-|compute-module)/, ["pi1"]],
  [/^2-/, ["pi2"]],
  [/^3-compute-module/, ["pi3", "cm3"]],
  [/^3-model-[ab]-plus/, ["pi3", "pi3+"]],
  [/^3-/, ["pi3"]],
  [/^400/, ["pi4", "pi400"]],
  [/^4-compute-module-s/, ["pi4", "cm4s"]],
  [/^4-compute-module/, ["pi4", "cm4"]],
  [/^4-/, ["pi4"]],
  [/^500/, ["pi5", "pi500"]],
  [/^5-compute-module/, ["pi5", "cm5"]],
  [/^5-/, ["pi5"]],
];
const ALL_MODELS = new Set(MODELS.flatMap(([, names]) => names));

/** @param compatible of the machine's devicetree. */
export function modelsOf(compatible: readonly string[]): readonly string[] {
  const own = compatible.find((name) => name.startsWith("raspberrypi,"))?.slice("raspberrypi,".length);
  return own === undefined ? [] : (MODELS.find(([pattern]) => pattern.test(own))?.[1] ?? []);
}

/** Settings by which something else would be started; a filter that can't be answered must not hide one in silence. */
const STARTING = new Set(["kernel", "initramfs", "ramfsfile", "cmdline", "os_prefix", "device_tree", "include"]);
const MAX_INCLUDES = 8;

/**
 * @param include reads a file beside config.txt; null where it can't be read, which it says.
 * @param say gets what a person should know, with the line.
 */
export async function readConfigTxt(
  text: string,
  board: Board,
  include: (name: string) => Promise<string | null>,
  say: (line: number, message: string) => void,
): Promise<ConfigTxt> {
  const values = new Map<string, string>();
  const overlays: { name: string; parameters: string }[] = [];
  let includes = 0;
  const read = async (content: string, at: number | null): Promise<void> => {
    const filter = new Filter(board);
    for (const [index, raw] of content.split(/\r?\n/).entries()) {
      const line = at ?? index + 1;
      const section = /^\s*\[([^\]]*)\]/.exec(raw)?.[1];
      if (section !== undefined) {
        filter.enter(section.trim().toLowerCase());
        continue;
      }
      const [, name, value] = /^([a-z0-9_]+(?::\d+)?)(?:\s*=\s*|\s+)(.*)$/is.exec(raw.trim()) ?? [];
      if (name === undefined || value === undefined) continue;
      if (filter.unknown !== null && STARTING.has(name)) {
        say(line, `Baton doesn't know whether [${filter.unknown.slice(0, 40)}] holds here: '${name}' is ignored`);
      }
      if (!filter.holds) continue;
      if (name === "include") {
        if (includes++ >= MAX_INCLUDES)
          return say(line, `more than ${MAX_INCLUDES} files are included: the rest is ignored`);
        const inner = await include(value);
        if (inner !== null) await read(inner, line);
      } else if (name === "dtoverlay") {
        const [overlay = "", ...rest] = value.split(/[,:]/);
        if (overlay !== "") overlays.push({ name: overlay, parameters: rest.join(",") });
      } else values.set(name, value);
    }
  };
  await read(text, null);
  return { values, overlays };
}

/** Filters of one kind replace each other, those of several kinds hold together, `[all]` ends them. */
class Filter {
  readonly #board: Board;
  readonly #answers = new Map<string, boolean>();
  /** One that can't be answered. */
  unknown: string | null = null;

  constructor(board: Board) {
    this.#board = board;
  }

  get holds(): boolean {
    return [...this.#answers.values()].every((answer) => answer);
  }

  enter(name: string): void {
    if (name === "all") {
      this.#answers.clear();
      this.unknown = null;
    } else if (ALL_MODELS.has(name)) this.#answers.set("model", this.#board.models.includes(name));
    else if (name === "none" || name === "tryboot") this.#answers.set(name, false);
    // It concerns only settings of a screen.
    else if (/^hdmi:/.test(name)) this.#answers.delete("hdmi");
    else {
      const [, kind = name, value] = /^([a-z_-]+)=?(.*)$/.exec(name) ?? [];
      if (/^(boot_)?partition$/.test(kind) && this.#board.partition !== null) {
        this.#answers.set(kind, Number(value) === this.#board.partition);
        return;
      }
      this.#answers.set(kind, false);
      this.unknown = name;
    }
  }
}
