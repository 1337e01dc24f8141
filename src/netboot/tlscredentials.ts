/** What HTTP needs to know and no server may tell: certificates, names and passwords, from files of the image. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { HttpOptions } from "../fetch/http.ts";
import { log } from "../log.ts";

/** Where they lie in the image (initramfs). */
export const CREDENTIALS_FOLDER = "/etc/baton";

const read = (directory: string, name: string): string | null => {
  try {
    return readFileSync(join(directory, name), "utf8");
  } catch {
    return null;
  }
};

/**
 * `ca.pem`: the certificate authorities that are trusted, in place of Node's own list; `client.pem` and `client.key`:
 * this machine's certificate; `netrc`: names and passwords (ftp(1), `machine HOST login NAME password WORD`).
 */
export function httpCredentials(directory = CREDENTIALS_FOLDER): HttpOptions {
  const [ca, cert, key, netrc] = ["ca.pem", "client.pem", "client.key", "netrc"].map((name) => read(directory, name));
  if (ca) log.info(`https: only the certificate authorities in ${directory}/ca.pem are trusted`);
  return {
    ...(ca ? { ca: [ca] } : {}),
    ...(cert && key ? { cert, key } : {}),
    ...(netrc ? { auth: parseNetrc(netrc) } : {}),
  };
}

export function parseNetrc(text: string): Record<string, { user: string; password: string }> {
  const hosts: Record<string, { user: string; password: string }> = {};
  const words = text.replace(/#.*$/gm, "").split(/\s+/).filter(Boolean);
  let host: string | null = null;
  for (let at = 0; at < words.length; at++) {
    const word = words[at];
    if (word === "machine") {
      host = words[++at] ?? null;
      if (host !== null) hosts[host] = { user: "", password: "" };
    } else if (host !== null && (word === "login" || word === "password")) {
      const value = words[++at] ?? "";
      hosts[host] = { ...hosts[host]!, [word === "login" ? "user" : "password"]: value };
    }
  }
  return hosts;
}
