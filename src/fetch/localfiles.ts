/** Which files of this machine a `file:` URL may mean, by where it came from. Pure. */

import { collapsePath, decodedPath } from "./url.ts";

/** What a URL of a file of this machine begins with. */
export const LOCAL_SCHEME = "file";

const isLocal = (url: URL): boolean => url.protocol === `${LOCAL_SCHEME}:`;

/** Not files at all, or Baton's own secrets. */
const SHUT = ["/proc", "/sys", "/dev", "/etc/baton", "/etc/baton.yaml", "/etc/baton.ini", "/run/baton"];

/**
 * The one place that decides whether a URL may be followed. Everything that isn't a file of this machine may.
 * @param from the URL of what named it, or a word for it (`a lease`); null for the machine's owner or a person
 * @returns why not, as the rest of a sentence; null where it may
 */
export function localRefusal(url: URL, from: string | null): string | null {
  if (!isLocal(url)) return null;
  if (from !== null && !(URL.canParse(from) && isLocal(new URL(from)))) {
    return "it is a file of this machine, and nothing that comes over the network may name one";
  }
  const path = collapsePath(decodedPath(url));
  const shut = SHUT.find((folder) => path === folder || path.startsWith(`${folder}/`));
  return shut === undefined ? null : `nothing below ${shut} may be read by a URL`;
}
