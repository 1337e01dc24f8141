/** Keeps kernel messages from being drawn over the menu. */

import { readFileSync, writeFileSync } from "node:fs";

/** The console log level while the menu is drawn: emergencies alone are printed. */
const QUIET = "1";

export interface KernelConsole {
  /** Lets the kernel print again, as it did before. */
  restore(): void;
  /** Silent again, after {@link restore}. */
  quiet(): void;
  /** Runs `work` with the level as it was before, and is quiet again after it. */
  aloud<T>(work: () => T): T;
}

/**
 * Sets the console log level to 1. Where that isn't allowed (not root, no /proc) nothing happens.
 * @param path /proc/sys/kernel/printk, whose first number is the level (proc(5))
 */
export function quietKernel(path = "/proc/sys/kernel/printk"): KernelConsole {
  const set = (level: string): void => {
    try {
      writeFileSync(path, level);
    } catch {
      // The menu is then drawn over at worst; Ctrl-L repairs it.
    }
  };
  let before: string | null = null;
  try {
    before = readFileSync(path, "utf8").trim().split(/\s+/)[0] ?? null;
  } catch {
    // As above.
  }
  if (before === null) return { restore: () => {}, quiet: () => {}, aloud: (work) => work() };
  const level = before;
  set(QUIET);
  return {
    restore: () => set(level),
    quiet: () => set(QUIET),
    aloud: (work) => {
      set(level);
      try {
        return work();
      } finally {
        set(QUIET);
      }
    },
  };
}
