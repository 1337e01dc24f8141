/**
 * Composes entry, images and kexec: opens what an entry names, checks that it is a kernel for this machine, loads it
 * with progress, and hands the machine over.
 */

import { machine } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import type { Discovery } from "../discovery/discovery.ts";
import { type BootEntry, type FileRef, formatFileRef, type StateWrite } from "../entry.ts";
import { BatonError, describeError } from "../errors.ts";
import { identifyImage, loadRefusal } from "../images/identify.ts";
import type { Image } from "../images/image.ts";
import { readAtWithin } from "../images/uki.ts";
import { classicMethod } from "../kexec/classic.ts";
import { fileLoadMethod, readAheadMethod } from "../kexec/fileload.ts";
import { handOver } from "../kexec/handover.ts";
import { demandsSignatures, type LoadProgress, type LoadResult, loadFile } from "../kexec/loadfiles.ts";
import type { LoadMethod, LoadRequest } from "../kexec/method.ts";
import { type KexecState, readKexecState } from "../kexec/state.ts";
import { log } from "../log.ts";
import type { Progress } from "../status.ts";
import { classicLoader } from "./bzimage.ts";
import { unpackKernel } from "./kernelfile.ts";
import {
  closeFiles,
  type OpenFile,
  openFiles,
  plain,
  READ_MS,
  readAtOfFile,
  sha256,
  withMembers,
} from "./openfiles.ts";
import { kexecFiles } from "./ukiparts.ts";

/** How long unmounting may take in all: nothing was written, so a disk that doesn't answer loses nothing. */
const UNMOUNT_MS = 5000;
/** How long the reading of an ISO file may keep the hand-over. */
const QUIET_MS = 1000;
/** How long the closing of files may keep it. */
const CLOSE_MS = 3000;

export interface BootFile {
  readonly ref: string;
  /** Bytes. */
  readonly size: number;
  readonly sha256: string;
  /** Where the initial file system has it, for a file that is put there as it is (GRUB's `newc:`). */
  readonly initrdName?: string;
}

/** What booting an entry would do (docs/interfaces.md, `boot --dry-run --json`). */
export interface BootPlan {
  readonly entry: BootEntry;
  /** The one that is tried first. */
  readonly method: LoadMethod["name"];
  readonly files: readonly BootFile[];
  readonly options: string;
  readonly writes: readonly StateWrite[];
  /** Why the kernel would not take it, as far as that can be told without trying; a sentence each. */
  readonly warnings: readonly string[];
}

export interface BootHooks {
  onProgress(progress: Progress): void;
  onLoaded(method: string, seconds: number): void;
  /** The last moment at which anything can be shown: closes the menu. */
  beforeJump(): Promise<void>;
  /** Lets go of every filesystem; what is read later is mounted again. */
  unmount(): Promise<void>;
  /** What was loaded ahead of just this entry with these options (staging.ts), else null. */
  staged?(): Promise<LoadResult | null>;
  /** The system call that the owner of the machine wants; what suits unless given. */
  readonly call?: LoadCall;
}

/** `file`: kexec_file_load alone, `classic`: kexec_load alone. */
export type LoadCall = "auto" | "classic" | "file";

/**
 * Reads everything the entry names, and says what booting it would do. Changes nothing.
 * @param arch of the machine that would boot it, as `uname -m`; null for this one, with what it demands of signatures
 * @throws BatonError where it names no kernel, or a file can't be read
 */
export async function planBoot(discovery: Discovery, entry: BootEntry, arch: string | null): Promise<BootPlan> {
  const opened = await openFiles(discovery, filesOf(entry, arch ?? machine()));
  try {
    const whole = await identify(opened[0]!);
    const image = whole.isPacked ? await packedImage(opened[0]!) : whole;
    const policy = arch === null ? await readKexecState() : NO_POLICY;
    const methods = loadMethods(image, arch ?? machine(), policy);
    const refusal = methods.length > 0 ? null : loadRefusal(image, arch ?? machine());
    const files: BootFile[] = [];
    for (const [index, file] of opened.entries()) {
      const initrdName = entry.initrdNames?.[index - 1] ?? null;
      if (initrdName !== null) (await import("./newcinitrd.ts")).newcArchive(initrdName, new Uint8Array());
      const { name: ref, size } = file;
      files.push({ ref, size, sha256: await sha256(file), ...(initrdName === null ? {} : { initrdName }) });
    }
    const { options, writes } = entry;
    const warnings = refusal === null ? [] : [`${opened[0]!.name}: ${refusal}`];
    return { entry, method: methods[0]?.name ?? "kexec_file_load", files, options, writes, warnings };
  } finally {
    await closeFiles(opened);
  }
}

/**
 * Loads the entry and jumps. Comes back only by an error.
 * @param options the kernel command line, perhaps edited
 * @throws BatonError with what was tried, on what, and why it failed
 */
