/**
 * The library's verbs: the two system calls that load a kernel, and their undoing. For a kernel's files as a whole
 * (reading with progress, joining initrds, falling back from one call to the other) see loadfiles.ts.
 *
 *     const memory = new Memory(await readIomem());
 *     const start = layOutBzImage(bytes, facts, memory);      // an image's loader, in src/images
 *     await load(addStart(memory, start), memory.alignAndMerge());
 *     await reboot();
 */

import { readSync } from "node:fs";
import { BatonError } from "../errors.ts";
import type { Content, FilePart } from "../images/segment.ts";
import { LinuxError } from "../linux/error.ts";
import { type FileMapping, mapFile } from "../linux/filemap.ts";
import {
  KEXEC_ARCH,
  KEXEC_FILE_NO_INITRAMFS,
  KEXEC_FILE_ON_CRASH,
  KEXEC_FILE_UNLOAD,
  KEXEC_ON_CRASH,
  KEXEC_PRESERVE_CONTEXT,
  type KexecSegment,
  kexecFileLoad,
  kexecFileUnload,
  kexecLoad,
  loadsEnded,
} from "../linux/kexec.ts";
import { jump } from "../linux/reboot.ts";
import { cmdlineRoom, explainJump, explainLoad, type KexecAttempt } from "./explain.ts";
import { checkSegments, type Segment, segmentSize } from "./memory.ts";
import { readKexecState } from "./state.ts";

/** Flags of either call, and the architectures of kexec_load's. */
export {
  KEXEC_ARCH,
  KEXEC_FILE_NO_INITRAMFS,
  KEXEC_FILE_ON_CRASH,
  KEXEC_FILE_UNLOAD,
  KEXEC_ON_CRASH,
  KEXEC_PRESERVE_CONTEXT,
};

interface LoadTimes {
  /** Milliseconds for each piece of a file and each call; no end unless given. */
  readonly timeoutMs?: number;
}

interface PrepareOptions extends LoadTimes {
  /** Called after each piece that was read. */
  readonly onRead?: (part: FilePart, bytes: number) => void;
  /** False once nobody wants it any more: the rest is then not read. */
  readonly isWanted?: () => boolean;
}

/**
 * Loads a kernel that the running kernel itself lays out (kexec_file_load(2)).
 * @param kernel open for reading; read from its beginning. `cmdlineLimit` is what its own header allows
 *   (`Image.cmdlineLimit`), for the message about a command line that is too long
 * @param initrd null for none (KEXEC_FILE_NO_INITRAMFS)
 * @param flags KEXEC_FILE_ON_CRASH
 * @throws KexecError with what the refusal means here
 */
export async function fileLoad(
  kernel: { readonly fd: number; readonly size: number; readonly cmdlineLimit?: number | null },
  initrd: { readonly fd: number; readonly size: number } | null,
  cmdline: string,
  flags = 0,
  times: LoadTimes = {},
): Promise<void> {
  const all = initrd === null ? flags | KEXEC_FILE_NO_INITRAMFS : flags;
  const attempt: KexecAttempt = {
    kernelSize: kernel.size,
    initrdSize: initrd?.size ?? 0,
    cmdlineSize: Buffer.byteLength(cmdline) + 1,
    cmdlineLimit: cmdlineRoom(kernel.cmdlineLimit),
    isCrash: (flags & KEXEC_FILE_ON_CRASH) !== 0,
    flags: all,
  };
  await explained(attempt, () => kexecFileLoad(kernel.fd, initrd?.fd ?? null, cmdline, all, times));
}

/**
 * Loads segments that were laid out by {@link Memory} (kexec_load(2)). Overlaps and the entry are checked first, for
 * the kernel doesn't; that segments lie in RAM is Memory's own check.
 * @param entry physical address of the first instruction, within a segment
 * @param segments as `Memory.alignAndMerge` gives them; files in them must be open
 * @param flags KEXEC_ON_CRASH, KEXEC_PRESERVE_CONTEXT, KEXEC_ARCH
 * @throws KexecError with what the refusal means here; BatonError `refused` for what would stop the machine
 */
export async function load(
  entry: bigint,
  segments: readonly Segment[],
  flags = 0,
  times: LoadTimes = {},
): Promise<void> {
  if (segments.length === 0) throw new BatonError("usage", "kexec_load without segments would unload: see unload()");
  checkSegments(entry, segments);
  const prepared = await prepareSegments(segments, times);
  try {
    await loadPrepared(entry, prepared, flags, times);
    prepared.release();
  } catch (error) {
    // A call that was given up may still be reading from the mappings.
    if (!(error instanceof BatonError && error.code === "timeout")) prepared.release();
    throw error;
  }
}

/** Segments whose content is where the kernel can take it at once. */
interface PreparedSegments {
  readonly segments: readonly Segment[];
  readonly table: readonly KexecSegment[];
  /** Unmaps the files. */
  release(): void;
}

/**
 * Maps the files of segments, which reads them from their disks. The files may be closed afterwards.
 * @throws LinuxError; BatonError `timeout`, `io`
 */
