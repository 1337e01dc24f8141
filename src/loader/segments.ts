/** What every kind of Linux kernel gets beside itself, laid out for kexec_load: initrds, and a crash kernel's core header. */

import { initrdParts } from "../images/bzimageload.ts";
import type { Content, SegmentMemory } from "../images/segment.ts";
import type { CrashLayout } from "../kexec/crash.ts";
import { filePart, firstBytes, type KexecFile, type ReadOptions, readWhole } from "../kexec/files.ts";

/** What a crash kernel is told besides; puts its core header into memory. */
export async function crashLayout(cmdline: string, memory: SegmentMemory): Promise<CrashLayout> {
  const { layOutCrash, readCrashFacts } = await import("../kexec/crash.ts");
  return layOutCrash(await readCrashFacts(), cmdline, memory);
}

/** Initrds for a loader: mapped where they may stand as they are. */
export async function initrdContents(files: readonly KexecFile[], reading: ReadOptions): Promise<Content[]> {
  const parts = await Promise.all(
    files.map(async (file) => ({ content: filePart(file), start: await firstBytes(file, reading) })),
  );
  return initrdParts(parts, async (content) => (content instanceof Uint8Array ? content : readWhole(content, reading)));
}