export async function bootEntry(
  discovery: Discovery,
  entry: BootEntry,
  options: string,
  hooks: BootHooks,
): Promise<never> {
  const isoFiles = discovery.holdIsoFiles();
  try {
    return await loadAndJump(discovery, entry, options, hooks, isoFiles.idle);
  } finally {
    isoFiles.release();
  }
}

/** @param quiet settles when nothing else reads from the disks, so that unmounting is final */
async function loadAndJump(
  discovery: Discovery,
  entry: BootEntry,
  options: string,
  hooks: BootHooks,
  quiet: Promise<void>,
): Promise<never> {
  const limited = (work: Promise<void>, ms: number): Promise<void> =>
    Promise.race([work, sleep(ms, undefined, { ref: false })]);
  return handOver({
    load: async () =>
      (await hooks.staged?.()) ??
      loadEntry(discovery, entry, options, hooks.onProgress, { call: hooks.call ?? "auto" }),
    // They are closed as soon as they are loaded.
    closeFiles: async () => {},
    onStage: async (stage, result) => {
      if (stage === "loaded" && result) hooks.onLoaded(result.method, result.seconds);
      if (stage === "unmount") {
        await limited(quiet, QUIET_MS);
        await limited(hooks.unmount(), UNMOUNT_MS);
      }
      if (stage === "jump") await hooks.beforeJump();
    },
    // Volumes unmount themselves, and mount themselves when they are next read.
    mountPoints: () => [],
    restore: () => {},
  });
}

/**
 * Opens an entry's files, loads them and closes them again.
 * @param ahead where it is loaded before anybody asked for it; the load ends with BatonError `cancelled` once nobody
 *   will any more
 */
export async function loadEntry(
  discovery: Discovery,
  entry: BootEntry,
  options: string,
  onProgress: BootHooks["onProgress"],
  ahead: Pick<SpecialFiles, "ahead" | "isWanted" | "call"> = {},
): Promise<LoadResult> {
  const title = `Loading ${entry.title}`;
  const show = (progress: Omit<Progress, "title">): void => onProgress({ title, ...progress });
  show({ detail: "opening its files", done: 0, total: null });
  const named = await openFiles(discovery, filesOf(entry, machine()), (name, done, total) =>
    show({ detail: `fetching ${name}`, done, total }),
  );
  const opened = await withMembers(entry, named);
  try {
    const { files, special } = partsOf(entry, opened);
    const onRead = ({ detail, done, total }: LoadProgress): void =>
      show({ detail: detail ?? "the kernel takes it over", done, total });
    return await loadOpened(files, options, entry.profile ?? 0, onRead, { ...special, ...ahead });
  } finally {
    // Closing waits for reads that are under way, and one of them may wait for a dead disk.
    const closed = closeFiles(opened).catch((error) => log.warn(`closing files failed: ${describeError(error)}`));
    await Promise.race([closed, sleep(CLOSE_MS, undefined, { ref: false })]);
  }
}

/**
 * Checks that the first file is a kernel for this machine, and loads it with the others as its initrds.
 * @param profile of a unified kernel image, 0 for its first
 * @throws BatonError with what the file is instead, or what the kernel's refusal means
 */
export async function loadOpened(
  opened: readonly OpenFile[],
  cmdline: string,
  profile: number,
  onProgress: (progress: LoadProgress) => void,
  special: SpecialFiles = {},
): Promise<LoadResult> {
  const whole = await identify(opened[0]!);
  const unusable = loadRefusal(whole, machine());
  if (unusable !== null) throw new BatonError("bad-format", `${opened[0]!.name}: ${unusable}`);
  const { kernel: part, initrds, devicetree: own } = await kexecFiles(opened, whole, profile);
  const devicetree = special.devicetree ?? (isX86(machine()) ? null : own);
  const { overlays = [] } = special;
  const readPart = readAtWithin(readAtOfFile(opened[0]!), {
    offset: (part.offset ?? 0) - opened[0]!.offset,
    size: part.size,
  });
  const inside = whole.format === "UKI" ? await identifyImage(readPart, part.size) : whole;
  const { image, file: kernel, release } = await unpackKernel(part, inside, readPart);
  try {
    const all = loadMethods(image, machine(), await readKexecState());
    // The kernel itself passes its own devicetree on, and takes no other.
    const only = devicetree !== null || overlays.length > 0 ? "classic" : (special.call ?? "auto");
    const usable = only === "auto" ? all : all.filter(({ name }) => name === CALLS[only]);
    const methods = special.ahead ? await aheadMethods(usable, special.ahead) : usable;
    const refusal = methods.length > 0 ? null : (loadRefusal(image, machine()) ?? "There is no way to load it here.");
    if (refusal !== null) throw new BatonError("bad-format", `${kernel.name}: ${refusal}`);
    const { cmdlineLimit } = image;
    const files = { kernel, initrds, ...special, devicetree };
    return await loadFile({ ...files, cmdline, cmdlineLimit, readTimeoutMs: READ_MS, onProgress, methods });
  } finally {
    release();
  }
}

