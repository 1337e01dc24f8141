/** A board profile (configs/*.yaml): everything that an image for one kind of machine is made of. */

import { readFile } from "node:fs/promises";
import { parse } from "yaml";
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
  /** The package with the UEFI stub, and the stub in it. */
  readonly stub: { readonly package: string; readonly file: string } | null;
  /** Names of terminfo entries. */
  readonly terminfo: readonly string[];
  /** Kernel modules, by what they are for. */
  readonly modules: Readonly<Record<string, readonly string[]>>;
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
 * @throws BatonError "bad-format" naming file and key
 */
export async function readProfile(path: string): Promise<Profile> {
  let data: unknown;
  try {
    data = parse(await readFile(path, "utf8"));
  } catch (error) {
    throw new BatonError("bad-format", `the board profile ${path} can't be read: ${describeError(error)}`);
  }
  const top = new Fields(data, path, "");
  const arch = top.text("arch");
  if (arch !== "amd64" && arch !== "arm64") throw top.wrong("arch", "amd64 or arm64");
  const node = top.fields("node");
  const stub = top.fields("stub", true);
  const profile: Profile = {
    name: top.text("name"),
    arch,
    cmdline: top.text("cmdline"),
    node: { package: node.text("package"), version: node.text("version"), integrity: node.text("integrity") },
    kernelPackage: top.text("kernelPackage"),
    packages: top.list("packages"),
    stub: stub.isEmpty ? null : { package: stub.text("package"), file: stub.text("file") },
    terminfo: top.list("terminfo"),
    modules: top.fields("modules").map((fields, key) => fields.list(key)),
    extraNeeds: top.fields("extraNeeds", true).map((fields, key) => fields.list(key)),
    loadAtStart: top.list("loadAtStart"),
    moduleOptions: top.fields("moduleOptions", true).map((fields, key) => fields.text(key)),
  };
  top.refuseUnknown(Object.keys(profile));
  if (!profile.node.integrity.startsWith("sha512-")) throw node.wrong("integrity", "sha512-…");
  return profile;
}

/** A YAML mapping whose keys are read by type. */
class Fields {
  readonly #values: Record<string, unknown>;
  readonly #path: string;
  readonly #prefix: string;

  constructor(value: unknown, path: string, prefix: string) {
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      throw new BatonError("bad-format", `${path}: ${prefix || "the whole file"} must be a mapping of keys to values`);
    }
    this.#values = value as Record<string, unknown>;
    this.#path = path;
    this.#prefix = prefix;
  }

  get isEmpty(): boolean {
    return Object.keys(this.#values).length === 0;
  }

  wrong(key: string, expected: string): BatonError {
    return new BatonError("bad-format", `${this.#path}: ${this.#prefix}${key} must be ${expected}`);
  }

  text(key: string): string {
    const value = this.#values[key];
    if (typeof value !== "string") throw this.wrong(key, "a text");
    return value;
  }

  list(key: string): string[] {
    const value = this.#values[key];
    if (!Array.isArray(value) || !value.every((one) => typeof one === "string"))
      throw this.wrong(key, "a list of texts");
    return value;
  }

  fields(key: string, optional = false): Fields {
    const value = this.#values[key] ?? (optional ? {} : undefined);
    return new Fields(value, this.#path, `${this.#prefix}${key}.`);
  }

  map<T>(make: (fields: Fields, key: string) => T): Record<string, T> {
    return Object.fromEntries(Object.keys(this.#values).map((key) => [key, make(this, key)]));
  }

  refuseUnknown(known: readonly string[]): void {
    const unknown = Object.keys(this.#values).find((key) => !known.includes(key));
    if (unknown !== undefined) throw this.wrong(unknown, `one of ${known.join(", ")}`);
  }
}
