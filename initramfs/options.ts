/** The options of `npm run image --`, and their help. */

import { readFile, stat } from "node:fs/promises";
import { join, posix, resolve } from "node:path";
import { type ParseArgsConfig, parseArgs } from "node:util";
import { formatDiagnostic } from "../src/entry.ts";
import { BatonError, describeError } from "../src/errors.ts";
import { readSettings } from "../src/policy/settingsfile.ts";
import { distDirectory, projectRoot } from "./cache.ts";
import { kernelConfigs } from "./flash-kernel.ts";
import { readSigner, type Signer } from "./signer.ts";

/** What `--format` may name: the files that each is. */
export const FORMATS = {
  initramfs: ["initramfs.cpio.zst", "initramfs.cpio.xz", "vmlinuz"],
  efi: ["baton.efi"],
  disk: ["baton.img"],
  iso: ["baton.iso"],
  flash: ["baton-flash.bzImage"],
} as const;
export type Format = keyof typeof FORMATS;

/** A file that is put into the image beside what the profile names. */
export interface AddedFile {
  /** Absolute, in the image. */
  readonly path: string;
  readonly data: Uint8Array;
  readonly mode: number;
}

export interface Options {
  readonly quiet: boolean;
  readonly help: boolean;
  readonly profile: string;
  readonly features: readonly string[];
  /** In place of the profile's; null: that. */
  readonly suite: string | null;
  readonly cmdline: string | null;
  /** Another kernel than the profile's, and its modules. */
  readonly kernel: { readonly image: string; readonly modules: string } | null;
  /** Baton's own configuration among them. */
  readonly added: readonly AddedFile[];
  readonly formats: readonly Format[];
  /** Who signs the EFI program; null: nobody. */
  readonly signer: Signer | null;
  /** Of configs/kernel, for the flash format. */
  readonly kernelConfig: string;
  /** How large that may be, in bytes; null: as it comes. */
  readonly mostBytes: number | null;
  readonly locked: boolean;
  readonly check: boolean;
  readonly output: string;
  /** Where to write the bare archive, and nothing else anywhere; null: the output is made. */
  readonly uncompressed: string | null;
}

/** Option, its value's name, what it does. */
const ROWS = [
  ["profile", "NAME|FILE", "the board profile: a name in configs/, or a file; pc unless given"],
  ["features", "LIST", "what is added to it, by the names in configs/features/: volumes,firmware"],
  ["suite", "SUITE", "Debian's suite in place of the profile's: bookworm, trixie, trixie-backports, sid"],
  ["kernel", "FILE", "a kernel of your own; goes with --modules"],
  ["modules", "DIR", "its modules: lib/modules/RELEASE, or the folder above lib"],
  ["cmdline", "WORDS", "the kernel command line of baton.efi, baton.img and baton.iso, in place of the profile's"],
  ["config", "FILE", "Baton's configuration in the image: /etc/baton.yaml or /etc/baton.ini"],
  ["add", "FILE=PATH", "puts FILE into the image at PATH; may stand more than once"],
  ["format", "LIST", `what is made, of ${Object.keys(FORMATS).join(",")}; initramfs,efi unless given`],
  ["sign", "KEY", "signs baton.efi, also within baton.img and baton.iso, for Secure Boot; goes with --cert"],
  ["cert", "FILE", "the certificate of that key; baton keys makes both"],
  [
    "kernel-config",
    "NAME",
    "with --format flash: the fragment in configs/kernel that says what is built in; server unless given",
  ],
  ["fits", "MIB", "with --format flash: fails where it is larger, as 28 for a chip of 32 MiB with 4 for the firmware"],
  ["output", "DIR", "where it is made; dist unless given"],
  ["locked", null, "fails where Debian's packages are not those that the lock file beside the profile names"],
  ["check", null, "boots what was made in QEMU; the exit code says whether the menu came up"],
  ["uncompressed", "FILE", "writes the bare archive to FILE, and nothing else"],
  ["quiet", null, "says nothing where nothing has to be done"],
  ["help", null, "prints this"],
] as const;

export function usage(): string {
  const left = ROWS.map(([name, value]) => `  --${name}${value === null ? "" : ` ${value}`}`);
  const width = Math.max(...left.map((text) => text.length)) + 2;
  const lines = ROWS.map(([, , about], index) => `${left[index]!.padEnd(width)}${about}\n`);
  return `usage: npm run image -- [OPTION]...\n${lines.join("")}`;
}

/**
 * Reads the options, and the files that they name.
 * @throws BatonError "usage", "not-found"; "bad-format" for a configuration that has errors
 */
