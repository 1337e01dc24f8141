/**
 * A board profile (configs/*.yaml): everything that an image for one kind of machine is made of. One that begins with
 * `extends: FILE` is that file's profile, with what it adds.
 */

import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { isMap, isNode, isScalar, isSeq, LineCounter, parseDocument, type Scalar } from "yaml";
import { BatonError, describeError } from "../src/errors.ts";
import type { Architecture } from "./debian.ts";

export interface Profile {
  readonly name: string;
  readonly arch: Architecture;
  /** The kernel command line of baton.efi. */
  readonly cmdline: string;
  readonly node: NodeSource;
  /** Debian packages. */
  readonly kernelPackage: string;
  readonly packages: readonly string[];
  /** Debian packages (non-free-firmware) with the firmware files that the chosen modules name; the others stay out. */
  readonly firmware: readonly string[];
  /** Programs of these packages that the image carries, with the libraries that they name: `/sbin/mdadm`. */
  readonly programs: readonly string[];
  /** The package with the UEFI stub, and the stub in it. */
  readonly stub: { readonly package: string; readonly file: string } | null;
  /** Names of terminfo entries. */
  readonly terminfo: readonly string[];
  /** Keyboard layouts of Debian's console-data that `keymap:` of Baton's configuration may name. */
  readonly keymaps: readonly string[];
  /** Kernel modules, by what they are for. */
  readonly modules: Readonly<Record<string, readonly string[]>>;
  /** Modules that the machine's start leaves alone, by what they are for; they are loaded when that is asked for. */
  readonly lateModules: Readonly<Record<string, readonly string[]>>;
  /** Modules that others need without saying so. */
  readonly extraNeeds: Readonly<Record<string, readonly string[]>>;
  /** Modules loaded at start on every machine. */
  readonly loadAtStart: readonly string[];
  /** Parameters of modules, as on an `options` line of modprobe.d. */
  readonly moduleOptions: Readonly<Record<string, string>>;
}

/** Node as an npm package. */
export interface NodeSource {
  readonly package: string;
  readonly version: string;
  /** sha512 of the package's file, in npm's notation. */
  readonly integrity: string;
}

/**
 * Reads a profile and checks that each key has the form that it should have.
 * @throws BatonError "bad-format" with file, line and column; "not-found" where there is no such file
 */
export async function readProfile(path: string): Promise<Profile> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    throw new BatonError("not-found", `the board profile ${path} can't be read: ${describeError(error)}`);
  }
  const top = topOf(text, path);
  const extended = top.optionalText("extends");
  return extended === null ? wholeProfile(top) : extendedProfile(await readProfile(join(dirname(path), extended)), top);
}

/** As {@link readProfile}, for a profile that stands by itself; `path` only names the text in errors. */
export function parseProfile(text: string, path: string): Profile {
  return wholeProfile(topOf(text, path));
}

function wholeProfile(top: Fields): Profile {
  const node = top.fields("node");
  const stub = top.optionalFields("stub");
  const profile: Profile = {
    name: top.text("name"),
    arch: top.oneOf("arch", ["amd64", "arm64"]),
    cmdline: top.text("cmdline"),
    node: {
      package: node.text("package"),
      version: node.text("version"),
      integrity: node.text("integrity", "sha512-"),
    },
    kernelPackage: top.text("kernelPackage"),
    packages: top.list("packages"),
    firmware: top.optionalList("firmware"),
    programs: top.optionalList("programs"),
    stub: stub && { package: stub.text("package"), file: stub.text("file") },
    terminfo: top.list("terminfo"),
    keymaps: top.optionalList("keymaps"),
    modules: top.fields("modules").map((fields, key) => fields.list(key)),
    lateModules: top.optionalFields("lateModules")?.map((fields, key) => fields.list(key)) ?? {},
    extraNeeds: top.optionalFields("extraNeeds")?.map((fields, key) => fields.list(key)) ?? {},
    loadAtStart: top.list("loadAtStart"),
    moduleOptions: top.optionalFields("moduleOptions")?.map((fields, key) => fields.text(key)) ?? {},
  };
  for (const fields of [top, node, stub]) fields?.refuseOthers();
  return profile;
}

function topOf(text: string, path: string): Fields {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const where: Where = (offset) => {
    const { line, col } = lines.linePos(offset);
    return `${path}:${line}:${col}`;
  };
  const broken = document.errors[0];
  if (broken) throw new BatonError("bad-format", `${where(broken.pos[0])}: ${broken.message}`);
  return new Fields(document.contents, where, 0, "");
}

