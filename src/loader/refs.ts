/** The files of an entry by what they are for. */

import { type BootEntry, type BootModule, type FileRef, formatFileRef, shownFileRef } from "../entry.ts";
import { BatonError } from "../errors.ts";
import { log } from "../log.ts";

/** References at first, open files later. */
export interface EntryFiles<File> {
  readonly kernel: File;
  /**
   * In the order in which the kernel unpacks them. `path`: where the initial file system has it, for a file that is put
   * there as it is (GRUB's `newc:`); null for one that is unpacked.
   */
  readonly initrds: readonly { readonly file: File; readonly path: string | null; readonly mode?: number | null }[];
  /** Of a unified kernel image. */
  readonly addons: readonly File[];
  readonly devicetree: File | null;
  /** Applied to the devicetree, or to the one that the machine runs with, in this order. */
  readonly overlays: readonly File[];
  /** Of a multiboot kernel, in order. */
  readonly modules: readonly { readonly file: File; readonly cmdline: string }[];
}

/** A kernel and nothing else, to be spread. */
export const kernelAlone = <File>(kernel: File): EntryFiles<File> => ({
  kernel,
  initrds: [],
  addons: [],
  devicetree: null,
  overlays: [],
  modules: [],
});

/** All of them, the kernel first. */
export function listFiles<File>({ kernel, initrds, addons, devicetree, overlays, modules }: EntryFiles<File>): File[] {
  const trees = devicetree === null ? overlays : [devicetree, ...overlays];
  return [kernel, ...initrds.map(({ file }) => file), ...addons, ...trees, ...modules.map(({ file }) => file)];
}

/** The same with each file made into another thing, all of them at once; fails with the first that fails. */
export async function mapFiles<From, To>(
  files: EntryFiles<From>,
  make: (file: From) => Promise<To>,
): Promise<EntryFiles<To>> {
  const [kernel, initrds, addons, devicetree, overlays, modules] = await Promise.all([
    make(files.kernel),
    Promise.all(files.initrds.map(async (initrd) => ({ ...initrd, file: await make(initrd.file) }))),
    Promise.all(files.addons.map(make)),
    files.devicetree === null ? null : make(files.devicetree),
    Promise.all(files.overlays.map(make)),
    Promise.all(files.modules.map(async (module) => ({ ...module, file: await make(module.file) }))),
  ]);
  return { kernel, initrds, addons, devicetree, overlays, modules };
}

/**
 * Every file that booting the entry takes.
 * @param arch of the machine that boots it, as `uname -m`
 * @throws BatonError `unsupported` where the entry names no kernel that kexec could start
 */
export function filesOf(entry: BootEntry, arch: string): EntryFiles<FileRef> {
  const [kernel, ...modules] = isMultiboot(entry) ? entry.modules : [];
  if (kernel !== undefined) return { ...kernelAlone(kernel.file), modules: modules.map(moduleOf(entry)) };
  if (entry.kind !== "linux" || entry.linux === null) {
    throw new BatonError("unsupported", entry.reason ?? "the entry names no kernel that kexec could start");
  }
  const { linux, initrd, initrdNames: paths = [], initrdModes: modes = [], addons = [] } = entry;
  // A person may have edited the initrds themselves.
  const areTheirs = paths.length === initrd.length;
  const initrds = initrd.map((file, index) => ({
    file,
    path: areTheirs ? (paths[index] ?? null) : null,
    mode: modes[index] ?? null,
  }));
  return { ...kernelAlone(linux), initrds, addons, ...devicetreeRefs(entry, arch) };
}

/** They leave the file's name out of command lines; for GRUB 2, kernels that want none look for its name. */
const WITHOUT_NAMES: readonly BootEntry["type"][] = ["grub", "limine"];

const moduleOf =
  ({ type }: BootEntry) =>
  ({ file, args }: BootModule): EntryFiles<FileRef>["modules"][number] => {
    const name = "path" in file ? file.path : formatFileRef(file);
    return { file, cmdline: WITHOUT_NAMES.includes(type) ? args : `${name} ${args}`.trim() };
  };

/** The entry's devicetree, if it names one, and its overlays. */
function devicetreeRefs(
  { devicetree, devicetreeOverlays: overlays = [] }: BootEntry,
  arch: string,
): Pick<EntryFiles<FileRef>, "devicetree" | "overlays"> {
  const unused = isX86(arch) ? (devicetree ?? overlays[0]) : undefined;
  if (unused === undefined) return { devicetree, overlays };
  log.info(`${shownFileRef(unused)}: not used, since x86 kernels take no devicetree`);
  return { devicetree: null, overlays: [] };
}

export const isMultiboot = ({ kind }: BootEntry): boolean => kind === "multiboot" || kind === "multiboot2";

/** @param arch as `uname -m` */
export const isX86 = (arch: string): boolean => /^(x86_64|i.86)$/.test(arch);
