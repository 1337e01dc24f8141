/** LUKS containers, opened read-only by cryptsetup with a passphrase that somebody typed. */

import { BatonError } from "../errors.ts";
import { setReadOnly } from "../linux/blkdev.ts";
import { runTool } from "./tools.ts";

/** Argon2 takes seconds by design, and many times that on a slow machine. */
const OPEN_MS = 180_000;
/** What cryptsetup(8) says of its exit codes. */
const WRONG_PASSPHRASE = 2;
const NO_MEMORY = 3;

/**
 * @param name of the mapping: `luks-1234…`
 * @param passphrase goes to cryptsetup's standard input, and nowhere else
 * @returns false where it is the wrong passphrase
 * @throws BatonError with what cryptsetup said
 */
export async function openContainer(node: string, name: string, passphrase: string): Promise<boolean> {
  await setReadOnly(node, true);
  const input = Buffer.from(passphrase, "utf8");
  // As a key file, so that it is taken as it is; no lock files, since nobody else is here.
  const args = ["open", "--readonly", "--type", "luks", "--key-file=-", "--disable-locks", "--tries=1", node, name];
  try {
    const { code, complaint } = await runTool("cryptsetup", args, { input, timeoutMs: OPEN_MS });
    if (code === 0) return true;
    if (code === WRONG_PASSPHRASE) return false;
    const reason = code === NO_MEMORY ? "there is not enough memory for its key derivation" : complaint;
    throw new BatonError("io", `cryptsetup cannot open it: ${reason || `exit ${code}`}`);
  } finally {
    input.fill(0);
  }
}
