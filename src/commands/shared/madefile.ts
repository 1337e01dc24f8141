/** The files that `npm run image` makes, for the commands that put them somewhere. */

import { existsSync, realpathSync } from "node:fs";
import { dirname, join } from "node:path";
import { BatonError } from "../../errors.ts";

/**
 * Where it is said to be, else beside the program, as in dist/ of a checkout. Never the current folder: what somebody has left
 * there isn't for root to install.
 * @param name of the file: `baton.img`
 * @param given by the caller, which wins
 * @param advice what to do where there is none
 * @throws BatonError `not-found`
 */
export function madeFile(name: string, given: string | undefined, advice: string): string {
  const path = given ?? join(dirname(realpathSync(process.argv[1]!)), name);
  if (existsSync(path)) return path;
  throw new BatonError("not-found", `${path} isn't there; ${advice}`);
}
