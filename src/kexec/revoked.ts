/**
 * Programs that the firmware's owner has revoked (dbx; UEFI 2.10, 32.5). With Secure Boot firmware doesn't start them, but
 * a kernel looks for no digest in dbx before kexec, and for a certificate only where it was built so: Baton looks itself.
 */

import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { authenticodeDigest, signerCertificates } from "../binary/authenticode.ts";
import { derContent, derItems } from "../binary/der.ts";
import { parseSignatureLists } from "../binary/efisignatures.ts";
import type { ReadAt } from "../binary/readat.ts";
import { BatonError, describeError } from "../errors.ts";

const DBX = "/sys/firmware/efi/efivars/dbx-d719b2cb-3d3a-4596-a3bc-dad00e67656f";
const ALGORITHMS = ["sha256", "sha384", "sha512"] as const;

/**
 * The list, as firmware keeps it; null where it has none.
 * @throws BatonError `refused` where it can't be read: what it has to say isn't known then
 */
export async function readRevoked(path = DBX): Promise<Uint8Array | null> {
  try {
    const bytes = await readFile(path);
    // Four bytes of attributes come first.
    return bytes.length === 4 ? null : bytes.subarray(4);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    const why = `the firmware's list of what is revoked (dbx) can't be read: ${describeError(error)}`;
    throw new BatonError("refused", `Secure Boot is on, and ${why}`, { cause: error });
  }
}

/**
 * @param size of the kernel's file, in bytes
 * @param name for the message
 * @throws BatonError `refused` where it is revoked, `bad-format` where the list can't be read, or the kernel's signature
 */
export async function refuseRevoked(readAt: ReadAt, size: number, name: string, list: Uint8Array): Promise<void> {
  const { programs, certificates, certificateDigests } = parseSignatureLists(list);
  for (const algorithm of ALGORITHMS) {
    if (![...programs].some((one) => one.startsWith(algorithm))) continue;
    // What is no signed program the kernel refuses with better words.
    const digest = await authenticodeDigest(readAt, size, algorithm).catch((error) => {
      if (error instanceof BatonError && error.code === "bad-format") return null;
      throw error;
    });
    if (digest === null || !programs.has(`${algorithm}:${digest.toString("hex")}`)) continue;
    throw new BatonError(
      "refused",
      `${name} is revoked: this machine's firmware lists its digest in dbx. Boot a newer kernel.`,
    );
  }
  if (certificates.length + certificateDigests.size === 0) return;
  for (const certificate of await signerCertificates(readAt, size)) {
    const [signed = certificate] = derItems(derContent(certificate));
    const isListed =
      certificates.some((one) => one.equals(certificate)) ||
      ALGORITHMS.some((one) => certificateDigests.has(`${one}:${createHash(one).update(signed).digest("hex")}`));
    if (!isListed) continue;
    const who = "this machine's firmware lists a certificate in dbx that its signature comes with";
    throw new BatonError("refused", `${name} is revoked: ${who}. Boot a kernel that is signed with a newer one.`);
  }
}
