/** How commands speak: results on stdout, one clear line on stderr when they fail. */

import { printable, printableJson } from "../../text.ts";

/** `baton: …` on stderr. */
export function complain(message: string): void {
  process.stderr.write(`baton: ${printable(message)}\n`);
}

/** Nothing in a text is altered; what people must not see as it is stands as \u escapes. Indented for people; for programs as short as it gets, which takes a third of the time. */
export function printJson(value: unknown): void {
  process.stdout.write(`${printableJson(JSON.stringify(value, null, process.stdout.isTTY ? 2 : undefined))}\n`);
}
