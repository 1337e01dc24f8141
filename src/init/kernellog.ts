/** Baton's own lines in the kernel log, and the level at which the kernel speaks on consoles. */

import { openSync, readFileSync, writeFileSync, writeSync } from "node:fs";
import { printable } from "../text.ts";

/** The kernel cuts a record at about 1,000 bytes. */
const MAX_RECORD = 900;

/** KERN_ERR: shown on consoles even with `quiet`. */
const MILESTONE = 3;

/** Of pstore, where the platform keeps user messages over a restart (CONFIG_PSTORE_PMSG); the kernel's own log it keeps itself. */
const PMSG = "/dev/pmsg0";

/** Opened for writing; null where there is no such file or it isn't allowed. */
function openToWrite(path: string): number | null {
  try {
    return openSync(path, "w");
  } catch {
    return null;
  }
}

export class KernelLog {
  readonly #fd: number | null;
  readonly #pmsg: number | null;
  #isReadySaid = false;

  constructor(kmsg = "/dev/kmsg", pmsg = PMSG) {
    try {
      // Else the kernel drops all but ten lines in five seconds.
      writeFileSync("/proc/sys/kernel/printk_devkmsg", "on\n");
    } catch {
      // An older kernel, or `printk.devkmsg=` on the command line has settled it.
    }
    this.#fd = openToWrite(kmsg);
    this.#pmsg = openToWrite(pmsg);
  }

  /** @param level as the kernel's: 3 reaches the consoles, 6 and 7 stay in the log */
  write(level: number, text: string): void {
    // dmesg shows U+FFFD as three escaped bytes.
    const whole = printable(text).replaceAll("\ufffd", " ");
    const line = whole.length > MAX_RECORD ? `${whole.slice(0, MAX_RECORD)}…` : whole;
    for (const [fd, record] of [
      [this.#fd, `<${level}>${line}\n`],
      [this.#pmsg, `${line}\n`],
    ] as const) {
      try {
        if (fd !== null) writeSync(fd, record);
      } catch {
        // The log is full of somebody else's lines; nothing that matters depends on this one.
      }
    }
  }

  /** One of the lines of docs/interfaces.md. */
  milestone(text: string): void {
    this.write(MILESTONE, text);
  }

  /** The milestone that says how long everything has taken, once: `baton: menu ready, 4 entries, 3.20 s since boot`. */
  ready(what: "menu ready" | "entries ready", entries: number): void {
    if (this.#isReadySaid) return;
    this.#isReadySaid = true;
    this.milestone(`baton: ${what}, ${entries} entries, ${uptime().toFixed(2)} s since boot`);
  }
}

/** Seconds since the kernel started, by its own clock. */
function uptime(): number {
  return Number.parseFloat(readFileSync("/proc/uptime", "latin1"));
}
