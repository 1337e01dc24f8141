/** Kernels signed for Secure Boot: by the key that OVMF's "snakeoil" variables trust, by a stranger's, or not at all. */

import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { hashOf, makeOnce } from "./disks.ts";
import { CACHE, run } from "./host.ts";

/** Debian's ovmf package has both, and tells the password. */
const SNAKEOIL = "/usr/share/ovmf/PkKek-1-snakeoil";
const PASSWORD = "snakeoil";

/** A kernel without the signature behind it, which the header's table of directories names (PE/COFF, section 3.4.3). */
export function withoutSignature(kernel: Buffer): Buffer {
  const unsigned = Buffer.from(kernel);
  const entry = unsigned.readUInt32LE(0x3c) + 24 + 112 + 4 * 8;
  const at = unsigned.readUInt32LE(entry);
  assert.ok(at > 0, "the kernel has no signature to be taken off");
  unsigned.fill(0, entry, entry + 8);
  return unsigned.subarray(0, at);
}

/**
 * Signs a kernel that has no signature.
 * @param by `owner`: the key in the firmware's database; `stranger`: one that nobody knows
 * @returns the file, in the cache
 */
export async function signed(unsigned: Uint8Array, by: "owner" | "stranger"): Promise<string> {
  const file = join(CACHE, `kernel-signed-${by}-${hashOf(unsigned).slice(0, 16)}`);
  await makeOnce(file, async (work) => {
    const [key, certificate, kernel] = [join(work, "key"), join(work, "certificate"), join(work, "kernel")];
    if (by === "owner") {
      const words = ["-in", `${SNAKEOIL}.key`, "-passin", `pass:${PASSWORD}`, "-out", key];
      await run("openssl", ["pkey", ...words]);
      await run("cp", [`${SNAKEOIL}.pem`, certificate]);
    } else {
      const subject = ["-subj", "/CN=A stranger", "-days", "3650"];
      const words = ["-newkey", "rsa:2048", "-noenc", "-keyout", key, "-out", certificate];
      await run("openssl", ["req", "-x509", ...words, ...subject]);
    }
    await writeFile(kernel, unsigned);
    const output = join(work, "signed");
    await run("sbsign", ["--key", key, "--cert", certificate, "--output", output, kernel]);
    return output;
  });
  return file;
}

/** A signed kernel of which one byte was changed since. */
export async function tampered(file: string): Promise<Buffer> {
  const bytes = await readFile(file);
  bytes[4 << 20]! ^= 1;
  return bytes;
}
