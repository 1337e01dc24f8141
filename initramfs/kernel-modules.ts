/**
 * Kernel modules: which ones an image needs for those that a profile names, and the tables (modules.dep(5),
 * modules.alias, modules.softdep) reduced to them. Pure: tables in, tables out.
 */

import { basename } from "node:path/posix";

/** depmod's tables, parsed. Names are with underscores, as the kernel has them. */
export interface ModuleTables {
  /** Path below /lib/modules/VERSION, and the names that it needs directly or not, in load order. */
  readonly dep: ReadonlyMap<string, { readonly path: string; readonly needs: readonly string[] }>;
  readonly aliases: readonly { readonly pattern: string; readonly module: string }[];
  readonly softdeps: readonly {
    readonly module: string;
    readonly pre: readonly string[];
    readonly post: readonly string[];
  }[];
  readonly builtin: ReadonlySet<string>;
}

/** `kernel/drivers/nvme/host/nvme-core.ko.xz` → `nvme_core` */
export function moduleName(path: string): string {
  return basename(path)
    .replace(/\.ko(\.(xz|zst|gz))?$/, "")
    .replaceAll("-", "_");
}

const lines = (text: string): string[] => text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));

export function parseTables(text: { dep: string; alias: string; softdep: string; builtin: string }): ModuleTables {
  const dep = new Map<string, { path: string; needs: string[] }>();
  for (const line of lines(text.dep)) {
    const [path, rest = ""] = line.split(":");
    // depmod lists what is needed last first.
    const needs = rest.trim().split(/\s+/).filter(Boolean).reverse().map(moduleName);
    dep.set(moduleName(path!), { path: path!, needs });
  }
  const aliases = lines(text.alias).flatMap((line) => {
    const match = /^alias (\S+) (\S+)$/.exec(line);
    return match ? [{ pattern: match[1]!, module: moduleName(match[2]!) }] : [];
  });
  const softdeps = lines(text.softdep).flatMap((line) => {
    const [word, module, ...rest] = line.split(/\s+/);
    if (word !== "softdep" || module === undefined) return [];
    const pre: string[] = [];
    const post: string[] = [];
    let list = pre;
    for (const name of rest) {
      if (name === "pre:") list = pre;
      else if (name === "post:") list = post;
      else list.push(name);
    }
    return [{ module: moduleName(module), pre, post }];
  });
  return { dep, aliases, softdeps, builtin: new Set(lines(text.builtin).map(moduleName)) };
}

export interface ModuleSelection {
  /** Names in the order in which they can be loaded: each after what it needs. */
  readonly modules: readonly string[];
  /** Of every chosen module, all that must be loaded before it, in load order. */
  readonly needs: ReadonlyMap<string, readonly string[]>;
  /** Asked for, but neither a module nor built in. */
  readonly missing: readonly string[];
  /** Asked for and built into the kernel. */
  readonly builtin: readonly string[];
}

/**
 * The closure of `wanted` over modules.dep, softdeps and `extraNeeds` (what is needed though no table says so).
 *
 * Soft dependencies before a module become needs of it: Debian's kernels name by them what a mount fails without
 * (`crypto-crc32c`). Of several modules that answer to such a name, those that work on any CPU are taken.
 */
