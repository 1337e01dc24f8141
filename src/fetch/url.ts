/** Addresses of files: how they are written, and where a mirror folder keeps them. Pure. What is accepted: transports.ts. */

import { shownAddress } from "../entry.ts";

/** `http://host:8080`, the part before the path. */
export function originOf(url: URL): string {
  return `${url.protocol}//${url.host}`;
}

/** The path as text: percent-decoded where that gives valid text, never with a backslash meaning anything. */
export function decodedPath(url: URL): string {
  return decoded(url.pathname === "" ? "/" : url.pathname);
}

/** A path as it stands in a URL: everything but unreserved characters, `/` and the harmless punctuation is encoded. */
function encodePath(path: string): string {
  return path.replace(/[^A-Za-z0-9\-._~!$&'()*+,;=:@/]/gu, (character) => {
    try {
      return encodeURIComponent(character);
    } catch {
      // Half of a surrogate pair.
      return "%EF%BF%BD";
    }
  });
}

/**
 * A file's name as a bootloader would ask a server for it. GRUB and PXELINUX send it over HTTP as it stands, so that what
 * follows `?` is a query, and `%20` a blank.
 * @param origin `http://host:8080`; a place within a file has no queries
 */
export function urlPath(origin: string, path: string): string {
  if (!/^https?:\/\/[^/]*$/.test(origin)) return encodePath(path);
  const pieces = path.split(/(\?|%[0-9A-Fa-f]{2})/);
  return pieces.map((piece, at) => (at % 2 === 1 ? piece : encodePath(piece))).join("");
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

/** The URL without what a server never sees, and without what may be secret: for messages. */
export const shownUrl = (url: URL): string => shownAddress(url.href.replace(/#.*$/s, ""));

/** Percent-decoded where that gives valid text, else as it is. */
export function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
