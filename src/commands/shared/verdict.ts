/** What the owner's policy says of an entry as it is now (`verdict` in docs/interfaces.md). */

import { machine } from "node:os";
import type { BootEntry } from "../../entry.ts";
import { describeError } from "../../errors.ts";
import { verdictOf } from "../../loader/admit.ts";
import { closeFiles, type FileSource, openFiles } from "../../loader/openfiles.ts";
import { filesOf, listFiles } from "../../loader/refs.ts";
import type { Verdict } from "../../trust/gate.ts";
import type { TrustPolicy } from "../../trust/policy.ts";

export type Judged = Omit<Verdict, "state"> & { readonly state: Verdict["state"] | "off" };

/**
 * Reads and hashes all of the entry's files where there is a policy. Never rejects.
 * @param arch of the machine that would boot it, as `uname -m`
 */
export async function judged(
  policy: TrustPolicy,
  source: FileSource,
  entry: BootEntry,
  arch = machine(),
): Promise<Judged> {
  if (policy.mode === "off") return { state: "off", by: null, reason: null };
  if (!entry.bootable) return { state: "unsigned", by: null, reason: entry.reason };
  try {
    const files = await openFiles(source, filesOf(entry, arch));
    try {
      return await verdictOf(policy, source, entry, files);
    } finally {
      await closeFiles(listFiles(files));
    }
  } catch (error) {
    return { state: "bad", by: null, reason: describeError(error) };
  }
}