export function selectModules(
  tables: ModuleTables,
  wanted: readonly string[],
  extraNeeds: Readonly<Record<string, readonly string[]>> = {},
): ModuleSelection {
  const extra = new Map(Object.entries(extraNeeds).map(([name, list]) => [moduleName(name), list.map(moduleName)]));
  const needs = new Map<string, readonly string[]>();
  const missing = new Set<string>();
  const builtin = new Set<string>();
  const order: string[] = [];

  const direct = (name: string): string[] => {
    const soft = tables.softdeps.filter((one) => one.module === name).flatMap((one) => one.pre);
    const resolved = soft.flatMap((one) => resolveName(tables, one));
    return [...tables.dep.get(name)!.needs, ...resolved, ...(extra.get(name) ?? [])];
  };

  const visit = (name: string, above: readonly string[]): readonly string[] => {
    const known = needs.get(name);
    if (known !== undefined) return known;
    const all = new Set<string>();
    for (const one of direct(name)) {
      // Whoever is being visited comes earlier in any case.
      if (one === name || above.includes(one)) continue;
      if (!tables.dep.has(one)) {
        if (extra.get(name)?.includes(one) && !tables.builtin.has(one)) missing.add(one);
        continue;
      }
      for (const deeper of visit(one, [...above, name])) all.add(deeper);
      all.add(one);
    }
    const list = [...all];
    needs.set(name, list);
    order.push(name);
    return list;
  };

  for (const name of wanted.map(moduleName)) {
    if (tables.dep.has(name)) visit(name, []);
    else if (tables.builtin.has(name)) builtin.add(name);
    else missing.add(name);
  }
  // What is to be loaded after a module must be there too; `order` grows while this goes through it.
  for (const name of order) {
    const after = tables.softdeps.filter((one) => one.module === name).flatMap((one) => one.post);
    for (const other of after.flatMap((one) => resolveName(tables, one))) visit(other, []);
  }
  return { modules: order, needs, missing: [...missing], builtin: [...builtin] };
}

/** A name of a soft dependency: a module, or an alias such as `crypto-crc32c`. */
function resolveName(tables: ModuleTables, name: string): string[] {
  const own = moduleName(name);
  if (tables.dep.has(own)) return [own];
  if (tables.builtin.has(own)) return [];
  const found = tables.aliases.filter((one) => one.pattern.replaceAll("-", "_") === own).map((one) => one.module);
  // Code for one kind of CPU or crypto device refuses to load elsewhere, and would take the module with it.
  return [...new Set(found)].filter((module) => /^kernel\/(crypto|lib)\//.test(tables.dep.get(module)?.path ?? ""));
}

/** The firmware files that a module says it may ask for: `firmware=NAME` among the NUL-ended texts of `.modinfo`. */
export function firmwareNames(module: Uint8Array): string[] {
  const text = Buffer.from(module.buffer, module.byteOffset, module.byteLength).toString("latin1");
  const names = [...text.matchAll(/\0firmware=([\w./+-]+)(?=\0)/g)].map((match) => match[1]!);
  return [...new Set(names)].filter((name) => !name.split("/").includes(".."));
}

/**
 * Where a module goes in the image: uncompressed, since busybox's modprobe reads nothing else.
 * @param isPacked by zstd, for Baton itself
 */
export function shippedPath(path: string, isPacked = false): string {
  return path.replace(/\.(xz|zst|gz)$/, "") + (isPacked ? ".zst" : "");
}

/**
 * modules.dep, modules.alias and modules.softdep for the chosen modules only.
 * @param late modules whose aliases stand apart, so that the machine's start does not load them
 * @param packed modules that are compressed in the image
 */
export function trimTables(
  tables: ModuleTables,
  selection: ModuleSelection,
  late: ReadonlySet<string> = new Set(),
  packed: ReadonlySet<string> = new Set(),
): { dep: string; alias: string; lateAlias: string; softdep: string } {
  const chosen = new Set(selection.modules);
  const path = (name: string): string => shippedPath(tables.dep.get(name)!.path, packed.has(name));
  const dep = selection.modules.map((name) => {
    const needed = [...selection.needs.get(name)!].reverse().map(path);
    return `${path(name)}:${needed.map((one) => ` ${one}`).join("")}`;
  });
  const aliases = tables.aliases.filter((one) => chosen.has(one.module));
  const line = (one: { pattern: string; module: string }): string => `alias ${one.pattern} ${one.module}`;
  const alias = aliases.filter((one) => !late.has(one.module)).map(line);
  const lateAlias = aliases.filter((one) => late.has(one.module)).map(line);
  const softdep = tables.softdeps
    .filter((one) => chosen.has(one.module))
    .map(({ module, pre, post }) => {
      const part = (word: string, names: readonly string[]) => (names.length ? ` ${word} ${names.join(" ")}` : "");
      return `softdep ${module}${part("pre:", pre)}${part("post:", post)}`;
    });
  const text = (list: string[]): string => (list.length ? `${list.join("\n")}\n` : "");
  return { dep: text(dep), alias: text(alias), lateAlias: text(lateAlias), softdep: text(softdep) };
}
