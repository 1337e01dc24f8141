/** An exit that can't hang. */

import { callNow } from "./libc.ts";

/**
 * Ends the process as process.exit does ("exit" listeners run), but by _exit(2): Node's own exit waits for every
 * thread of libuv's pool, and one of them may be waiting for a dead disk.
 */
export function exitNow(code: number): never {
  process.exitCode = code;
  try {
    // Terminals are put back in order by these listeners. stdout needs no flushing: Node writes to files, terminals
    // and pipes synchronously on Linux.
    process.emit("exit", code);
    callNow("exit", [code], { call: "_exit", args: [code] });
  } catch {
    // A listener that throws, or no koffi: leave in the ordinary way.
  }
  process.exit(code);
}
