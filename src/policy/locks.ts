/** What a bootloader's own users and passwords keep shut (GRUB's `superusers`), and for whom it opens. Pure. */

import { createHash, pbkdf2, timingSafeEqual } from "node:crypto";
import type { UserPassword } from "../entry.ts";
import type { Listed } from "./readconfig.ts";
import { isCryptOf, readCryptHash } from "./unixcrypt.ts";

/** A configuration with superusers, or with passwords for its entries alone. */
export interface Lock {
  /** The configuration: `vda2:/boot/grub/grub.cfg`. */
  readonly source: string;
  /** Null where it keeps nobody from editing. */
  readonly superusers: readonly string[] | null;
  /** By user. They stay in the session, which checks what is typed. */
  readonly passwords: ReadonlyMap<string, UserPassword>;
  /** Nobody is asked for a name. */
  readonly isNameless: boolean;
  /** It is the machine's own: its superusers alone edit any entry and open a shell. Another's guard its own entries. */
  readonly isMachines: boolean;
}

/**
 * @param own  the built-in disks' configurations, the one that the firmware would come to first
 * @param from the configuration whose default it is
 */
export function locksOf(listed: readonly Listed[], own: readonly Listed[], from: Listed | undefined): Lock[] {
  // A stick or a server that has become the default doesn't open what the machine's own configuration shuts.
  const machines = [own[0], from].find((item) => item?.config.superusers !== undefined);
  return listed.flatMap(({ config }) => {
    const { source, superusers = null, passwords = new Map(), isNameless = false } = config;
    if (superusers === null && passwords.size === 0) return [];
    return [{ source, superusers, passwords, isNameless, isMachines: config === machines?.config }];
  });
}

/** Why no password can be compared with that one; null where it can be. */
export function passwordProblem(known: UserPassword): string | null {
  if ("problem" in known) return known.problem;
  const read = "crypt" in known ? readCryptHash(known.crypt) : null;
  return typeof read === "string" ? read : null;
}

/** Whether that is the user's password. */
export async function isPasswordOf(known: UserPassword, typed: string): Promise<boolean> {
  if ("problem" in known) return false;
  if ("crypt" in known) return isCryptOf(known.crypt, typed);
  if ("plain" in known) return timingSafeEqual(digest(known.plain), digest(typed));
  const { iterations, salt, hash } = known;
  const expected = Buffer.from(hash, "hex");
  return new Promise((resolve) => {
    pbkdf2(typed, Buffer.from(salt, "hex"), iterations, expected.length, "sha512", (error, found) =>
      resolve(error === null && timingSafeEqual(found, expected)),
    );
  });
}

/** Of equal length, whatever was typed. */
const digest = (text: string): Buffer => createHash("sha256").update(text).digest();
