/** What HTTP needs to know and no server may tell: certificates, names and passwords, from files of the image. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { HttpOptions, Login } from "../fetch/http.ts";
import { log } from "../log.ts";

/** Where they lie in the image (initramfs). */
const CREDENTIALS_FOLDER = "/etc/baton";

const read = (directory: string, name: string): string | null => {
  try {
    return readFileSync(join(directory, name), "utf8");
  } catch {
    return null;
  }
};

/**
 * `ca.pem`: the certificate authorities that are trusted, in place of Node's own list; `client.pem` and `client.key`:
 * this machine's certificate; `netrc`: names and passwords (ftp(1), `machine HOST login NAME password WORD`, {@link parseNetrc}).
 */
export function httpCredentials(directory = CREDENTIALS_FOLDER): HttpOptions {
  const [ca, cert, key, netrc] = ["ca.pem", "client.pem", "client.key", "netrc"].map((name) => read(directory, name));
  if (ca) log.info(`https: only the certificate authorities in ${directory}/ca.pem are trusted`);
  return {
    ...(ca ? { ca: [ca] } : {}),
    ...(cert && key ? { cert, key } : {}),
    ...(netrc ? { logins: parseNetrc(netrc) } : {}),
  };
}

/**
 * `machine HOST[:PORT]` means https; `machine http://HOST[:PORT]` plain http. A password goes to that scheme, host and
 * port alone.
 */
export function parseNetrc(text: string): Login[] {
  const logins: Login[] = [];
  const words = text
    .replace(/^\s*#.*$/gm, "")
    .split(/\s+/)
    .filter(Boolean);
  for (let at = 0; at < words.length; at++) {
    const word = words[at]!;
    if (word === "machine") {
      const name = words[++at] ?? "";
      const isBare = !/^https?:\/\//i.test(name);
      const text = isBare ? `https://${name}` : name;
      if (URL.canParse(text)) logins.push({ origin: new URL(text).origin, isBare, user: "", password: "" });
      else {
        log.warn(`netrc: 'machine ${name}' names no host: it is HOST, HOST:PORT or http://HOST:PORT`);
        // What follows is nobody's.
        logins.push({ origin: "", isBare: false, user: "", password: "" });
      }
    } else if (logins.length > 0 && (word === "login" || word === "password")) {
      const value = words[++at] ?? "";
      const last = logins.pop()!;
      logins.push({ ...last, [word === "login" ? "user" : "password"]: value });
    }
  }
  return logins.filter(({ origin }) => origin !== "");
}
