/** Loads kernel modules as modprobe does: by name or alias, with what they depend on (modules.dep(5), depmod.d(5)). */

import { readFileSync } from "node:fs";
import { release } from "node:os";
import { basename, join } from "node:path";
import { describeError } from "../errors.ts";
import { globMatches } from "../glob.ts";
import { finitModule } from "../linux/module.ts";
import { log } from "../log.ts";

/**
 * For every module, not disk drivers alone. Without it one disk that never answers blocks the loading of its driver,
 * and with it every disk that driver would find later; and whatever is loaded without it afterwards, a filesystem or
 * a keyboard's driver, waits until all drivers have finished looking at their hardware: for ever.
 */
const PARAMETERS = "async_probe=1";

/** An alias as `modules.alias` lists it: a glob, and the module's name. */
interface Alias {
  readonly pattern: string;
  readonly module: string;
}

/** What depmod wrote, read once. */
interface ModuleIndex {
  /** Name → its file, and those of all it needs; the needed ones last, as modules.dep has them. */
  readonly dependencies: ReadonlyMap<string, readonly string[]>;
  /** Name → what to load before and after it. */
  readonly soft: ReadonlyMap<string, { readonly pre: readonly string[]; readonly post: readonly string[] }>;
  /** The part of a pattern before its first wildcard → the aliases that begin with it. */
  readonly aliases: ReadonlyMap<string, readonly Alias[]>;
  /** Lengths of the keys of `aliases`, ascending. */
  readonly prefixLengths: readonly number[];
}

/** Loads one file; `linux/module.ts`'s, but for tests. */
type LoadModule = (path: string, parameters: string) => Promise<void>;

export class ModuleLoader {
  readonly #root: string;
  readonly #load: LoadModule;
  readonly #aliases: string;
  readonly #cmdline: string;
  /** Parameters by module, besides those of the command line, which come after and win. */
  readonly parameters = new Map<string, string>();
  /** Path → its loading, under way or done. */
  readonly #loaded = new Map<string, Promise<void>>();
  #index: ModuleIndex | null = null;

  /**
   * @param root with modules.dep and its kind, and the modules below; read at the first use.
   * @param aliases the file that is read for modules.alias.
   * @param cmdline the file with the kernel's command line, where parameters stand as `module.name=value`.
   */
  constructor(
    root = `/lib/modules/${release()}`,
    load: LoadModule = finitModule,
    aliases = "modules.alias",
    cmdline = "/proc/cmdline",
  ) {
    this.#root = root;
    this.#load = load;
    this.#aliases = aliases;
    this.#cmdline = cmdline;
  }

  /**
   * Loads every module that says it drives this hardware (`pci:v00001AF4d…`), or that answers to a name such as
   * `fs-vfat` or `nls_cp437`. Nothing matching is no failure: the driver may be in the kernel itself.
   * @throws the first failure, after all were tried.
   */
  async loadForAlias(alias: string): Promise<void> {
    const index = this.#readIndex();
    const name = moduleName(alias);
    const modules = index.dependencies.has(name) ? [name] : matchAlias(index, alias);
    const results = await Promise.allSettled(modules.map((module) => this.#loadModule(module, new Set())));
    for (const result of results) if (result.status === "rejected") throw result.reason;
  }

  /** Loads a module after what it needs, each once. `above` breaks circles of softdeps. */
  async #loadModule(name: string, above: ReadonlySet<string>): Promise<void> {
    const index = this.#readIndex();
    const files = index.dependencies.get(name);
    if (!files || above.has(name)) return;
    const within = new Set([...above, name]);
    const soft = index.soft.get(name);
    for (const before of soft?.pre ?? []) await this.#loadSoft(before, within);
    for (const file of files.toReversed()) await this.#loadFile(file);
    for (const after of soft?.post ?? []) await this.#loadSoft(after, within);
  }

  /** What is merely wished for may fail. */
  async #loadSoft(wish: string, above: ReadonlySet<string>): Promise<void> {
    const index = this.#readIndex();
    const name = moduleName(wish);
    for (const module of index.dependencies.has(name) ? [name] : matchAlias(index, wish)) {
      await this.#loadModule(module, above).catch((error) => log.debug(`module ${module}: ${describeError(error)}`));
    }
  }

