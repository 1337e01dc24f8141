/** TFTP as a transport: how a name on a server is written, and which of the server's addresses answers. */

import type { LookupAddress } from "node:dns";
import { lookup } from "node:dns/promises";
import { BatonError } from "../errors.ts";
import { withDeadline } from "../linux/deadline.ts";
import { OptionsRefused } from "./tftperrors.ts";
import { type TftpOptions, TftpTransfer, TIMES } from "./tftptransfer.ts";
import type { Opened, OpenOptions, Transport } from "./transport.ts";
import { collapsePath, decodedPath, shownUrl } from "./url.ts";

export function tftpTransport(options: TftpOptions = {}): Transport {
  /** Per server: whether names are to begin with a slash. */
  const slashes = new Map<string, boolean>();
  const begin = async (url: URL, signal?: AbortSignal): Promise<TftpTransfer> => {
    const path = collapsePath(decodedPath(url));
    const known = slashes.get(url.host);
    // As RFC 3617 has it, without the slash first; servers without a root of their own want it.
    const forms = known === undefined ? [path.slice(1), path] : [known ? path : path.slice(1)];
    for (const [index, form] of forms.entries()) {
      try {
        const transfer = await connect(url, form, options, signal);
        slashes.set(url.host, form.startsWith("/"));
        return transfer;
      } catch (error) {
        const isRefusal = error instanceof BatonError && (error.code === "not-found" || error.code === "refused");
        if (!isRefusal || index === forms.length - 1) throw error;
      }
    }
    throw new BatonError("not-found", shownUrl(url));
  };
  return {
    ranges: false,
    async open(url: URL, { signal }: OpenOptions): Promise<Opened> {
      const transfer = await begin(url, signal);
      const close = (): void => transfer.abort("the transfer is not wanted any more");
      return { url: url.href, size: transfer.size, offset: 0, validator: null, body: transfer.body(), close };
    },
    async stat(url, signal) {
      const transfer = await begin(url, signal);
      transfer.abort("only asking for the size");
      return { size: transfer.size };
    },
  };
}

/** Sends the request to each of the server's addresses until one answers. */
async function connect(
  url: URL,
  path: string,
  options: TftpOptions,
  signal: AbortSignal | undefined,
): Promise<TftpTransfer> {
  const name = shownUrl(url);
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const addresses = await addressesOf(name, host, options, signal);
  let last: unknown;
  for (const [index, { address, family }] of addresses.entries()) {
    const server = { address, family: family === 6 ? 6 : 4, port: Number(url.port || 69) } as const;
    for (const withOptions of [true, false]) {
      const transfer = new TftpTransfer(name, server, options, signal);
      try {
        await transfer.request(path, withOptions, index < addresses.length - 1);
        return transfer;
      } catch (error) {
        transfer.abort("");
        last = error;
        if (!(error instanceof OptionsRefused)) break;
      }
    }
    if (last instanceof BatonError && last.code !== "timeout" && last.code !== "io") break;
  }
  throw last;
}

/** A resolver that is silent is given up as a server is that doesn't answer. @throws BatonError */
async function addressesOf(
  name: string,
  host: string,
  { times, resolve = lookup }: TftpOptions,
  signal: AbortSignal | undefined,
): Promise<LookupAddress[]> {
  const ms = times?.giveUp ?? TIMES.giveUp;
  const late = (): BatonError =>
    new BatonError("timeout", `${name}: no DNS server has answered for ${host} within ${ms / 1000} s`);
  const cancelled = new Promise<never>((_, reject) => {
    signal?.addEventListener("abort", () => reject(new BatonError("cancelled", `${name}: cancelled`)), { once: true });
  });
  const found = resolve(host, { all: true }).catch((error: NodeJS.ErrnoException) => {
    const isUnknown = error.code === "ENOTFOUND";
    const what = isUnknown ? `the name ${host} is not known to the DNS server` : `no DNS server answers for ${host}`;
    throw new BatonError("io", `${name}: ${what}; check the name, or give an address`, { cause: error });
  });
  return withDeadline(Promise.race([found, cancelled]), ms, late);
}
