/**
 * The last steps before another kernel: load, close, sync, unmount, jump. kexec itself neither syncs nor unmounts,
 * so what isn't done here isn't done at all; but nothing of it may keep a machine from starting.
 */

import { BatonError, describeError } from "../errors.ts";
import { withDeadline } from "../linux/deadline.ts";
import { LinuxError } from "../linux/error.ts";
import { unmount } from "../linux/mount.ts";
import { reboot } from "../linux/reboot.ts";
import { sync } from "../linux/sync.ts";
import { log } from "../log.ts";
import { explainJump } from "./explain.ts";
import type { LoadResult } from "./loadfiles.ts";
import { type KexecState, readKexecState } from "./state.ts";

/** What the hand-over does to the machine, so that tests can stand in for it. */
export interface HandoverSystem {
  sync(options: { timeoutMs: number }): Promise<boolean>;
  unmount(target: string, options: { lazy: boolean; timeoutMs: number }): Promise<void>;
  /** Doesn't return; throws where the kernel refuses. */
  jump(): void;
  readState(): Promise<KexecState>;
}

const SYSTEM: HandoverSystem = {
  sync,
  unmount,
  jump: () => reboot("kexec"),
  readState: () => readKexecState(),
};

export interface Handover {
  /** Loads the kernel (load.ts). What it throws ends the hand-over with nothing changed. */
  readonly load: () => Promise<LoadResult>;
  /** Closes every file below the mount points, after the load and also after a failed one. */
  readonly closeFiles: () => Promise<void>;
  /** Mount points, in the order in which they were mounted. Asked after the files are closed. */
  readonly mountPoints: () => readonly string[];
  /** Told before each step; `jump` is the last moment at which anything can be said or shown. */
  readonly onStage?: (stage: HandoverStage, result?: LoadResult) => Promise<void> | void;
  /** After a jump that failed: brings back what was unmounted, or lets it be mounted again when it is next used. */
  readonly restore: () => Promise<void> | void;
  /** Milliseconds. */
  readonly closeTimeoutMs?: number;
  /** Milliseconds. */
  readonly syncTimeoutMs?: number;
  /** Milliseconds for all mount points together; what is still mounted then is detached. */
  readonly unmountTimeoutMs?: number;
  readonly system?: HandoverSystem;
}

export type HandoverStage = "load" | "loaded" | "sync" | "unmount" | "jump";

/** Closing waits for reads that are under way, and one of them may wait for a dead disk. */
const DEFAULT_CLOSE_TIMEOUT_MS = 3000;
/** For whoever is told of a step; a terminal whose other end has stopped it may never take its last words. */
const STAGE_TIMEOUT_MS = 15_000;
const DEFAULT_SYNC_TIMEOUT_MS = 5000;
const DEFAULT_UNMOUNT_TIMEOUT_MS = 5000;
/** For detaching one mount point, which doesn't wait for its disk unless that is dead. */
const DETACH_TIMEOUT_MS = 1000;

/**
 * Hands the machine over; returns only by an error, after which Baton can go on.
 *
 * A step that fails or hangs is logged and passed over, except for the load and the jump: a disk that can't be synced
 * is no reason to leave a machine standing.
 * @throws BatonError (KexecError where the kernel refused)
 */
export async function handOver(handover: Handover): Promise<never> {
  const { system = SYSTEM } = handover;
  const stage = (name: HandoverStage, loaded?: LoadResult): Promise<void> =>
    passOver(`announcing ${name}`, () => handover.onStage?.(name, loaded), STAGE_TIMEOUT_MS);
  await stage("load");
  let result: LoadResult;
  try {
    result = await handover.load();
  } finally {
    await passOver("closing files", handover.closeFiles, handover.closeTimeoutMs ?? DEFAULT_CLOSE_TIMEOUT_MS);
  }
  await stage("loaded", result);

  await stage("sync");
  await passOver("sync", async () => {
    const timeoutMs = handover.syncTimeoutMs ?? DEFAULT_SYNC_TIMEOUT_MS;
    if (!(await system.sync({ timeoutMs })))
      log.warn(`sync did not finish within ${timeoutMs} ms: going on without it`);
  });

  await stage("unmount");
  await unmountAll(handover.mountPoints(), handover.unmountTimeoutMs ?? DEFAULT_UNMOUNT_TIMEOUT_MS, system);

  await stage("jump");
  try {
    system.jump();
    throw new BatonError("refused", "The jump into the new kernel came back without an error, but did not happen.");
  } catch (error) {
    await passOver("mounting again", handover.restore, STAGE_TIMEOUT_MS);
    throw error instanceof LinuxError ? explainJump(error, await system.readState()) : error;
  }
}

/** Unmounts the last mounted first, since one may lie within another (an ISO on a disk). */
async function unmountAll(targets: readonly string[], timeoutMs: number, system: HandoverSystem): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  for (const target of targets.toReversed()) {
    const left = Math.ceil(deadline - performance.now());
    if (left > 0) {
      try {
        await system.unmount(target, { lazy: false, timeoutMs: left });
        continue;
      } catch (error) {
        if (isNotMounted(error)) continue;
        log.warn(`${describeError(error)}: detaching it`);
      }
    }
    await passOver(`detaching ${target}`, async () => {
      try {
        await system.unmount(target, { lazy: true, timeoutMs: DETACH_TIMEOUT_MS });
      } catch (error) {
        if (!isNotMounted(error)) throw error;
      }
    });
  }
}

/** Somebody else has unmounted it, or the unmount that had been given up succeeded after all. */
function isNotMounted(error: unknown): boolean {
  return error instanceof LinuxError && (error.errnoName === "EINVAL" || error.errnoName === "ENOENT");
}

/** Does a step that must not stop the others: what it throws, or that it hangs, is logged. */
async function passOver(
  what: string,
  step: () => Promise<void> | void,
  timeoutMs: number | null = null,
): Promise<void> {
  try {
    const done = Promise.resolve(step());
    await (timeoutMs === null ? done : withDeadline(done, timeoutMs, what));
  } catch (error) {
    log.warn(`${what} failed: ${describeError(error)}`);
  }
}
