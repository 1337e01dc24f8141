/** What is in the image, in two parts: what seldom changes (and is large), and Baton itself. */

import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { BatonError } from "../src/errors.ts";
import { type Bundle, wrapForStart } from "./build.ts";
import { projectRoot } from "./cache.ts";
import { compress, xz, ZSTD } from "./compress.ts";
import { type Kernel, moduleTables, readModule } from "./kernel.ts";
import {
  firmwareNames,
  type ModuleSelection,
  moduleName,
  selectModules,
  shippedPath,
  trimTables,
} from "./kernel-modules.ts";
import { keymaps } from "./keymaps.ts";
import { koffiFor } from "./koffi.ts";
import { LIBRARY_FOLDER, sharedLibraries } from "./libraries.ts";
import type { AddedFile } from "./options.ts";
import type { Profile } from "./profile.ts";
import type { ToolSuite } from "./toolbox.ts";
import { Tree } from "./tree.ts";

const FSTAB = `proc /proc proc defaults 0 0
sysfs /sys sysfs defaults 0 0
devtmpfs /dev devtmpfs defaults 0 0
`;

const SHELL_PROFILE = `export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TERMINFO=/usr/share/terminfo
export PS1='baton:\\w# '
`;

/** Programs that are called by path: by the kernel, or by habit. busybox's shell finds the others by itself. */
const BUSYBOX_LINKS = ["/bin/sh", "/sbin/modprobe", "/bin/mount", "/bin/umount", "/sbin/reboot", "/sbin/poweroff"];

interface Lasting {
  readonly profile: Profile;
  readonly kernel: Kernel;
  /** Unpacked Debian packages. */
  readonly packages: string;
  /** Those with firmware; null where the profile names none. */
  readonly firmware: string | null;
  readonly node: string;
  readonly tools: ToolSuite;
}

export interface Lasted {
  readonly tree: Tree;
  readonly modules: ModuleSelection;
  /** What the modules name, and whether it is in the image. */
  readonly firmware: { readonly included: readonly string[]; readonly missing: readonly string[] };
}

/** Node, libraries, busybox, terminfo, kernel modules with their firmware, and the few files of /etc. */
export async function lastingFiles(from: Lasting): Promise<Lasted> {
  const { profile, kernel, packages } = from;
  const tree = new Tree();
  for (const name of ["/proc", "/sys", "/root", "/tmp", "/run/baton"]) tree.directory(name);
  tree.characterDevice("/dev/console", 5, 1);
  tree.characterDevice("/dev/null", 1, 3, 0o666);
  tree.directory("/dev/pts");
  // How init's processes wake one another, without a process for waiting.
  tree.fifo("/run/baton/status");
  tree.fifo("/run/baton/wake");
  tree.file("/etc/fstab", FSTAB);
  tree.file("/etc/profile", SHELL_PROFILE);
  tree.file("/etc/passwd", "root:x:0:0:root:/root:/bin/sh\n");
  tree.file("/etc/group", "root:x:0:\n");

  tree.file("/bin/busybox", await readFile(join(packages, "bin", "busybox")), 0o755);
  for (const link of BUSYBOX_LINKS) tree.symlink(link, link.startsWith("/bin/") ? "busybox" : "../bin/busybox");

  const koffi = await koffiFor(profile.arch);
  const programs = profile.programs.map((path) => ({ path, source: programFile(packages, path) }));
  const linked = [from.node, koffi, ...programs.map(({ source }) => source)];
  for (const { path, source } of [...(await sharedLibraries(linked, packages, profile.arch)), ...programs]) {
    tree.file(path, await readFile(source), 0o755);
  }
  // Opened by Baton itself when it needs it (src/linux/lzma.ts); a profile without its package does without.
  const lzma = `${LIBRARY_FOLDER[profile.arch]}/liblzma.so.5`;
  if (existsSync(join(packages, lzma))) tree.file(lzma, await readFile(join(packages, lzma)), 0o755);
  tree.file("/usr/bin/node", await readFile(from.node), 0o755);
  tree.file("/usr/lib/baton/koffi.node", await readFile(koffi));
  for (const name of profile.terminfo) await terminfo(tree, packages, name);
  for (const { name, data } of await keymaps(profile.keymaps, from.tools))
    tree.file(`/usr/share/keymaps/${name}.bmap`, data);
  const named = new Set<string>();
  const modules = await kernelModules(tree, profile, kernel, named);
  return { tree, modules, firmware: await firmwareFiles(tree, [...named].sort(), from.firmware) };
}