export async function prepareSegments(
  segments: readonly Segment[],
  options: PrepareOptions = {},
): Promise<PreparedSegments> {
  const mappings: FileMapping[] = [];
  const release = (): void => {
    for (const mapping of mappings.splice(0)) mapping.unmap();
  };
  try {
    const table: KexecSegment[] = [];
    for (const segment of segments) {
      const { range, parts } = segment;
      const place = { address: range.start, memorySize: range.size };
      const content = parts.length === 1 ? parts[0]! : joinParts(segment);
      if (content instanceof Uint8Array) {
        table.push({ buffer: content, bufferSize: content.length, ...place });
      } else if (content.size === 0) {
        table.push({ buffer: new Uint8Array(0), bufferSize: 0, ...place });
      } else {
        const { fd, offset, size, name } = content;
        const mapping = await mapFile(fd, offset, size, name, {
          timeoutMs: options.timeoutMs ?? null,
          onRead: (bytes) => options.onRead?.(content, bytes),
          ...(options.isWanted ? { isWanted: options.isWanted } : {}),
        }).catch((cause) => {
          const reason = cause instanceof LinuxError ? UNREADABLE[cause.errnoName] : undefined;
          if (reason === undefined) throw cause;
          throw new BatonError("io", `${name} can't be read to its end: ${reason}.`, { cause });
        });
        mappings.push(mapping);
        table.push({ buffer: mapping.address, bufferSize: size, ...place });
      }
    }
    return { segments, table, release };
  } catch (error) {
    release();
    throw error;
  }
}

/** What the kernel's answers mean where a file is read. */
const UNREADABLE: Readonly<Record<string, string>> = {
  EIO: "its disk reports a read error (EIO)",
  EFAULT: "the disk fails, or the file is cut short",
};

/** The last step of {@link load}, for segments that were prepared earlier. */
export async function loadPrepared(
  entry: bigint,
  prepared: PreparedSegments,
  flags = 0,
  times: LoadTimes = {},
): Promise<void> {
  const attempt: KexecAttempt = {
    kernelSize: prepared.segments.reduce((sum, { range }) => sum + Number(range.size), 0),
    initrdSize: 0,
    cmdlineSize: 0,
    cmdlineLimit: 0,
    isCrash: (flags & KEXEC_ON_CRASH) !== 0,
    entry,
    segments: prepared.segments,
    flags,
  };
  await explained(attempt, () => kexecLoad(entry, prepared.table, flags, times));
}

/** Forgets the kernel that was loaded to be jumped into, by whichever call; no failure where none is. */
export async function unload(): Promise<void> {
  await forget(0);
}

/** Forgets the kernel that was loaded for a panic; no failure where none is. */
export async function unloadCrash(): Promise<void> {
  await forget(KEXEC_ON_CRASH);
}

/**
 * Jumps into the kernel that was loaded. Nothing is synced or unmounted before (handover.ts does). Returns only where that
 * kernel was loaded with KEXEC_PRESERVE_CONTEXT, and has jumped back.
 * @throws KexecError with what the refusal means here
 */
export async function reboot(): Promise<void> {
  try {
    jump();
  } catch (error) {
    throw error instanceof LinuxError ? explainJump(error, await readKexecState()) : error;
  }
}

/** Resolves when no load of this process is going on: the kernel refuses to jump before (EBUSY). */
export { loadsEnded };

/** Either call undoes what either has loaded; the older one is forbidden under lockdown, the newer not everywhere. */
async function forget(flags: 0 | typeof KEXEC_ON_CRASH): Promise<void> {
  const attempt = { kernelSize: 0, initrdSize: 0, cmdlineSize: 0, cmdlineLimit: 0, flags };
  try {
    await kexecFileUnload(flags === 0 ? 0 : KEXEC_FILE_ON_CRASH);
  } catch (error) {
    if (!(error instanceof LinuxError) || error.errnoName !== "ENOSYS") {
      throw error instanceof LinuxError ? explainLoad(error, await readKexecState(), attempt) : error;
    }
    await explained(attempt, () => kexecLoad(0n, [], flags));
  }
}

async function explained(attempt: KexecAttempt, call: () => Promise<void>): Promise<void> {
  try {
    await call();
  } catch (error) {
    throw error instanceof LinuxError ? explainLoad(error, await readKexecState(), attempt) : error;
  }
}

/** Parts that share a page, as one. */
function joinParts(segment: Segment): Uint8Array {
  const joined = new Uint8Array(segmentSize(segment));
  let at = 0;
  for (const part of segment.parts) {
    at += copyContent(part, joined, at);
  }
  return joined;
}

function copyContent(part: Content, target: Uint8Array, at: number): number {
  if (part instanceof Uint8Array) {
    target.set(part, at);
    return part.length;
  }
  for (let done = 0; done < part.size; ) {
    const count = readSync(part.fd, target, at + done, part.size - done, part.offset + done);
    if (count === 0) throw new BatonError("io", `${part.name} ends after ${done} of ${part.size} bytes.`);
    done += count;
  }
  return part.size;
}