  #loadFile(file: string): Promise<void> {
    let loading = this.#loaded.get(file);
    if (!loading) {
      loading = this.#load(join(this.#root, file), this.#parametersOf(file));
      this.#loaded.set(file, loading);
      // One that failed may be tried again, when other hardware asks for it.
      loading.catch(() => this.#loaded.delete(file));
    }
    return loading;
  }

  /** The kernel gives a module in a file no parameters from its own command line: modprobe does, and so does Baton. */
  #parametersOf(file: string): string {
    const name = moduleName(basename(file).replace(/\.ko.*$/, ""));
    const own = this.parameters.get(name) ?? [];
    return [PARAMETERS, own, moduleParameters(textOf(this.#cmdline), name)].flat().join(" ");
  }

  #readIndex(): ModuleIndex {
    const fileOf = (name: string): string => join(this.#root, name === "modules.alias" ? this.#aliases : name);
    this.#index ??= parseModuleIndex((name) => textOf(fileOf(name)));
    return this.#index;
  }
}

/** Empty where the file can't be read. */
function textOf(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

/** `name=value`, once for each `module.name=value` on a command line; a value in double quotes keeps them. */
function moduleParameters(cmdline: string, module: string): string[] {
  const words = cmdline.match(/(?:"[^"]*"|[^\s"])+/g) ?? [];
  return words.flatMap((word) => {
    const [, name = "", parameter] = /^"?([\w-]+)\.(.+)$/s.exec(word) ?? [];
    return parameter !== undefined && moduleName(name) === module ? [parameter] : [];
  });
}

/** @param read one of depmod's files as text; empty where it isn't there. */
export function parseModuleIndex(read: (name: string) => string): ModuleIndex {
  const dependencies = new Map<string, readonly string[]>();
  for (const line of read("modules.dep").split("\n")) {
    const colon = line.indexOf(":");
    if (colon < 0) continue;
    const file = line.slice(0, colon);
    dependencies.set(moduleName(file), [
      file,
      ...line
        .slice(colon + 1)
        .split(" ")
        .filter(Boolean),
    ]);
  }

  const aliases = new Map<string, Alias[]>();
  const addAlias = (pattern: string, module: string): void => {
    const prefix = pattern.slice(0, pattern.search(/[*?[\\]|$/));
    const list = aliases.get(prefix);
    if (list) list.push({ pattern, module });
    else aliases.set(prefix, [{ pattern, module }]);
  };
  for (const line of read("modules.alias").split("\n")) {
    if (!line.startsWith("alias ")) continue;
    const end = line.lastIndexOf(" ");
    if (end > 6) addAlias(line.slice(6, end), moduleName(line.slice(end + 1)));
  }

  const soft = new Map<string, { pre: string[]; post: string[] }>();
  for (const line of read("modules.softdep").split("\n")) {
    const [keyword, name, ...words] = line.trim().split(/\s+/);
    if (keyword !== "softdep" || !name) continue;
    const entry = soft.get(moduleName(name)) ?? { pre: [], post: [] };
    soft.set(moduleName(name), entry);
    let list: string[] | null = null;
    for (const word of words) {
      if (word === "pre:") list = entry.pre;
      else if (word === "post:") list = entry.post;
      else list?.push(word);
    }
  }
  const prefixLengths = [...new Set([...aliases.keys()].map((key) => key.length))].sort((a, b) => a - b);
  return { dependencies, soft, aliases, prefixLengths };
}

/** Names of the modules whose alias patterns fit, in the order of the file, each once. */
export function matchAlias(index: ModuleIndex, alias: string): string[] {
  const found = new Set<string>();
  for (const length of index.prefixLengths) {
    if (length > alias.length) break;
    for (const { pattern, module } of index.aliases.get(alias.slice(0, length)) ?? []) {
      if (globMatches(pattern, alias)) found.add(module);
    }
  }
  return [...found];
}

/** A path's or a name's module name, as the kernel has it: `virtio_blk` for `kernel/…/virtio-blk.ko.xz`. */
export function moduleName(text: string): string {
  return text
    .slice(text.lastIndexOf("/") + 1)
    .replace(/\.ko(\.[a-z0-9]+)?$/, "")
    .replaceAll("-", "_");
}