export async function readOptions(args: readonly string[]): Promise<Options> {
  const types = ROWS.map(([name, value]) => [
    name,
    { type: value === null ? "boolean" : "string", multiple: name === "add" },
  ]);
  const config = { args: [...args], options: Object.fromEntries(types) as ParseArgsConfig["options"] };
  let values: Record<string, unknown>;
  try {
    values = parseArgs(config).values;
  } catch (error) {
    throw new BatonError("usage", describeError(error), { cause: error });
  }
  const text = (name: string) => (values[name] as string | undefined) ?? null;
  const list = (name: string) => text(name)?.split(",").filter(Boolean) ?? [];
  const [image, modules] = [text("kernel"), text("modules")];
  if ((image === null) !== (modules === null)) throw new BatonError("usage", "--kernel and --modules go together");
  const [key, certificate] = [text("sign"), text("cert")];
  if ((key === null) !== (certificate === null)) throw new BatonError("usage", "--sign and --cert go together");
  const formats = list("format");
  const unknown = formats.find((name) => !Object.hasOwn(FORMATS, name));
  if (unknown !== undefined) {
    throw new BatonError("usage", `--format ${unknown}: it is one of ${Object.keys(FORMATS).join(", ")}`);
  }
  const isFlash = formats.includes("flash");
  if (isFlash && (formats.length > 1 || image !== null)) {
    throw new BatonError("usage", "--format flash has a kernel of its own: it stands alone, without --kernel");
  }
  const [kernelConfig, fits] = [text("kernel-config"), text("fits")];
  if (!isFlash && (kernelConfig ?? fits) !== null) {
    throw new BatonError("usage", "--kernel-config and --fits go with --format flash");
  }
  if (kernelConfig !== null && !(await kernelConfigs()).includes(kernelConfig)) {
    throw new BatonError(
      "usage",
      `--kernel-config ${kernelConfig}: it is one of ${(await kernelConfigs()).join(", ")}`,
    );
  }
  if (fits !== null && !/^\d{1,4}(\.\d+)?$/.test(fits))
    throw new BatonError("usage", `--fits ${fits} is no number of MiB`);
  const suite = text("suite");
  if (suite !== null && !/^[a-z][a-z0-9-]*$/.test(suite))
    throw new BatonError("usage", `--suite ${suite} is no suite of Debian's`);
  const added = ((values.add as string[] | undefined) ?? []).map(addedFile);
  if (text("config") !== null) added.unshift(configuration(text("config")!));
  return {
    quiet: values.quiet === true,
    help: values.help === true,
    profile: profilePath(text("profile") ?? "pc"),
    features: list("features"),
    suite,
    cmdline: text("cmdline"),
    kernel: image === null ? null : { image, modules: modules! },
    added: await Promise.all(added),
    kernelConfig: kernelConfig ?? "server",
    mostBytes: fits === null ? null : Math.floor(Number(fits) * 1024 * 1024),
    formats: formats.length > 0 ? (formats as Format[]) : ["initramfs", "efi"],
    signer: key === null ? null : await readSigner(key, certificate!),
    locked: values.locked === true,
    check: values.check === true,
    output: resolve(text("output") ?? distDirectory),
    uncompressed: text("uncompressed"),
  };
}

function profilePath(name: string): string {
  return /^[\w-]+$/.test(name) ? join(projectRoot, "configs", `${name}.yaml`) : resolve(name);
}

async function addedFile(text: string): Promise<AddedFile> {
  const cut = text.lastIndexOf("=");
  const [file, path] = [text.slice(0, Math.max(cut, 0)), text.slice(cut + 1)];
  if (file === "" || !/^\/./.test(path) || posix.normalize(path) !== path || path.endsWith("/")) {
    throw new BatonError("usage", `--add ${text}: it is FILE=PATH, with an absolute PATH in the image`);
  }
  return read("--add", file, path);
}

async function configuration(file: string): Promise<AddedFile> {
  const added = await read("--config", file, `/etc/baton.${/\.ini$/i.test(file) ? "ini" : "yaml"}`);
  const { diagnostics } = await readSettings(Buffer.from(added.data).toString(), file);
  if (diagnostics.length > 0) throw new BatonError("bad-format", diagnostics.map(formatDiagnostic).join("; "));
  return { ...added, mode: 0o644 };
}

async function read(option: string, file: string, path: string): Promise<AddedFile> {
  try {
    const { mode } = await stat(file);
    return { path, data: await readFile(file), mode: mode & 0o111 ? 0o755 : 0o644 };
  } catch (error) {
    throw new BatonError("not-found", `${option} ${file}: ${describeError(error)}`, { cause: error });
  }
}
