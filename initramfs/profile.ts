/**
 * A board profile (configs/*.yaml): everything that an image for one kind of machine is made of. One that begins with
 * `extends: FILE` is that file's profile, with what it adds or changes. A feature (configs/features/*.yaml) is what can be
 * added to any profile.
 */

import { readdir, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { isMap, isNode, isScalar, isSeq, LineCounter, parseDocument, type Scalar } from "yaml";
import { BatonError, describeError } from "../src/errors.ts";
import type { Architecture } from "./apt.ts";

/** A key of a profile. */
interface ProfileKey<T> {
  /** A sentence, for the schema. */
  readonly about: string;
  /** JSON Schema of the value. */
  readonly schema: Readonly<Record<string, unknown>>;
  read(fields: Fields, key: string): T;
  /** What holds where the key is not there; left out where it must be. */
  readonly absent?: T;
  /** What it comes to in a profile that extends another; the other value unless given. */
  extend?(base: T, more: T): T;
}

type Lists = Readonly<Record<string, readonly string[]>>;
type Kind<T> = Omit<ProfileKey<T>, "about">;

/** `-NAME` takes NAME out; all else is added. */
function extendedList(base: readonly string[], more: readonly string[]): string[] {
  const out = new Set(more.filter((item) => item.startsWith("-")).map((item) => item.slice(1)));
  return [...base.filter((item) => !out.has(item)), ...more.filter((item) => !item.startsWith("-"))];
}

const TEXT_SCHEMA = { type: "string" };
const LIST_SCHEMA = { type: "array", items: TEXT_SCHEMA };

const TEXT: Kind<string> = { schema: TEXT_SCHEMA, read: (fields, key) => fields.text(key) };
const LIST: Kind<readonly string[]> = {
  schema: LIST_SCHEMA,
  read: (fields, key) => fields.list(key),
  extend: extendedList,
};
const LIST_OR_NONE: Kind<readonly string[]> = { ...LIST, absent: [] };
/** Lists by what they are for. */
const GROUPS: Kind<Lists> = {
  schema: { type: "object", additionalProperties: LIST_SCHEMA },
  read: (fields, key) => fields.fields(key).map((inner, name) => inner.list(name)),
  extend: (base, more) => ({
    ...base,
    ...Object.fromEntries(Object.entries(more).map(([name, list]) => [name, extendedList(base[name] ?? [], list)])),
  }),
};
const GROUPS_OR_NONE: Kind<Lists> = { ...GROUPS, absent: {} };
const TEXTS_BY_NAME: Kind<Readonly<Record<string, string>>> = {
  schema: { type: "object", additionalProperties: TEXT_SCHEMA },
  read: (fields, key) => fields.fields(key).map((inner, name) => inner.text(name)),
  absent: {},
  extend: (base, more) => ({ ...base, ...more }),
};

/** Texts under these names, each with what it must begin with. */
const record = <N extends string>(starts: Readonly<Record<N, string>>): Kind<Readonly<Record<N, string>>> => {
  const names = Object.keys(starts) as N[];
  const schemas = names.map((name) => [
    name,
    starts[name] ? { ...TEXT_SCHEMA, pattern: `^${starts[name]}` } : TEXT_SCHEMA,
  ]);
  return {
    schema: {
      type: "object",
      properties: Object.fromEntries(schemas),
      required: names,
      additionalProperties: false,
    },
    read: (fields, key) => {
      const inner = fields.fields(key);
      const texts = names.map((name) => [name, inner.text(name, starts[name])]);
      inner.refuseOthers();
      return Object.fromEntries(texts) as Record<N, string>;
    },
  };
};

/** Of a profile that names none. */
export const DEFAULT_SUITE = "trixie";

const ARCHITECTURES: readonly Architecture[] = ["amd64", "arm64"];

const key = <T>(about: string, kind: Kind<T>): ProfileKey<T> => ({ about, ...kind });

/** Every key: a new one is a new row, from which reading, extending and configs/profile.schema.json follow. */
const KEYS = {
  name: key("The profile's name, which dist/image.json has too.", TEXT),
  arch: key<Architecture>("The architecture, as Debian calls it.", {
    schema: { enum: ARCHITECTURES },
    read: (fields, key) => fields.oneOf(key, ARCHITECTURES),
  }),
  suite: key("Debian's suite that everything is taken from: bookworm, trixie, trixie-backports, sid.", {
    ...TEXT,
    absent: DEFAULT_SUITE,
  }),
  mirrors: key(
    "Addresses to fetch Debian from, checked with debian-archive-keyring; one that ends in -security is its archive of security updates. None: the host's own mirrors.",
    LIST_OR_NONE,
  ),
  cmdline: key("The kernel command line of what starts by itself: baton.efi, baton.img, baton.iso.", TEXT),
  node: key(
    "Node as an npm package; integrity is the sha512 of the package's file, in npm's notation.",
    record({ package: "", version: "", integrity: "sha512-" }),
  ),
  kernelPackage: key("The Debian package with the kernel.", TEXT),
  packages: key("Debian packages. The libraries that they depend on come by themselves.", LIST),
  firmware: key(
    "Debian packages (non-free-firmware) with the firmware files that the chosen modules name; the others stay out.",
    LIST_OR_NONE,
  ),
  programs: key(
    "Programs of these packages that the image carries, with the libraries that they name: /sbin/mdadm.",
    LIST_OR_NONE,
  ),
  stub: key<Readonly<Record<"package" | "file", string>> | null>(
    "The Debian package with the UEFI stub, and the stub in it; without it there is no baton.efi.",
    { ...record({ package: "", file: "" }), absent: null },
  ),
  terminfo: key("Names of terminfo entries.", LIST),
  keymaps: key(
    "Keyboard layouts of Debian's console-data that keymap: of Baton's configuration may name.",
    LIST_OR_NONE,
  ),
  modules: key("Kernel modules, by what they are for.", GROUPS),
  lateModules: key(
    "Modules that the machine's start leaves alone, by what they are for; they are loaded when that is asked for.",
    GROUPS_OR_NONE,
  ),
  extraNeeds: key("Modules that others need without saying so.", GROUPS_OR_NONE),
  loadAtStart: key("Modules loaded at start on every machine.", LIST),
  moduleOptions: key("Parameters of modules, as on an options line of modprobe.d.", TEXTS_BY_NAME),
};

export type Profile = { readonly [K in keyof typeof KEYS]: ReturnType<(typeof KEYS)[K]["read"]> };

/** Node as an npm package. */
export type NodeSource = Profile["node"];

const ROWS = Object.entries<ProfileKey<unknown>>(KEYS);
const EXTENDS =
  "The profile, by its file beside this one, that this one adds to or changes: lists become longer (an item -NAME takes NAME out), all else is replaced.";
const FEATURES = "What is added as well, by the names of the files in features/ beside this one.";

/** JSON Schema of a profile, for editors: configs/profile.schema.json. */
export function profileSchema(): Record<string, unknown> {
  const properties = ROWS.map(([name, { about, schema }]) => [name, { description: about, ...schema }]);
  return {
    title: "A board profile of Baton: what an image is made of",
    type: "object",
    properties: {
      extends: { description: EXTENDS, ...TEXT_SCHEMA },
      features: { description: FEATURES, ...LIST_SCHEMA },
      ...Object.fromEntries(properties),
    },
    additionalProperties: false,
    if: { required: ["name"], not: { required: ["extends"] } },
    // biome-ignore lint/suspicious/noThenProperty: JSON Schema's own word
    then: { required: ROWS.filter(([, row]) => row.absent === undefined).map(([name]) => name) },
  };
}

/**
 * Reads a profile and checks that each key has the form that it should have.
 * @param features are added to those that it names itself
 * @throws BatonError "bad-format" with file, line and column; "not-found" where there is no such file or feature
 */
export async function readProfile(path: string, features: readonly string[] = []): Promise<Profile> {
  const top = await readTop(path, "the board profile");
  const own = top.has("features") ? top.list("features") : [];
  const profile = top.has("extends")
    ? extendedProfile(await readProfile(join(dirname(path), top.text("extends"))), top, ["name"])
    : wholeProfile(top);
  return withFeatures(profile, join(dirname(path), "features"), [...own, ...features]);
}

async function withFeatures(profile: Profile, folder: string, names: readonly string[]): Promise<Profile> {
  let all = profile;
  for (const name of new Set(names)) {
    const known = (await readdir(folder).catch(() => [])).map((file) => file.replace(/\.yaml$/, ""));
    if (!known.includes(name)) {
      throw new BatonError("not-found", `there is no feature "${name}"; ${folder} has: ${known.sort().join(", ")}`);
    }
    all = extendedProfile(all, await readTop(join(folder, `${name}.yaml`), "the feature"), []);
  }
  return all;
}

async function readTop(path: string, what: string): Promise<Fields> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    throw new BatonError("not-found", `${what} ${path} can't be read: ${describeError(error)}`);
  }
  return topOf(text, path);
}

