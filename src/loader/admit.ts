/**
 * Composes an entry's files, the manifests beside its kernel and the owner's policy: only what this lets pass is loaded.
 * What is verified is what is loaded: files are first read into memory that nobody else writes, and judged there.
 */

import { createHash } from "node:crypto";
import { closeSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { posix } from "node:path";
import { type BootEntry, type FileRef, shownFileRef } from "../entry.ts";
import { BatonError, describeError } from "../errors.ts";
import { availableMemory } from "../linux/availablememory.ts";
import { memfd } from "../linux/memfd.ts";
import { formatSize } from "../text.ts";
import { Passage, type Verdict } from "../trust/gate.ts";
import type { Proof, SignedEntry, SignedFile } from "../trust/manifest.ts";
import type { TrustPolicy } from "../trust/policy.ts";
import { closeFiles, digestOf, type FileSource, type OpenFile, openFiles, readAtOfFile } from "./openfiles.ts";
import { type EntryFiles, kernelAlone, listFiles, mapFiles } from "./refs.ts";

const PIECE = 1 << 20;
/** The files that are held, and what the kernel takes of them. */
const COPIES = 2;
/** Folders above the kernel's in which a manifest is looked for. */
const MAX_FOLDERS = 8;

/** Files that may be loaded, and what says so. */
export interface Admitted {
  readonly files: EntryFiles<OpenFile>;
  readonly passage: Passage;
}

/**
 * @param options the kernel command line, perhaps edited
 * @param files open; closed where copies take their place, and where they may not boot
 * @param available asked for the bytes of memory that are free
 * @throws BatonError `refused` where the policy doesn't let them boot; `io`, `timeout`, `too-large`
 */
export async function admit(
  policy: TrustPolicy,
  source: FileSource,
  entry: BootEntry,
  options: string,
  files: EntryFiles<OpenFile>,
  available: () => Promise<number> = availableMemory,
): Promise<Admitted> {
  if (policy.mode === "off") return { files, passage: Passage.through(policy, entry.title, null) };
  const copies = new Map<OpenFile, OpenFile>();
  try {
    checkRoom(listFiles(files), await available());
    const digests = new Map<OpenFile, string>();
    for (const file of listFiles(files)) {
      const copy = await hold(file);
      copies.set(file, copy.file);
      digests.set(copy.file, copy.sha256);
    }
    const held = await mapFiles(files, async (file) => copies.get(file)!);
    const verdict = await judgeEntry(policy, source, entry, options, held, digests);
    return { files: held, passage: Passage.through(policy, entry.title, verdict) };
  } catch (error) {
    await closeFiles([...copies.values()]);
    throw error;
  } finally {
    await closeFiles(listFiles(files));
  }
}

/** A file may say that it has any size, and memory that runs out ends Baton. @throws BatonError `too-large` */
function checkRoom(files: readonly OpenFile[], free: number): void {
  const size = files.reduce((sum, file) => sum + file.size, 0);
  if (size * COPIES <= free) return;
  const what = files.map(({ name }) => name).join(", ");
  throw new BatonError(
    "too-large",
    `${what}: to verify and load ${formatSize(size)} takes ${formatSize(size * COPIES)} of memory, and ${formatSize(free)} are free`,
  );
}

/** Whether what an entry names now is signed; only said, since what is read later may be something else. */
export async function verdictOf(
  policy: TrustPolicy,
  source: FileSource,
  entry: BootEntry,
  files: EntryFiles<OpenFile>,
): Promise<Verdict> {
  const digests = new Map<OpenFile, string>();
  for (const file of listFiles(files)) digests.set(file, await digestOf(file, "sha256"));
  return judgeEntry(policy, source, entry, entry.options, files, digests);
}

async function judgeEntry(
  policy: TrustPolicy,
  source: FileSource,
  entry: BootEntry,
  options: string,
  files: EntryFiles<OpenFile>,
  digests: ReadonlyMap<OpenFile, string>,
): Promise<Verdict> {
  const { judge } = await import("../trust/manifest.ts");
  return judge(policy, signedEntry(entry, options, files, digests), await proofsFor(source, entry));
}

/** What a manifest says of an entry. */
export function signedEntry(
  { title, kind, profile, fitConfiguration }: BootEntry,
  options: string,
  files: EntryFiles<OpenFile>,
  digests: ReadonlyMap<OpenFile, string>,
): SignedEntry {
  const row = (role: SignedFile["role"], file: OpenFile, as = ""): SignedFile => ({
    role,
    // Without the device, whose name is another one tomorrow.
    path: file.name.replace(/^[^:/]+:(?=\/)/, ""),
    sha256: digests.get(file)!,
    ...(as === "" ? {} : { as }),
  });
  const part = [profile ? `profile ${profile}` : "", fitConfiguration ?? ""].filter(Boolean).join(" ");
  return {
    ...{ title, kind, options },
    ...(part === "" ? {} : { part }),
    files: [
      row("kernel", files.kernel),
      ...files.initrds.map(({ file, path, mode }) =>
        row("initrd", file, path === null ? "" : `${path} ${mode ?? ""}`.trimEnd()),
      ),
      ...files.addons.map((file) => row("addon", file)),
      ...(files.devicetree === null ? [] : [row("devicetree", files.devicetree)]),
      ...files.overlays.map((file) => row("overlay", file)),
      ...files.modules.map(({ file, cmdline }) => row("module", file, cmdline)),
    ],
  };
}

/** The manifests in the kernel's folder and in those above it, the nearest first. */
async function proofsFor(source: FileSource, entry: BootEntry): Promise<Proof[]> {
  const { MANIFEST, SIGNATURES, MAX_MANIFEST_SIZE, MAX_SIGNATURES_SIZE } = await import("../trust/manifest.ts");
  const kernel = entry.linux ?? entry.modules[0]?.file;
  const proofs: Proof[] = [];
  for (const folder of kernel === undefined ? [] : foldersOf(kernel)) {
    const ref = inFolder(folder, MANIFEST);
    const manifest = await readSmall(source, ref, MAX_MANIFEST_SIZE);
    if (manifest === null) continue;
    const signatures = await readSmall(source, inFolder(folder, SIGNATURES), MAX_SIGNATURES_SIZE);
    proofs.push({ name: shownFileRef(ref), manifest, signatures });
  }
  return proofs;
}

/** On a server, the kernel's own folder alone: each is asked for. */
function foldersOf(kernel: FileRef): FileRef[] {
  if ("url" in kernel) return [{ url: new URL(".", kernel.url.replace(/[?#].*$/s, "")).href }];
  const folders: FileRef[] = [];
  for (let path = posix.dirname(kernel.path); folders.length < MAX_FOLDERS; path = posix.dirname(path)) {
    folders.push({ ...kernel, path });
    if (path === "/") break;
  }
  return folders;
}

const inFolder = (folder: FileRef, name: string): FileRef =>
  "url" in folder ? { url: new URL(name, folder.url).href } : { ...folder, path: posix.join(folder.path, name) };

/** A small text file; null where there is none. @throws BatonError, also where it is too large */
async function readSmall(source: FileSource, ref: FileRef, limit: number): Promise<string | null> {
  let opened: EntryFiles<OpenFile>;
  try {
    opened = await openFiles(source, kernelAlone(ref));
  } catch (error) {
    if (error instanceof BatonError && error.code === "not-found") return null;
    throw error;
  }
  const { kernel: file } = opened;
  try {
    if (file.size > limit) {
      throw new BatonError("too-large", `${file.name} has ${file.size} bytes; more than ${limit} are none of Baton's`);
    }
    return Buffer.from(await readAtOfFile(file)(0, file.size)).toString("utf8");
  } finally {
    await closeFiles([file]);
  }
}

/** A copy in memory, with the digest of just these bytes. */
async function hold(file: OpenFile): Promise<{ readonly file: OpenFile; readonly sha256: string }> {
  const fd = memfd("baton-held");
  let handle: FileHandle;
  try {
    handle = await open(`/proc/self/fd/${fd}`, "r+");
  } finally {
    closeSync(fd);
  }
  try {
    const hash = createHash("sha256");
    const readAt = readAtOfFile(file);
    for (let at = 0; at < file.size; ) {
      const piece = await readAt(at, PIECE);
      if (piece.length === 0) throw new BatonError("io", `${file.name} ends after ${at} of ${file.size} bytes`);
      hash.update(piece);
      for (let done = 0; done < piece.length; ) {
        done += (await handle.write(piece, done, piece.length - done, at + done)).bytesWritten;
      }
      at += piece.length;
    }
    return { file: { name: file.name, handle, size: file.size, offset: 0 }, sha256: hash.digest("hex") };
  } catch (error) {
    await handle.close();
    if ((error as NodeJS.ErrnoException).code !== "ENOSPC" && (error as NodeJS.ErrnoException).code !== "ENOMEM")
      throw error;
    throw new BatonError("too-large", `${file.name}: no memory is left to hold it: ${describeError(error)}`);
  }
}
