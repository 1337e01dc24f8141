/**
 * Composes entry, images and kexec: opens what an entry names, checks that it is a kernel for this machine, loads it
 * with progress, and hands the machine over.
 */

import { createHash } from "node:crypto";
import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { machine } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import type { ReadAt } from "./binary/readat.ts";
import { classicLoader } from "./classic.ts";
import type { Discovery } from "./discover.ts";
import { type BootEntry, type FileRef, formatFileRef, type StateWrite } from "./entry.ts";
import { BatonError } from "./errors.ts";
import { fileLoadRefusal, identifyImage } from "./images/identify.ts";
import type { Image } from "./images/image.ts";
import { readUki } from "./images/uki.ts";
import { classicMethod } from "./kexec/classic.ts";
import { fileLoadMethod } from "./kexec/fileload.ts";
import type { KexecFile } from "./kexec/files.ts";
import { handOver } from "./kexec/handover.ts";
import { demandsSignatures, type LoadProgress, type LoadResult, loadFile } from "./kexec/loadfiles.ts";
import type { LoadMethod } from "./kexec/method.ts";
import { type KexecState, readKexecState } from "./kexec/state.ts";
import { withDeadline } from "./linux/deadline.ts";
import { log } from "./log.ts";
import type { Progress } from "./menu/model.ts";

/** How long a device may take to open a file or to give the next mebibyte. */
const READ_MS = 30_000;
const PIECE = 1024 * 1024;
/** How long unmounting may take in all: nothing was written, so a disk that doesn't answer loses nothing. */
const UNMOUNT_MS = 5000;
/** How long the reading of an ISO file may keep the hand-over. */
const QUIET_MS = 1000;

/** A file of an entry, open. */
export interface OpenFile {
  readonly name: string;
  readonly handle: FileHandle;
  /** Bytes. */
  readonly size: number;
  /** Where it begins in what is open: above 0 for a file within an ISO file. */
  readonly offset: number;
}

export interface BootFile {
  readonly ref: string;
  /** Bytes. */
  readonly size: number;
  readonly sha256: string;
}

/** What booting an entry would do (interfaces.md, `boot --dry-run --json`). */
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
}

/**
 * Reads everything the entry names, and says what booting it would do. Changes nothing.
 * @param arch of the machine that would boot it, as `uname -m`; null for this one, with what it demands of signatures
 * @throws BatonError where it names no kernel, or a file can't be read
 */
