/** Commands that check something before the script goes on: who asks to boot, and what is signed. None passes unchecked. */

import type { Environment } from "../environment.ts";
import { FILE_NOT_FOUND, OK, TEST_FAILURE } from "../errors.ts";
import type { Call, CommandFunction, Interpreter } from "../interpreter.ts";

/** The check counts as failed, and what hangs on it doesn't boot by itself. */
function cannotCheck(run: Interpreter, call: Call, what: string): void {
  run.warnOnce(call, `'${call.name}' counts as failed: ${what}`);
  const unchecked = `its configuration asks for a check (${call.name}) that Baton can't make: ${what}`;
  if (run.conditions > 0) run.unchecked = unchecked;
  run.plan.unchecked = unchecked;
}

/** `authenticate [USERS]` (grub-core/normal/auth.c): true where there are no superusers, else a password is asked for. */
const authenticate: CommandFunction = (run, _args, call) => {
  if (run.env.get("superusers") === undefined) return OK;
  cannotCheck(run, call, "nobody gives a password while a configuration is read");
  return TEST_FAILURE;
};

/** `verify_detached FILE SIGNATURE [KEY]` (grub-core/commands/pgp.c). */
const verifyDetached: CommandFunction = (run, _args, call) => {
  cannotCheck(run, call, "Baton doesn't check PGP signatures");
  return FILE_NOT_FOUND;
};

/** With `check_signatures=enforce` GRUB opens no file without a good signature beside it. */
export function signatureCheck(env: Environment): string | null {
  if (env.get("check_signatures") !== "enforce") return null;
  return "its configuration wants every file's signature checked (check_signatures=enforce), which Baton doesn't";
}

export const checkCommands: readonly (readonly [string, CommandFunction])[] = [
  ["authenticate", authenticate],
  ["verify_detached", verifyDetached],
];
