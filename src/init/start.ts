/** The first steps of the program in the initramfs: before them nothing can be said, drawn or mounted. */

import { readFileSync } from "node:fs";
import { describeError } from "../errors.ts";
import { exitNow } from "../linux/exit.ts";
import { loadKoffi } from "../linux/libc.ts";
import { addLogSink, log } from "../log.ts";
import { type BootWords, parseBootWords } from "../policy/words.ts";
import { printable } from "../text.ts";
import { startHeartbeat } from "./heartbeat.ts";
import { KernelLog } from "./kernellog.ts";

/** Says that Baton is there, and what ends it; ends it where system calls are not to be had. */
export function startProgram(): KernelLog {
  const kernelLog = new KernelLog();
  kernelLog.milestone("baton: start");
  startHeartbeat();
  process.on("uncaughtException", (error) => {
    kernelLog.milestone(`baton: stopped by an error of its own: ${error.stack ?? describeError(error)}`);
    exitNow(1);
  });
  try {
    loadKoffi();
  } catch (error) {
    // Nothing can be mounted, drawn or booted without system calls: PID 1's rescue menu is what is left, and it shows
    // what stands on stderr.
    kernelLog.milestone(`baton: stopped: ${describeError(error)}`);
    process.stderr.write(`${printable(describeError(error))}\n`);
    exitNow(1);
  }
  return kernelLog;
}

/** Reads Baton's words on the kernel command line; from now on its own log goes to the kernel's. */
export function readBootWords(kernelLog: KernelLog): BootWords {
  const words = parseBootWords(readFileSync("/proc/cmdline", "utf8"));
  addLogSink((line) => {
    if (words.settings.debug || line.level < 7) kernelLog.write(Math.max(line.level, 4), `baton: ${line.text}`);
  });
  for (const problem of words.problems) log.warn(`kernel command line: ${problem}`);
  return words;
}
