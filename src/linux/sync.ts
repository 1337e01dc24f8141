/** sync(2) with a deadline. */

import { BatonError } from "../errors.ts";
import { callBlocking } from "./libc.ts";

/**
 * Writes what is cached to every disk.
 * @param options.timeoutMs how long to wait for it: one dead disk makes sync(2) wait for ever
 * @returns true when everything is written, false when the time was over first
 */
export async function sync(options: { readonly timeoutMs: number }): Promise<boolean> {
  try {
    await callBlocking("sync", [], { call: "sync", args: [] }, { ...options, timeoutReason: "a disk does not answer" });
    return true;
  } catch (error) {
    if (error instanceof BatonError && error.code === "timeout") return false;
    throw error;
  }
}
