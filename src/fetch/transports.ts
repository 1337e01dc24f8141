/**
 * The table of transports: what Baton fetches files by. A new transport is one file beside this one and one row here:
 * schemes, default ports, and the sentences that name them follow from the rows.
 */

import { shownAddress } from "../entry.ts";
import { BatonError } from "../errors.ts";
import type { HttpOptions } from "./http.ts";
import { LOCAL_SCHEME } from "./localfiles.ts";
import type { Transport } from "./transport.ts";

export interface FetcherOptions {
  /** A folder that stands for the whole network. */
  readonly mirror?: string;
  readonly http?: HttpOptions;
  /** Milliseconds that a small file may take ({@link Fetcher.read}). */
  readonly readMs?: number;
}

interface TransportRow {
  /** What stands before the colon, in lower case. */
  readonly scheme: string;
  /** The port that a URL may leave out; null where there is no host: files of this machine. */
  readonly port: number | null;
  /** What it brings is vouched for by a certificate, whose dates need a clock that goes right. */
  readonly hasCertificates: boolean;
  /** Loaded when its first file is asked for: most machines boot from disks. */
  load(options: FetcherOptions): Promise<Transport>;
}

const http = async ({ http }: FetcherOptions): Promise<Transport> =>
  (await import("./http.ts")).httpTransport(http ?? {});

export const TRANSPORTS: readonly TransportRow[] = [
  { scheme: "http", port: 80, hasCertificates: false, load: http },
  { scheme: "https", port: 443, hasCertificates: true, load: http },
  {
    scheme: "tftp",
    port: 69,
    hasCertificates: false,
    load: async () => (await import("./tftp.ts")).tftpTransport(),
  },
  {
    scheme: LOCAL_SCHEME,
    port: null,
    hasCertificates: false,
    load: async () => (await import("./local.ts")).fileTransport,
  },
];

/** Known, and refused with a word on what to use instead. */
const REFUSED: Readonly<Record<string, string>> = {
  nfs: "Baton has no NFS client; serve the same folder by HTTP or TFTP",
  ftp: "Baton has no FTP client; serve the same folder by HTTP or TFTP",
  ftps: "Baton has no FTP client; serve the same folder by HTTPS",
  smb: "Baton has no SMB client; serve the same folder by HTTP or TFTP",
  iscsi: "Baton attaches no network disks; use a kernel and initrd that do",
  aoe: "Baton attaches no network disks; use a kernel and initrd that do",
};

/** `http, https, tftp or file`, for sentences. @param rows all of them unless given */
export function schemeList(last: "or" | "and", rows = TRANSPORTS): string {
  const names = rows.map(({ scheme }) => scheme);
  return names.length < 2 ? names.join("") : `${names.slice(0, -1).join(", ")} ${last} ${names.at(-1)}`;
}

/** Schemes that name a host, as an alternative in a regular expression. */
export const HOST_SCHEMES = TRANSPORTS.filter(({ port }) => port !== null)
  .map(({ scheme }) => scheme)
  .join("|");

/** The row of a URL's scheme; undefined for what Baton doesn't fetch. */
export function transportOf({ protocol }: URL): TransportRow | undefined {
  return TRANSPORTS.find(({ scheme }) => protocol === `${scheme}:`);
}

/**
 * Reads a URL and writes it in one form: scheme and host in lower case, no default port, no user's name kept apart.
 * @throws BatonError `usage` for what is no URL, `unsupported` for schemes that Baton doesn't fetch
 */
export function parseFetchUrl(text: string): URL {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw new BatonError(
      "usage",
      `${shownAddress(text)}: not a URL; it is SCHEME://HOST/PATH, with ${schemeList("or")}`,
    );
  }
  const row = transportOf(url);
  if (row === undefined) {
    const scheme = url.protocol.slice(0, -1);
    const why = REFUSED[scheme] ?? `Baton fetches by ${schemeList("and")} only`;
    throw new BatonError("unsupported", `${shownAddress(text)}: ${scheme} is not supported: ${why}`);
  }
  if (row.port === null) return url;
  if (url.host === "") throw new BatonError("usage", `${shownAddress(text)}: it names no host`);
  // The URL standard leaves hosts and ports of schemes that it doesn't know as they are.
  if (url.port === String(row.port)) url.port = "";
  if (url.hostname !== url.hostname.toLowerCase()) url.hostname = url.hostname.toLowerCase();
  return url;
}
