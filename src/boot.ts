/**
 * Composes entry, images and kexec: opens what an entry names, reads it with progress, checks that it is a kernel,
 * loads it, and hands the machine over.
 */

import { createHash } from "node:crypto";
import { type FileHandle, open } from "node:fs/promises";
import type { Discovery } from "./discover.ts";
import { type BootEntry, type FileRef, formatFileRef, type StateWrite } from "./entry.ts";
import { BatonError } from "./errors.ts";
import { withDeadline } from "./linux/deadline.ts";
import { kexecFileLoad } from "./linux/kexec.ts";
import { reboot } from "./linux/reboot.ts";
import { sync } from "./linux/sync.ts";
import type { Progress } from "./menu/model.ts";

/** How long a device may take to give the next mebibyte. */
const READ_MS = 30_000;
const CHUNK = 1024 * 1024;

/** A file of an entry, open. */
interface OpenFile {
  readonly ref: FileRef;
  readonly handle: FileHandle;
  readonly size: number;
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
  readonly method: "kexec_file_load" | "kexec_load";
  readonly files: readonly BootFile[];
  readonly options: string;
  readonly writes: readonly StateWrite[];
}

export interface BootHooks {
  onProgress(progress: Progress): void;
  onLoaded(method: string, seconds: number): void;
  /** The last moment at which anything can be shown: closes the menu. */
  beforeJump(): Promise<void>;
  /** Lets go of every filesystem. */
  unmount(): Promise<void>;
}

/** Reads everything the entry names, and says what booting it would do. Changes nothing. */
export async function planBoot(discovery: Discovery, entry: BootEntry): Promise<BootPlan> {
  const files: BootFile[] = [];
  await withFiles(discovery, entry, async (opened) => {
    for (const file of opened) {
      const hash = createHash("sha256");
      await readThrough(file, (chunk) => hash.update(chunk));
      files.push({ ref: formatFileRef(file.ref), size: file.size, sha256: hash.digest("hex") });
    }
  });
  return { entry, method: "kexec_file_load", files, options: entry.options, writes: entry.writes };
}

/**
 * Loads the entry and jumps. Comes back only by an error.
 * @param options the kernel command line, perhaps edited
 */
export async function bootEntry(
  discovery: Discovery,
  entry: BootEntry,
  options: string,
  hooks: BootHooks,
): Promise<never> {
  await withFiles(discovery, entry, async (opened) => {
    const total = opened.reduce((sum, file) => sum + file.size, 0);
    let before = 0;
    for (const file of opened) {
      const progress = (done: number): Progress => ({
        title: `Loading ${entry.title}`,
        detail: formatFileRef(file.ref),
        done: before + done,
        total,
      });
      await readThrough(file, (_chunk, done) => hooks.onProgress(progress(done)));
      before += file.size;
    }
    const started = performance.now();
    const [kernel, ...initrds] = opened;
    await kexecFileLoad(kernel!.handle.fd, initrds[0]?.handle.fd ?? null, options);
    hooks.onLoaded("kexec_file_load", (performance.now() - started) / 1000);
  });
  await hooks.beforeJump();
  await sync({ timeoutMs: 5000 });
  await hooks.unmount();
  reboot("kexec");
}

async function withFiles(
  discovery: Discovery,
  entry: BootEntry,
  work: (files: readonly OpenFile[]) => Promise<void>,
): Promise<void> {
  if (entry.linux === null) throw new BatonError("unsupported", entry.reason ?? "the entry names no Linux kernel");
  const opened: OpenFile[] = [];
  try {
    for (const ref of [entry.linux, ...entry.initrd]) opened.push(await openFile(discovery, ref));
    await work(opened);
  } finally {
    await Promise.all(opened.map((file) => file.handle.close()));
  }
}

async function openFile(discovery: Discovery, ref: FileRef): Promise<OpenFile> {
  const name = formatFileRef(ref);
  if ("selector" in ref) throw new BatonError("not-found", `${name}: no attached device answers to ${ref.selector}`);
  if ("url" in ref) {
    throw new BatonError("unsupported", `${name}: this version of Baton does not fetch from the network`);
  }
  const path = await discovery.volume(ref.device).hostPath(ref.path);
  const handle = await withDeadline(open(path, "r"), READ_MS, `opening ${name}`, (late) => void late.close());
  const { size } = await handle.stat();
  return { ref, handle, size };
}

/** Reads a file whole, which also leaves it in the page cache, where the kernel takes it from. */
async function readThrough(file: OpenFile, onChunk: (chunk: Uint8Array, done: number) => void): Promise<void> {
  const buffer = new Uint8Array(CHUNK);
  for (let at = 0; at < file.size; ) {
    const reading = file.handle.read(buffer, 0, CHUNK, at);
    const { bytesRead } = await withDeadline(reading, READ_MS, `reading ${formatFileRef(file.ref)}`);
    if (bytesRead === 0) {
      throw new BatonError("io", `${formatFileRef(file.ref)}: it ends at ${at} of ${file.size} bytes`);
    }
    at += bytesRead;
    onChunk(buffer.subarray(0, bytesRead), at);
  }
}
