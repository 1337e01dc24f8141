/** A certificate that is made at start, where the image has none: X.509 (RFC 5280), signed by its own key. */

import { createHash, generateKeyPairSync, randomBytes, sign, X509Certificate } from "node:crypto";

export interface Credentials {
  /** PEM. */
  readonly cert: string;
  readonly key: string;
}

/** DER (X.690): tag, length, content. */
function der(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  const size = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
}

const sequence = (...parts: readonly Uint8Array[]): Buffer => der(0x30, ...parts);
const bitString = (bytes: Uint8Array): Buffer => der(0x03, Buffer.from([0]), bytes);
const time = (tag: number, text: string): Buffer => der(tag, Buffer.from(text, "latin1"));

/** ecdsa-with-SHA256, 1.2.840.10045.4.3.2 (RFC 5758, 3.2). */
const ECDSA_SHA256 = sequence(Buffer.from("06082a8648ce3d040302", "hex"));
/** commonName, 2.5.4.3. */
const COMMON_NAME = Buffer.from("0603550403", "hex");
/** subjectAltName, 2.5.29.17. */
const ALT_NAME = Buffer.from("0603551d11", "hex");

/**
 * A key on P-256, and a certificate of it for ever: the machine's clock may stand anywhere, and people compare the
 * fingerprint.
 */
export function makeCertificate(): Credentials {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const name = sequence(der(0x31, sequence(COMMON_NAME, der(0x0c, Buffer.from("Baton")))));
  const serial = randomBytes(16);
  // Positive, and its first byte is not 0 (RFC 5280, 4.1.2.2).
  serial[0] = (serial[0]! & 0x7f) | 0x40;
  // The end that means "for ever" (RFC 5280, 4.1.2.5).
  const validity = sequence(time(0x17, "000101000000Z"), time(0x18, "99991231235959Z"));
  const names = sequence(der(0x82, Buffer.from("baton")));
  const extensions = der(0xa3, sequence(sequence(ALT_NAME, der(0x04, names))));
  const signed = sequence(
    ...[der(0xa0, der(0x02, Buffer.from([2]))), der(0x02, serial), ECDSA_SHA256, name, validity, name],
    ...[publicKey.export({ type: "spki", format: "der" }), extensions],
  );
  const whole = sequence(signed, ECDSA_SHA256, bitString(sign("sha256", signed, privateKey)));
  const lines = whole.toString("base64").replace(/.{64}/g, "$&\n");
  return {
    cert: `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`,
    key: privateKey.export({ type: "pkcs8", format: "pem" }) as string,
  };
}

/** SHA-256 of the certificate, as browsers and `openssl x509 -fingerprint -sha256` show it. @throws where it is none */
export function fingerprint(cert: string): string {
  const digest = createHash("sha256").update(new X509Certificate(cert).raw).digest("hex");
  return digest.toUpperCase().match(/../g)!.join(":");
}
