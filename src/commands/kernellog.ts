/** Baton's own lines in the kernel log, and the level at which the kernel speaks on consoles. */

import { openSync, readFileSync, writeFileSync, writeSync } from "node:fs";

/** The kernel cuts a record at about 1,000 bytes. */
const LONGEST = 900;

/** KERN_ERR: shown on consoles even with `quiet`. */
const MILESTONE = 3;

export class KernelLog {
  #fd: number | null = null;

  constructor() {
    try {
      // Else the kernel drops all but ten lines in five seconds.
      writeFileSync("/proc/sys/kernel/printk_devkmsg", "on\n");
    } catch {
      // An older kernel, or `printk.devkmsg=` on the command line has settled it.
    }
    try {
      this.#fd = openSync("/dev/kmsg", "w");
    } catch {
      // A host without root: no kernel log.
    }
  }

  /** @param level as the kernel's: 3 reaches the consoles, 6 and 7 stay in the log */
  write(level: number, text: string): void {
    if (this.#fd === null) return;
    const line = text.replace(/[\u0000-\u001f\u007f-\u009f]+/g, " ");
    try {
      writeSync(this.#fd, `<${level}>${line.length > LONGEST ? `${line.slice(0, LONGEST)}…` : line}\n`);
    } catch {
      // The log is full of somebody else's lines; nothing that matters depends on this one.
    }
  }

  /** One of the lines of interfaces.md. */
  milestone(text: string): void {
    this.write(MILESTONE, text);
  }
}

/** Seconds since the kernel started, by its own clock. */
export function uptime(): number {
  return Number.parseFloat(readFileSync("/proc/uptime", "latin1"));
}
