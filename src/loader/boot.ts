/** Boots an entry: loads it, and hands the machine over. */

import type { BootEntry } from "../entry.ts";
import { jumpToLoaded, leaveDisks } from "../kexec/handover.ts";
import type { LoadResult } from "../kexec/loadfiles.ts";
import type { Progress } from "../status.ts";
import type { TrustPolicy } from "../trust/policy.ts";
import { loadEntry } from "./load.ts";
import type { LoadCall } from "./methods.ts";
import type { FileSource } from "./openfiles.ts";

/** Where files are, and what else reads from the disks while an entry is booted: the search in ISO files. */
interface BootSource extends FileSource {
  /** `idle` settles once that search has stopped, until `release`. */
  holdIsoFiles(): { readonly idle: Promise<void>; release(): void };
}

export interface BootHooks {
  onProgress(progress: Progress): void;
  onLoaded(method: string, seconds: number): void;
  /** The last moment at which anything can be shown: closes the menu. */
  beforeJump(): Promise<void>;
  /** Lets go of every filesystem; what is read later is mounted again. */
  unmount(): Promise<void>;
  /** What was loaded ahead of just this entry with these options (session/loadahead.ts), else null. */
  staged?(): Promise<LoadResult | null>;
  /** The system call that the owner of the machine wants; what suits unless given. */
  readonly call?: LoadCall;
}

/**
 * Loads the entry and jumps. Comes back only by an error.
 * @param policy  the owner's, of what may boot
 * @param options the kernel command line, perhaps edited
 * @throws BatonError with what was tried, on what, and why it failed
 */
export async function bootEntry(
  source: BootSource,
  policy: TrustPolicy,
  entry: BootEntry,
  options: string,
  hooks: BootHooks,
): Promise<never> {
  const { call = "auto", onProgress } = hooks;
  const isoFiles = source.holdIsoFiles();
  try {
    const { method, seconds } =
      (await hooks.staged?.()) ?? (await loadEntry(source, policy, entry, options, onProgress, { call }));
    hooks.onLoaded(method, seconds);
    await leaveDisks({ idle: isoFiles.idle, unmount: () => hooks.unmount() });
    return await jumpToLoaded(() => hooks.beforeJump());
  } finally {
    isoFiles.release();
  }
}
