/** The passwords of GRUB's users (grub-core/commands/password.c, password_pbkdf2.c; grub-core/normal/auth.c). */

import type { UserPassword } from "../../../entry.ts";
import { BAD_ARGUMENT, OK } from "../errors.ts";
import type { Call, CommandFunction, Interpreter } from "../interpreter.ts";

/** GRUB's manual has a handful; a configuration must not fill the memory with them. */
const MAX_USERS = 64;
/** GRUB reads no longer password (GRUB_AUTH_MAX_PASSLEN). */
const MAX_PASSWORD_LENGTH = 1024;
/** Rounds of HMAC for each 64 bytes of the hash: some seconds on a PC. grub-mkpasswd-pbkdf2 makes 10,000. */
const MAX_ROUNDS = 2_000_000;
/** A hash of fewer bytes is guessed, not known. */
const MIN_HASH_BYTES = 16;
const MAX_HASH_BYTES = 1024;
const BLOCK_BYTES = 64;

const PBKDF2 = /^grub\.pbkdf2\.sha512\.([1-9]\d{0,9})\.((?:[\da-f]{2})+)\.((?:[\da-f]{2})+)$/i;

/** @param text as grub-mkpasswd-pbkdf2 prints it: `grub.pbkdf2.sha512.ITERATIONS.SALT.HASH` */
function readPbkdf2(text: string): UserPassword {
  const [, rounds, salt = "", hash = ""] = (text.length > 4 * MAX_HASH_BYTES ? null : PBKDF2.exec(text)) ?? [];
  if (rounds === undefined) return { problem: "it is not of the form grub.pbkdf2.sha512.ITERATIONS.SALT.HASH" };
  const iterations = Number(rounds);
  const bytes = hash.length / 2;
  if (bytes < MIN_HASH_BYTES || bytes > MAX_HASH_BYTES)
    return { problem: `its hash has ${bytes} bytes, where ${MIN_HASH_BYTES} to ${MAX_HASH_BYTES} are taken` };
  if (iterations * Math.ceil(bytes / BLOCK_BYTES) > MAX_ROUNDS)
    return { problem: `it asks for ${iterations} iterations, and Baton computes ${MAX_ROUNDS} at most` };
  return { iterations, salt, hash };
}

/** The last password of a user counts; one that can't be read leaves an earlier one as it was, as in GRUB. */
function keep(run: Interpreter, call: Call, user: string, password: UserPassword): number {
  if ("problem" in password) {
    run.warn(call, `${call.name}: nobody gets in as ${user} by this password: ${password.problem}`);
    if (!run.passwords.has(user) && run.passwords.size < MAX_USERS) run.passwords.set(user, password);
    return BAD_ARGUMENT;
  }
  if (!run.passwords.has(user) && run.passwords.size >= MAX_USERS) {
    run.warnOnce(call, `${call.name}: more than ${MAX_USERS} users; the others can't get in`);
    return BAD_ARGUMENT;
  }
  run.passwords.set(user, password);
  return OK;
}

/** `password USER CLEAR` */
const password: CommandFunction = (run, [user = "", plain = "", ...rest], call) => {
  if (user === "" || rest.length > 0) return BAD_ARGUMENT;
  if (plain === "") return keep(run, call, user, { problem: "it is empty" });
  if (plain.length > MAX_PASSWORD_LENGTH) return keep(run, call, user, { problem: "it is too long" });
  return keep(run, call, user, { plain });
};

/** `password_pbkdf2 USER HASH` */
const passwordPbkdf2: CommandFunction = (run, [user = "", hash = "", ...rest], call) =>
  user === "" || rest.length > 0 ? BAD_ARGUMENT : keep(run, call, user, readPbkdf2(hash));

export const passwordCommands: readonly (readonly [string, CommandFunction])[] = [
  ["password", password],
  ["password_pbkdf2", passwordPbkdf2],
];
