/** Failures of HTTP and TLS as sentences: what happened, and what to do. */

import { BatonError, type ErrorCode } from "../errors.ts";

/** @param proxy through which it was tried, null without */
export function explainHttpError(error: NodeJS.ErrnoException, name: string, proxy: string | null): BatonError {
  if (error instanceof BatonError) return error;
  // Several addresses were tried; the last says as much as any.
  const inner = error instanceof AggregateError ? ((error.errors.at(-1) as NodeJS.ErrnoException) ?? error) : error;
  const code = inner.code ?? "";
  if (code === "ABORT_ERR") return new BatonError("cancelled", `${name}: cancelled`);
  const host = hostOf(name);
  const known =
    TLS[code] ?? (proxy === null ? CONNECTION[code] : PROXY[code]) ?? (HTTP.test(code) ? NO_HTTP : undefined);
  const [kind, text] = known ?? ["io", `${inner.message}`];
  const where = proxy === null ? name : `${name} by the proxy ${proxy}`;
  return new BatonError(kind, `${where}: ${text.replaceAll("HOST", host)}`, { cause: error });
}

function hostOf(name: string): string {
  try {
    return new URL(name).host;
  } catch {
    return name;
  }
}

/** llhttp's own words for what it can't read. */
const HTTP = /^HPE_/;
const NO_HTTP = ["bad-format", "what answers at HOST is no HTTP server, or a faulty one"] as const;

type Explained = Readonly<Record<string, readonly [ErrorCode, string]>>;

const CONNECTION: Explained = {
  ENOTFOUND: ["io", "the name HOST is not known to the DNS server; check the name, or give an address"],
  EAI_AGAIN: ["io", "no DNS server answers for HOST; check the network's DNS, or give an address"],
  EAI_FAIL: ["io", "the DNS server failed on HOST"],
  ECONNREFUSED: ["io", "HOST refused the connection: no server listens there"],
  ECONNRESET: ["io", "HOST closed the connection before it answered"],
  EHOSTUNREACH: ["io", "there is no way to HOST: it is off, or the network is another one"],
  ENETUNREACH: ["io", "there is no route to HOST: this machine has no address or no gateway for it"],
  ETIMEDOUT: ["timeout", "HOST does not answer"],
  EPIPE: ["io", "HOST closed the connection"],
  EPROTO: ["bad-format", "HOST does not speak TLS there, or none that is safe"],
  ERR_SSL_WRONG_VERSION_NUMBER: ["bad-format", "HOST does not speak TLS there (is it http, not https?)"],
};

const PROXY: Explained = {
  ENOTFOUND: ["io", "the proxy's name is not known to the DNS server"],
  EAI_AGAIN: ["io", "no DNS server answers for the proxy's name"],
  ECONNREFUSED: ["io", "the proxy refused the connection: it is down, or its port is another one"],
  ECONNRESET: ["io", "the proxy closed the connection before it answered"],
  EHOSTUNREACH: ["io", "there is no way to the proxy"],
  ENETUNREACH: ["io", "there is no route to the proxy"],
  ETIMEDOUT: ["timeout", "the proxy does not answer"],
};

const CLOCK = "or this machine's clock is wrong";

/** OpenSSL's and Node's reasons for not trusting a certificate. Nothing goes on without trust. */
const TLS: Explained = {
  CERT_HAS_EXPIRED: ["refused", `the certificate of HOST has expired, ${CLOCK}`],
  CERT_NOT_YET_VALID: ["refused", `the certificate of HOST is not valid yet, ${CLOCK}`],
  DEPTH_ZERO_SELF_SIGNED_CERT: [
    "refused",
    "the certificate of HOST is signed by itself; give Baton the certificate authority that it is to trust",
  ],
  SELF_SIGNED_CERT_IN_CHAIN: [
    "refused",
    "the certificate of HOST comes from a certificate authority that Baton is not told to trust",
  ],
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: [
    "refused",
    "the certificate of HOST comes from a certificate authority that Baton is not told to trust",
  ],
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: [
    "refused",
    "the certificate of HOST can't be traced to a certificate authority that Baton trusts (does the server send the whole chain?)",
  ],
  ERR_TLS_CERT_ALTNAME_INVALID: [
    "refused",
    "the certificate is not for HOST: the server is another one, or its name is wrong",
  ],
  CERT_REVOKED: ["refused", "the certificate of HOST was revoked"],
  CERT_SIGNATURE_FAILURE: ["refused", "the certificate of HOST has a wrong signature"],
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED: [
    "refused",
    "HOST asks for a client certificate, and Baton has none for it",
  ],
  ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE: ["refused", "HOST does not accept the client certificate"],
};

/** A status that is no success. */
export function statusError(name: string, status: number, message: string): BatonError {
  const line = `${name}: ${status} ${message}`.trimEnd();
  if (status === 404 || status === 410) return new BatonError("not-found", line);
  if (status === 401) return new BatonError("refused", `${line}: the server asks for a name and password`);
  if (status === 403) return new BatonError("refused", `${line}: the server does not let this machine have it`);
  if (status === 407) return new BatonError("refused", `${line}: the proxy asks for a name and password`);
  if (status >= 500 || status === 408 || status === 429) return new BatonError("io", `${line}: the server failed`);
  return new BatonError("refused", line);
}
