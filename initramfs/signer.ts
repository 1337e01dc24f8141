/** Signs EFI programs for Secure Boot (Authenticode, UEFI 2.10, 32.2) with the owner's key, by Debian's sbsign. */

import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { BatonError, describeError } from "../src/errors.ts";
import { clockAt } from "./bootable.ts";
import { type ToolSuite, toolbox } from "./toolbox.ts";

export interface Signer {
  /** Path of the private key. It isn't kept in memory, and stands in no output. */
  readonly key: string;
  readonly certificate: X509Certificate;
}

/**
 * Looks whether a key and a certificate can sign together.
 * @param key file of an RSA private key, PEM, without a passphrase
 * @param certificate file of its X.509 certificate, PEM or DER
 * @throws BatonError "not-found", "bad-format"
 */
export async function readSigner(key: string, certificate: string): Promise<Signer> {
  const pem = await read("--sign", key);
  const parsed = parse(`--cert ${certificate}`, "no X.509 certificate", await read("--cert", certificate), (bytes) => {
    return new X509Certificate(bytes);
  });
  const isEncrypted = /ENCRYPTED/.test(pem.toString("latin1"));
  const what = isEncrypted
    ? "it is encrypted; openssl pkey writes it without a passphrase"
    : "no private key in PEM that openssl reads";
  const privateKey: KeyObject = parse(`--sign ${key}`, what, pem, (bytes) => createPrivateKey(bytes));
  if (privateKey.asymmetricKeyType !== "rsa") {
    throw new BatonError(
      "bad-format",
      `--sign ${key}: firmware checks RSA keys, and this is ${privateKey.asymmetricKeyType}`,
    );
  }
  if (!parsed.checkPrivateKey(privateKey)) {
    throw new BatonError("bad-format", `--cert ${certificate} is the certificate of another key than --sign ${key}`);
  }
  return { key: resolve(key), certificate: parsed };
}

/** What image.json says of who signed. */
export function describeSigner({ certificate }: Signer): { readonly subject: string; readonly sha256: string } {
  return {
    subject: certificate.subject.replaceAll("\n", ", "),
    sha256: certificate.fingerprint256.replaceAll(":", "").toLowerCase(),
  };
}

/**
 * The program with its signature. The signature names the certificate's first second as its time: the same program signed
 * by the same key is the same to the byte, and lies within the time in which the certificate is valid.
 * @throws BatonError "io" with what sbsign said
 */
export async function signProgram(
  program: Uint8Array,
  { key, certificate }: Signer,
  tools: ToolSuite,
): Promise<Uint8Array> {
  const box = await toolbox(["libfaketime", "sbsigntool"], tools);
  const work = await mkdtemp(join(tmpdir(), "baton-sign-"));
  try {
    const [file, cert, output] = ["program", "cert", "signed"].map((name) => join(work, name)) as [
      string,
      string,
      string,
    ];
    await writeFile(file, program);
    await writeFile(cert, certificate.toString());
    const env = clockAt(box, Date.parse(certificate.validFrom) / 1000);
    await box.run("sbsign", ["--key", key, "--cert", cert, "--output", output, file], { env });
    return await readFile(output);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function read(option: string, file: string): Promise<Buffer> {
  try {
    return await readFile(file);
  } catch (error) {
    throw new BatonError("not-found", `${option} ${file}: ${describeError(error)}`, { cause: error });
  }
}

function parse<T>(subject: string, what: string, bytes: Buffer, reader: (bytes: Buffer) => T): T {
  try {
    return reader(bytes);
  } catch (error) {
    throw new BatonError("bad-format", `${subject}: ${what}`, { cause: error });
  }
}
