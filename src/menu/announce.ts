/** A plain line on every console before there is a menu: so that nobody looks at an empty screen. */

import { closeSync, constants, openSync, writeSync } from "node:fs";
import { printable } from "../text.ts";
import { toAscii } from "./ascii.ts";
import type { ConsoleSpec } from "./consoles.ts";

/** Writes a line without waiting: what a console can't take now, it doesn't get. Never throws. */
export function announce(consoles: readonly ConsoleSpec[], text: string): void {
  const line = `${toAscii(printable(text))}\r\n`;
  for (const spec of consoles) {
    try {
      const fd = openSync(spec.path, constants.O_WRONLY | constants.O_NOCTTY | constants.O_NONBLOCK);
      try {
        writeSync(fd, line);
      } finally {
        closeSync(fd);
      }
    } catch {
      // A console that isn't there is reported when the menu opens it.
    }
  }
}
