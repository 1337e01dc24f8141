/**
 * The last steps before another kernel, once it is loaded: sync, unmount, jump. kexec itself neither syncs nor unmounts, so
 * what isn't done here isn't done at all; but nothing of it may keep a machine from starting.
 */

import { BatonError, describeError } from "../errors.ts";
import { endsWithin, withDeadline } from "../linux/deadline.ts";
import { sync } from "../linux/sync.ts";
import { log } from "../log.ts";
import { reboot } from "./load.ts";

const SYNC_MS = 5000;
/** How long the reading of an ISO file may keep the hand-over. */
const IDLE_MS = 1000;
/** How long unmounting may take in all: nothing was written, so a disk that doesn't answer loses nothing. */
const UNMOUNT_MS = 5000;
/** For the last words: a terminal whose other end has stopped it may never take them. */
const LAST_WORDS_MS = 15_000;

/** Whatever has filesystems mounted. */
interface MountedDisks {
  /** Settles when nothing reads from them any more, so that unmounting is final. */
  readonly idle: Promise<void>;
  /** Lets go of every filesystem; what is read later is mounted again. */
  unmount(): Promise<void>;
}

/** Syncs and unmounts. A disk for which that fails or hangs is no reason to leave a machine standing: it is logged. */
export async function leaveDisks({ idle, unmount }: MountedDisks, syncDisks = sync): Promise<void> {
  await passOver("sync", async () => {
    if (await syncDisks({ timeoutMs: SYNC_MS })) return;
    log.warn(`sync did not finish within ${SYNC_MS} ms: going on without it`);
  });
  await passOver("unmounting", async () => {
    await endsWithin(idle, IDLE_MS);
    await endsWithin(unmount(), UNMOUNT_MS);
  });
}

/**
 * Jumps into the kernel that is loaded; comes back only by an error, after which Baton can go on.
 * @param lastWords the last moment at which anything can be said or shown
 * @throws BatonError (KexecError where the kernel refused)
 */
export async function jumpToLoaded(lastWords: () => Promise<void>, jump = reboot): Promise<never> {
  await passOver("the last step before the jump", () => withDeadline(lastWords(), LAST_WORDS_MS, "the last step"));
  await jump();
  throw new BatonError("refused", "The jump into the new kernel came back without an error, but did not happen.");
}

/** Does a step that must not stop the others: what it throws is logged. */
async function passOver(what: string, step: () => Promise<void>): Promise<void> {
  try {
    await step();
  } catch (error) {
    log.warn(`${what} failed: ${describeError(error)}`);
  }
}