function programFile(packages: string, path: string): string {
  const file = join(packages, path);
  if (existsSync(file)) return file;
  throw new BatonError("not-found", `the profile's packages have no program ${path}`);
}

async function terminfo(tree: Tree, packages: string, name: string): Promise<void> {
  const part = `${name[0]}/${name}`;
  const source = ["lib/terminfo", "usr/share/terminfo", "etc/terminfo"]
    .map((folder) => join(packages, folder, part))
    .find((path) => existsSync(path));
  if (source === undefined)
    throw new BatonError("not-found", `the profile's packages have no terminfo entry "${name}"`);
  tree.file(`/usr/share/terminfo/${part}`, await readFile(source));
}

/** xz with CRC32: what the kernel's own loader of firmware unpacks. */
async function firmwareFiles(tree: Tree, names: readonly string[], root: string | null): Promise<Lasted["firmware"]> {
  const included: string[] = [];
  const missing: string[] = [];
  for (const name of names) {
    const file = join(root ?? "/nowhere", "usr/lib/firmware", name);
    if (root === null || !existsSync(file)) missing.push(name);
    else {
      included.push(name);
      tree.file(`/lib/firmware/${name}.xz`, await compress(xz("arm64"), await readFile(file), { keep: true }));
    }
  }
  return { included, missing };
}

/** @param firmware gets the names of the files that the modules ask for */
async function kernelModules(
  tree: Tree,
  profile: Profile,
  kernel: Kernel,
  firmware: Set<string>,
): Promise<ModuleSelection> {
  const tables = await moduleTables(kernel);
  const lateNames = Object.values(profile.lateModules).flat();
  const atStart = [...Object.values(profile.modules).flat(), ...profile.loadAtStart];
  const early = new Set(selectModules(tables, atStart, profile.extraNeeds).modules);
  const selection = selectModules(tables, [...atStart, ...lateNames], profile.extraNeeds);
  // Baton itself unpacks these when they are loaded; those of the start are for busybox, which can't.
  const packed = new Set(selection.modules.filter((name) => !early.has(name)));
  const home = `/lib/modules/${kernel.release}`;
  for (const name of selection.modules) {
    const { path } = tables.dep.get(name)!;
    const module = await readModule(kernel, path);
    for (const file of firmwareNames(module)) firmware.add(file);
    const content = packed.has(name) ? await compress(ZSTD, module, { keep: true }) : module;
    tree.file(`${home}/${shippedPath(path, packed.has(name))}`, content);
  }
  const trimmed = trimTables(tables, selection, new Set(lateNames.map(moduleName)), packed);
  tree.file(`${home}/modules.dep`, trimmed.dep);
  tree.file(`${home}/modules.alias`, trimmed.alias);
  tree.file(`${home}/modules.alias.late`, trimmed.lateAlias);
  tree.file(`${home}/modules.softdep`, trimmed.softdep);
  tree.file(
    `${home}/modules.builtin`,
    [...tables.builtin]
      .sort()
      .map((name) => `kernel/${name}.ko\n`)
      .join(""),
  );
  const always = profile.loadAtStart.map(moduleName).filter((name) => selection.modules.includes(name));
  tree.file("/etc/modules", `${always.join(" ")}\n`);
  const options = Object.entries(profile.moduleOptions).map(([name, text]) => `options ${name} ${text}\n`);
  tree.file("/etc/modprobe.d/baton.conf", options.join(""));
  return selection;
}

/** init, Baton, its code cache and what the caller adds, behind what {@link lastingFiles} put there. */
export async function changingFiles(
  tree: Tree,
  from: { readonly program: Bundle; readonly cache: Uint8Array | null; readonly added: readonly AddedFile[] },
): Promise<void> {
  const own = (name: string) => readFile(join(projectRoot, "initramfs", name));
  tree.file("/init", await own("init.sh"), 0o755);
  tree.file("/usr/lib/baton/start.cjs", await own("start.cjs"), 0o755);
  tree.file("/usr/lib/baton/baton.cjs", wrapForStart(from.program.code));
  if (from.cache) tree.file("/usr/lib/baton/baton.cache", from.cache);
  for (const name of ["baton", "kexec"]) tree.symlink(`/usr/bin/${name}`, "../lib/baton/start.cjs");
  for (const { path, data, mode } of from.added) {
    if (tree.has(path)) throw new BatonError("usage", `the image has ${path} already; nothing was added in its place`);
    tree.file(path, data, mode);
  }
}