export async function planBoot(discovery: Discovery, entry: BootEntry, arch: string | null): Promise<BootPlan> {
  const extra = entry.devicetree === null ? [] : [entry.devicetree];
  const opened = await openFiles(discovery, [...kernelAndInitrds(entry), ...extra]);
  try {
    const image = await identify(opened[0]!);
    const policy = arch === null ? await readKexecState() : NO_POLICY;
    const methods = loadMethods(image, arch ?? machine(), policy);
    const refusal = methods.length > 0 ? null : fileLoadRefusal(image, arch ?? machine());
    const files: BootFile[] = [];
    for (const file of opened) files.push({ ref: file.name, size: file.size, sha256: await sha256(file) });
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
  const title = `Loading ${entry.title}`;
  hooks.onProgress({ title, detail: "opening its files", done: 0, total: null });
  const opened = await openFiles(discovery, kernelAndInitrds(entry), (name, done, total) =>
    hooks.onProgress({ title, detail: `fetching ${name}`, done, total }),
  );
  const limited = (work: Promise<void>, ms: number): Promise<void> =>
    Promise.race([work, sleep(ms, undefined, { ref: false })]);
  return handOver({
    load: async () => {
      checkDevicetree(entry);
      return loadOpened(opened, options, entry.profile ?? 0, ({ detail, done, total }) =>
        hooks.onProgress({ title, detail: detail ?? "the kernel takes it over", done, total }),
      );
    },
    closeFiles: () => closeFiles(opened),
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
 * Checks that the first file is a kernel for this machine, and loads it with the others as its initrds.
 * @param profile of a unified kernel image, 0 for its first
 * @throws BatonError with what the file is instead, or what the kernel's refusal means
 */
export async function loadOpened(
  opened: readonly OpenFile[],
  cmdline: string,
  profile: number,
  onProgress: (progress: LoadProgress) => void,
): Promise<LoadResult> {
  const image = await identify(opened[0]!);
  const methods = loadMethods(image, machine(), await readKexecState());
  const refusal = methods.length > 0 ? null : fileLoadRefusal(image, machine());
  if (refusal !== null) throw new BatonError("bad-format", `${opened[0]!.name}: ${refusal}`);
  const { kernel, initrds } = await kexecFiles(opened, image, profile);
  const { cmdlineLimit } = image;
  return loadFile({ kernel, initrds, cmdline, cmdlineLimit, readTimeoutMs: READ_MS, onProgress, methods });
}

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

function kernelAndInitrds(entry: BootEntry): FileRef[] {
  if (entry.kind !== "linux" || entry.linux === null) {
    throw new BatonError("unsupported", entry.reason ?? "the entry names no Linux kernel");
  }
  return [entry.linux, ...entry.initrd];
}

/** kexec_file_load passes the running kernel's devicetree on, and takes no other. */
function checkDevicetree(entry: BootEntry): void {
  if (entry.devicetree === null) return;
  const name = formatFileRef(entry.devicetree);
  if (/^(x86_64|i.86)$/.test(machine())) log.info(`${name}: not used, since x86 kernels take no devicetree`);
  else throw new BatonError("unsupported", `${name}: kexec_file_load takes no devicetree but the running kernel's`);
}

/**
 * In the order of the references; what is fetched is fetched side by side.
 * @param onFetch gets the file that is being fetched, and bytes of all of them so far and in all
 */
async function openFiles(
  discovery: Discovery,
  refs: readonly FileRef[],
  onFetch: (name: string, done: number, total: number | null) => void = () => {},
): Promise<OpenFile[]> {
  const fetched = new Map<FileRef, { done: number; total: number | null }>();
  const progress = (ref: FileRef) => (done: number, total: number | null) => {
    fetched.set(ref, { done, total });
    const all = [...fetched.values()];
    const totals = all.flatMap((file) => file.total ?? []);
    const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);
    onFetch(formatFileRef(ref), sum(all.map((file) => file.done)), totals.length < all.length ? null : sum(totals));
  };
  const results = await Promise.allSettled(refs.map((ref) => openFile(discovery, ref, progress(ref))));
  const opened = results.flatMap((result) => (result.status === "fulfilled" ? result.value : []));
  const failed = results.find((result) => result.status === "rejected");
  if (failed === undefined) return opened;
  await closeFiles(opened);
  throw failed.reason;
}

async function openFile(
  discovery: Discovery,
  ref: FileRef,
  onFetch: (done: number, total: number | null) => void,
): Promise<OpenFile> {
  const name = formatFileRef(ref);
  if ("selector" in ref) throw new BatonError("not-found", `${name}: no attached device answers to ${ref.selector}`);
  if ("url" in ref) {
    const { network } = discovery;
    if (network === null) throw new BatonError("unsupported", `${name}: the network is not in use; press n for it`);
    const handle = await network.fetch(ref.url, onFetch);
    return { name, handle, size: (await handle.stat()).size, offset: 0 };
  }
  const volume = discovery.volume(ref.device);
  if (volume.extent === undefined) return openPath(await volume.hostPath(ref.path), name);
  const { hostPath, offset, size } = await volume.extent(ref.path);
  const whole = await openPath(hostPath, name);
  if (offset + size <= whole.size) return { ...whole, offset, size };
  await whole.handle.close();
  throw new BatonError("io", `${name}: the file that it is in ends before it: ${hostPath} is cut short`);
}

/** @param name for messages: the path as the user knows it */
export async function openPath(path: string, name: string): Promise<OpenFile> {
  const opening = open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const handle = await withDeadline(opening, READ_MS, `opening ${name}`, (late) => void late.close()).catch((error) => {
    throw error.code === "ENOENT" ? new BatonError("not-found", `${name}: there is no such file`) : error;
  });
  const stat = await handle.stat();
  if (stat.isFile()) return { name, handle, size: stat.size, offset: 0 };
  await handle.close();
  throw new BatonError("not-a-file", `${name}: it is no regular file`);
}

export async function closeFiles(files: readonly OpenFile[]): Promise<void> {
  await Promise.all(files.map(({ handle }) => handle.close()));
}

const identify = (file: OpenFile): Promise<Image> => identifyImage(readAtOf(file), file.size);

/** What kexec loads: whole files, or the parts of a unified kernel image. */
async function kexecFiles(
  opened: readonly OpenFile[],
  image: Image,
  profile: number,
): Promise<{ kernel: KexecFile; initrds: KexecFile[] }> {
  // A file that is whole is taken as it is; a part has to be copied first.
  const [first, ...others] = opened.map(({ name, handle, size, offset }) => ({
    ...{ name, fd: handle.fd, size },
    ...(offset === 0 ? {} : { offset }),
  }));
  const uki = image.format === "UKI" ? await readUki(readAtOf(opened[0]!), first!.size, profile) : null;
  if (uki === null) return { kernel: first!, initrds: others };
  const part = (section: string, extent: { offset: number; size: number }): KexecFile => ({
    size: extent.size,
    offset: opened[0]!.offset + extent.offset,
    fd: first!.fd,
    name: `${first!.name} (${section})`,
  });
  return {
    kernel: part(".linux", uki.linux),
    initrds: [...uki.initrds.map((extent) => part(".initrd", extent)), ...others],
  };
}

const readAtOf =
  (file: OpenFile): ReadAt =>
  async (offset, length) => {
    const buffer = new Uint8Array(Math.max(0, Math.min(length, file.size - offset)));
    let filled = 0;
    while (filled < buffer.length) {
      const reading = file.handle.read(
        buffer,
        filled,
        Math.min(PIECE, buffer.length - filled),
        file.offset + offset + filled,
      );
      const { bytesRead } = await withDeadline(reading, READ_MS, `reading ${file.name}`);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    return buffer.subarray(0, filled);
  };

async function sha256(file: OpenFile): Promise<string> {
  const hash = createHash("sha256");
  const readAt = readAtOf(file);
  for (let at = 0; at < file.size; ) {
    const piece = await readAt(at, PIECE);
    if (piece.length === 0) throw new BatonError("io", `${file.name} ends after ${at} of ${file.size} bytes`);
    hash.update(piece);
    at += piece.length;
  }
  return hash.digest("hex");
}
