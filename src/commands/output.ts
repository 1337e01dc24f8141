/** How commands speak: results on stdout, one clear line on stderr when they fail. */

import { printable } from "../text.ts";

/** `baton: …` on stderr. */
export function complain(message: string): void {
  process.stderr.write(`baton: ${printable(message)}\n`);
}

export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
}
