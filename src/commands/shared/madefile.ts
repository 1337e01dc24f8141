/** The files that `npm run image` makes, for the commands that put them somewhere. */

import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { BatonError } from "../../errors.ts";

/**
 * @param name of the file: `baton.img`
 * @param given by the caller, which wins
 * @param advice what to do where there is none
 * @throws BatonError `not-found`
 */
export function madeFile(name: string, given: string | undefined, advice: string): string {
  const places =
    given !== undefined ? [given] : [".", "dist", dirname(process.argv[1] ?? ".")].map((at) => join(at, name));
  const found = places.find((path) => existsSync(path));
  if (found === undefined) throw new BatonError("not-found", `${places.join(", ")}: not found; ${advice}`);
  return found;
}