/** What only some kernels get. */
export type SpecialFiles = Partial<Pick<LoadRequest, "modules" | "loaderName" | "devicetree" | "overlays">> & {
  /** False once nobody wants it any more. */
  readonly isWanted?: () => boolean;
  /**
   * Before anybody has asked for it: by kexec_load, `unpacked` with the kernel unpacked already; where only
   * kexec_file_load would do, which no key press could interrupt, the files are read and nothing is loaded.
   */
  readonly ahead?: "packed" | "unpacked";
  readonly call?: LoadCall;
};

type SignaturePolicy = Pick<KexecState, "lockdown" | "secureBoot">;
const NO_POLICY: SignaturePolicy = { lockdown: null, secureBoot: null };

/**
 * The ways to load an image, the first choice first: kexec_load, which is faster, unless this machine demands
 * signatures, which only kexec_file_load checks.
 */
function loadMethods(image: Image, arch: string, policy: SignaturePolicy): LoadMethod[] {
  const layOut = classicLoader(image, arch);
  const byFile = image.fileLoad.includes(arch) ? [fileLoadMethod()] : [];
  if (layOut === null || (byFile.length > 0 && demandsSignatures(policy))) return byFile;
  return [classicMethod(layOut), ...byFile];
}

const CALLS = { classic: "kexec_load", file: "kexec_file_load" } as const;

async function aheadMethods(methods: readonly LoadMethod[], ahead: "packed" | "unpacked"): Promise<LoadMethod[]> {
  if (methods[0]?.name !== "kexec_load") return methods.length > 0 ? [readAheadMethod] : [];
  if (ahead === "packed") return methods.slice(0, 1);
  const { layOutUnpackedBzImage } = await import("./unpackedbzimage.ts");
  return [classicMethod(layOutUnpackedBzImage)];
}

/** Every file that booting the entry takes: the kernel, its initrds or modules, the devicetree. */
function filesOf(entry: BootEntry, arch: string): FileRef[] {
  if (isMultiboot(entry) && entry.modules.length > 0) return entry.modules.map(({ file }) => file);
  if (entry.kind !== "linux" || entry.linux === null) {
    throw new BatonError("unsupported", entry.reason ?? "the entry names no kernel that kexec could start");
  }
  return [entry.linux, ...entry.initrd, ...(entry.addons ?? []), ...devicetreeRefs(entry, arch)];
}

const isMultiboot = ({ kind }: BootEntry): boolean => kind === "multiboot" || kind === "multiboot2";

/** The entry's devicetree, if it names one, and its overlays. */
function devicetreeRefs({ devicetree, devicetreeOverlays = [] }: BootEntry, arch: string): FileRef[] {
  const refs = [...(devicetree === null ? [] : [devicetree]), ...devicetreeOverlays];
  if (refs.length === 0 || !isX86(arch)) return refs;
  log.info(`${formatFileRef(refs[0]!)}: not used, since x86 kernels take no devicetree`);
  return [];
}

const isX86 = (arch: string): boolean => /^(x86_64|i.86)$/.test(arch);

/**
 * The open files of an entry by what they are for.
 * @param opened in the order of `filesOf`
 */
function partsOf(entry: BootEntry, opened: readonly OpenFile[]): { files: readonly OpenFile[]; special: SpecialFiles } {
  if (isMultiboot(entry)) {
    // GRUB 2 leaves the file's name out of command lines, and kernels that want none look for its name.
    const named = entry.type !== "grub";
    const modules = opened.slice(1).map((file, index) => {
      const { file: ref, args } = entry.modules[index + 1]!;
      const name = "path" in ref ? ref.path : file.name;
      return { file: plain(file), cmdline: named ? `${name} ${args}`.trim() : args };
    });
    return { files: opened.slice(0, 1), special: { modules, loaderName: named ? "Baton" : "GRUB 2 (Baton)" } };
  }
  const count = devicetreeRefs(entry, machine()).length;
  if (count === 0) return { files: opened, special: {} };
  const trees = opened.slice(-count).map(plain);
  const devicetree = entry.devicetree === null ? null : trees[0]!;
  const overlays = trees.slice(devicetree === null ? 0 : 1);
  return { files: opened.slice(0, -count), special: { devicetree, overlays } };
}

async function packedImage(file: OpenFile): Promise<Image> {
  const { unwrapKernel } = await import("../images/unwrap.ts");
  return (await unwrapKernel(readAtOfFile(file), file.size)).image;
}

const identify = (file: OpenFile): Promise<Image> => identifyImage(readAtOfFile(file), file.size);
