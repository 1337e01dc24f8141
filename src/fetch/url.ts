/** Addresses of files: how they are written, and where a mirror folder keeps them. Pure. What is accepted: transports.ts. */

import { BatonError } from "../errors.ts";

/** `http://host:8080`, the part before the path. */
export function originOf(url: URL): string {
  return `${url.protocol}//${url.host}`;
}

/** The path as text: percent-decoded where that gives valid text, never with a backslash meaning anything. */
export function decodedPath(url: URL): string {
  return decoded(url.pathname === "" ? "/" : url.pathname);
}

/** A path as it stands in a URL: everything but unreserved characters, `/` and the harmless punctuation is encoded. */
export function encodePath(path: string): string {
  return path.replace(/[^A-Za-z0-9\-._~!$&'()*+,;=:@/]/gu, (character) => {
    try {
      return encodeURIComponent(character);
    } catch {
      // Half of a surrogate pair.
      return "%EF%BF%BD";
    }
  });
}

/** `//` and `.` vanish, `..` stops at the root. */
export function collapsePath(path: string): string {
  const parts: string[] = [];
  for (const part of path.split("/")) {
    if (part === "" || part === ".") continue;
    if (part === "..") parts.pop();
    else parts.push(part);
  }
  return `/${parts.join("/")}`;
}

/**
 * Where a mirror folder keeps a URL's file (docs/interfaces.md): SCHEME/HOST[:PORT]/PATH, percent-decoded, `//` and dots
 * collapsed, the query dropped.
 * @returns relative to the folder; null for a path that no file can have
 */
export function mirrorPath(url: URL): string | null {
  const path = collapsePath(decodedPath(url));
  if (path.includes("\0")) return null;
  const host = url.host === "" ? "" : `/${url.host}`;
  return `${url.protocol.slice(0, -1)}${host}${path}`;
}

/** The URL without what a server never sees, and without the user's name and password: for messages. */
export function shownUrl(url: URL): string {
  const shown = new URL(url);
  shown.hash = "";
  if (shown.username !== "" || shown.password !== "") {
    shown.username = "";
    shown.password = "";
  }
  return shown.href;
}

/** `#sha256=…` on a URL. @throws BatonError `usage` for one that is no digest: nothing is booted unchecked by mistake */
export function digestOf(url: URL): string | null {
  if (url.hash === "") return null;
  const value = /(?:^#|&)sha256=([^&]*)/i.exec(url.hash)?.[1];
  if (value === undefined) return null;
  if (/^[0-9a-f]{64}$/i.test(value)) return value.toLowerCase();
  throw new BatonError("usage", `${shownUrl(url)}: #sha256=${value} is no SHA-256, which has 64 hexadecimal digits`);
}

/**
 * `#mirror=URL` on a URL, as often as there are mirrors: where else the same file is; percent-encoded where it has `&` or
 * `#` in it. @throws BatonError `usage`
 */
export function mirrorsOf(url: URL): string[] {
  return [...url.hash.matchAll(/(?:^#|&)mirror=([^&]+)/gi)].map(([, value = ""]) => {
    try {
      return new URL(decoded(value), url).href;
    } catch {
      throw new BatonError("usage", `${shownUrl(url)}: #mirror=${value} is no URL`);
    }
  });
}

/** A URL, and after it the same with each of its mirrors in its place and the rest of what stands behind `#`. */
export function withMirrors(text: string): string[] {
  if (!/#(.*&)?mirror=/i.test(text)) return [text];
  const url = new URL(text);
  const rest = url.hash
    .slice(1)
    .split("&")
    .filter((part) => !/^mirror=/i.test(part))
    .join("&");
  return [text, ...mirrorsOf(url).map((mirror) => (rest === "" ? mirror : `${mirror}#${rest}`))];
}

/** Percent-decoded where that gives valid text, else as it is. */
export function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