/** As {@link readProfile}, for a profile that stands by itself; `path` only names the text in errors. */
export function parseProfile(text: string, path: string): Profile {
  return wholeProfile(topOf(text, path));
}

function wholeProfile(top: Fields): Profile {
  const read = ROWS.map(([name, row]) => {
    const isAbsent = !top.has(name) && row.absent !== undefined;
    return [name, isAbsent ? row.absent : row.read(top, name)];
  });
  top.refuseOthers();
  return Object.fromEntries(read) as Profile;
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

/**
 * `base` with what a profile that names it by `extends`, or a feature, adds or changes.
 * @param needed keys that must be said
 */
function extendedProfile(base: Profile, top: Fields, needed: readonly string[]): Profile {
  const read = ROWS.flatMap(([name, row]) => {
    if (!top.has(name) && !needed.includes(name)) return [];
    const value = row.read(top, name);
    return [[name, row.extend ? row.extend(base[name as keyof Profile], value) : value]];
  });
  top.refuseOthers();
  return { ...base, ...Object.fromEntries(read) };
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

  /** Also makes the key one of those that are known here. */
  has(key: string): boolean {
    this.#asked.add(key);
    return this.#pairs.has(key);
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

  fields(key: string): Fields {
    const value = this.#value(key);
    if (!this.#pairs.has(key)) throw this.#wrong(key, "a mapping of keys to values");
    const offset = this.#pairs.get(key)!.key.range?.[0] ?? this.#offset;
    return new Fields(value, this.#where, offset, `${this.#prefix}${key}.`);
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