/** `base` with what a profile that names it by `extends` adds to its lists. */
function extendedProfile(base: Profile, top: Fields): Profile {
  type Lists = Readonly<Record<string, readonly string[]>>;
  const groups = (key: string): Lists => top.optionalFields(key)?.map((fields, name) => fields.list(name)) ?? {};
  const joined = (lists: Lists, key: string): Lists => {
    const more = Object.entries(groups(key));
    return { ...lists, ...Object.fromEntries(more.map(([name, list]) => [name, [...(lists[name] ?? []), ...list]])) };
  };
  const profile: Profile = {
    ...base,
    name: top.text("name"),
    packages: [...base.packages, ...top.optionalList("packages")],
    firmware: [...base.firmware, ...top.optionalList("firmware")],
    programs: [...base.programs, ...top.optionalList("programs")],
    keymaps: [...base.keymaps, ...top.optionalList("keymaps")],
    modules: joined(base.modules, "modules"),
    lateModules: joined(base.lateModules, "lateModules"),
    extraNeeds: joined(base.extraNeeds, "extraNeeds"),
    loadAtStart: [...base.loadAtStart, ...top.optionalList("loadAtStart")],
    moduleOptions: {
      ...base.moduleOptions,
      ...(top.optionalFields("moduleOptions")?.map((fields, key) => fields.text(key)) ?? {}),
    },
  };
  top.refuseOthers();
  return profile;
}

/** `FILE:LINE:COLUMN` for an offset in the text. */
type Where = (offset: number) => string;

/** A YAML mapping whose keys are read by type. */
class Fields {
  readonly #pairs = new Map<string, { readonly key: Scalar; readonly value: unknown }>();
  readonly #asked = new Set<string>();
  readonly #where: Where;
  /** Of the mapping, for what is missing in it. */
  readonly #offset: number;
  /** The key that the mapping stands under, with a dot, for messages. */
  readonly #prefix: string;

  constructor(node: unknown, where: Where, offset: number, prefix: string) {
    this.#where = where;
    this.#offset = offset;
    this.#prefix = prefix;
    if (!isMap(node)) {
      const what = prefix === "" ? "a board profile" : prefix.slice(0, -1);
      throw new BatonError("bad-format", `${where(offset)}: ${what} must be a mapping of keys to values`);
    }
    for (const { key, value } of node.items) {
      if (!isScalar(key)) throw new BatonError("bad-format", `${where(offset)}: a key must be a text`);
      this.#pairs.set(String(key.value), { key, value });
    }
  }

  #wrong(key: string, expected: string): BatonError {
    const pair = this.#pairs.get(key);
    const value = pair?.value;
    const offset = (isNode(value) ? value.range?.[0] : undefined) ?? pair?.key.range?.[0] ?? this.#offset;
    const what = pair ? "must be" : "is missing; it must be";
    return new BatonError("bad-format", `${this.#where(offset)}: ${this.#prefix}${key} ${what} ${expected}`);
  }

  #value(key: string): unknown {
    this.#asked.add(key);
    return this.#pairs.get(key)?.value;
  }

  /** @param start what the text must begin with */
  text(key: string, start = ""): string {
    const value = this.#value(key);
    if (!isScalar(value) || typeof value.value !== "string") throw this.#wrong(key, "a text (in quotes if need be)");
    if (!value.value.startsWith(start)) throw this.#wrong(key, `a text that begins with ${start}`);
    return value.value;
  }

  /** Null where the key is not there. */
  optionalText(key: string): string | null {
    this.#asked.add(key);
    return this.#pairs.has(key) ? this.text(key) : null;
  }

  oneOf<T extends string>(key: string, choices: readonly T[]): T {
    const text = this.text(key);
    const choice = choices.find((one) => one === text);
    if (choice === undefined) throw this.#wrong(key, choices.join(" or "));
    return choice;
  }

  list(key: string): string[] {
    const value = this.#value(key);
    if (!isSeq(value)) throw this.#wrong(key, "a list of texts");
    return value.items.map((item) => {
      if (isScalar(item) && typeof item.value === "string") return item.value;
      const offset = (isNode(item) ? item.range?.[0] : undefined) ?? this.#offset;
      throw new BatonError("bad-format", `${this.#where(offset)}: ${this.#prefix}${key} must have texts only`);
    });
  }

  /** Empty where the key is not there. */
  optionalList(key: string): string[] {
    this.#asked.add(key);
    return this.#pairs.has(key) ? this.list(key) : [];
  }

  fields(key: string): Fields {
    const value = this.#value(key);
    if (!this.#pairs.has(key)) throw this.#wrong(key, "a mapping of keys to values");
    const offset = this.#pairs.get(key)!.key.range?.[0] ?? this.#offset;
    return new Fields(value, this.#where, offset, `${this.#prefix}${key}.`);
  }

  /** Null where the key is not there. */
  optionalFields(key: string): Fields | null {
    this.#asked.add(key);
    return this.#pairs.has(key) ? this.fields(key) : null;
  }

  map<T>(make: (fields: Fields, key: string) => T): Record<string, T> {
    return Object.fromEntries([...this.#pairs.keys()].map((key) => [key, make(this, key)]));
  }

  /** Throws where there are keys that nobody has asked for: a typing error, or a wish that would be ignored. */
  refuseOthers(): void {
    for (const [name, { key }] of this.#pairs) {
      if (this.#asked.has(name)) continue;
      const known = [...this.#asked].sort().join(", ");
      const message = `${this.#prefix}${name} is unknown; the keys here are: ${known}`;
      throw new BatonError("bad-format", `${this.#where(key.range?.[0] ?? this.#offset)}: ${message}`);
    }
  }
}
