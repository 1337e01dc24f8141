/**
 * Programs that the firmware's owner has revoked (dbx; UEFI 2.10, 32.5). With Secure Boot firmware doesn't start them, but
 * a kernel looks for no digest in dbx before kexec, and for a certificate only where it was built so: Baton looks itself.
 */

import { readFile } from "node:fs/promises";
import { authenticodeDigest } from "../binary/authenticode.ts";
import { parseSignatureLists } from "../binary/efisignatures.ts";
import { BatonError } from "../errors.ts";

const DBX = "/sys/firmware/efi/efivars/dbx-d719b2cb-3d3a-4596-a3bc-dad00e67656f";

/** The list, as firmware keeps it; null where it has none. */
export async function readRevoked(): Promise<Uint8Array | null> {
  const bytes = await readFile(DBX).catch(() => null);
  return bytes === null || bytes.length <= 4 ? null : bytes.subarray(4);
}

/**
 * @param kernel the whole file
 * @param name for the message
 * @throws BatonError `refused` where it is revoked, `bad-format` where the list can't be read
 */
export function refuseRevoked(kernel: Uint8Array, name: string, list: Uint8Array): void {
  const { digests, certificates } = parseSignatureLists(list);
  let digest: string | null = null;
  try {
    digest = authenticodeDigest(kernel).toString("hex");
  } catch {
    // It is no signed program: the kernel says so better.
  }
  if (digest !== null && digests.has(digest)) {
    throw new BatonError(
      "refused",
      `${name} is revoked: this machine's firmware lists its digest in dbx. Boot a newer kernel.`,
    );
  }
  const bytes = Buffer.from(kernel.buffer, kernel.byteOffset, kernel.byteLength);
  if (certificates.some((certificate) => bytes.includes(Buffer.from(certificate)))) {
    const who = "this machine's firmware lists the certificate that it is signed with in dbx";
    throw new BatonError("refused", `${name} is revoked: ${who}. Boot a kernel that is signed with a newer one.`);
  }
}
