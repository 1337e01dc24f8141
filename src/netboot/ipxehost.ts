/** What an iPXE script sees of the network and of this machine. */

import { type FileRef, formatFileRef } from "../entry.ts";
import { BatonError, describeError } from "../errors.ts";
import type { Fetcher } from "../fetch/fetcher.ts";
import { localRefusal } from "../fetch/localfiles.ts";
import { HOST_SCHEMES } from "../fetch/transports.ts";
import { shownUrl } from "../fetch/url.ts";
import type { FormatResult, Platform } from "../formats/format.ts";
import type { IpxeHost, ScriptFile } from "../formats/ipxe/host.ts";
import { resolveUri } from "../formats/ipxe/ipxe.ts";
import { machineSettings } from "../formats/ipxe/machinesettings.ts";
import { isScript } from "../formats/ipxe/script.ts";
import { decodeText } from "../formats/text.ts";
import { withDeadline } from "../linux/deadline.ts";
import { log } from "../log.ts";
import { type Lease, lease as noLease } from "../net/lease.ts";

/** Scripts are short. */
const MAX_SCRIPT_SIZE = 1024 * 1024;
/** A menu names hundreds of kernels; asking a distant server for each would take longer than choosing one. */
const MAX_LOOKS = 40;
/** More than any site's whole tree has. */
const MAX_SCRIPTS = 400;
/** A menu whose scripts aren't there: the rest isn't asked for. */
const MAX_MISSES = 60;
/** A resolver that doesn't answer is given up. */
const LOOKUP_MS = 5000;

/** A URL of which something is sent: `#post=`, `#header=` (fetch/fragment.ts). */
const isForm = (url: string): boolean => /#(.*&)?(post|header)=/is.test(url);

/**
 * @param defers scripts behind a menu's items are fetched when they are chosen
 * @param tree reads what another loader would, by a lease
 * @param memory that the machine has, in bytes
 */
export function networkIpxeHost(
  fetcher: Fetcher,
  platform: Platform,
  lease: Lease | null,
  defers: boolean,
  tree: (lease: Lease) => Promise<FormatResult>,
  memory?: number,
): IpxeHost {
  const settings = networkSettings(lease);
  const ofMachine = machineSettings(platform, memory);
  const known = new Map<string, Promise<boolean>>();
  const look = async (url: string): Promise<boolean> => {
    try {
      await fetcher.stat(url);
      return true;
    } catch (error) {
      if (!(error instanceof BatonError)) throw error;
      // Only a plain no counts: what can't be asked now may be there when it is booted.
      return error.code !== "not-found";
    }
  };
  const scripts = new Map<string, ScriptFile | null>();
  let misses = 0;
  return {
    defers,
    resolve: (uri, from) => allowed(withServer(resolveUri(uri, from), uri, lease), from),
    exists: async (ref) => {
      const url = formatFileRef(ref);
      if (!("url" in ref)) return false;
      // Only sending it tells what becomes of a form.
      if (isForm(url)) return true;
      let answer = known.get(url);
      if (answer === undefined) {
        if (!fetcher.isMirror && known.size >= MAX_LOOKS) return true;
        answer = look(url);
        known.set(url, answer);
      }
      return answer;
    },
    read: async (ref) => {
      if (!("url" in ref)) return null;
      const read = scripts.get(ref.url);
      if (read !== undefined) return read;
      if (scripts.size >= MAX_SCRIPTS || misses >= MAX_MISSES) return null;
      const accept = (start: Uint8Array): boolean => isScript(decodeText(start).text);
      let file: ScriptFile | null = null;
      try {
        const bytes = await fetcher.read(ref.url, { limit: MAX_SCRIPT_SIZE, accept });
        if (bytes !== null) file = { text: decodeText(bytes).text, base: { url: fetcher.endOf(ref.url) } };
      } catch (error) {
        misses++;
        log.info(describeError(error));
      }
      // What is sent may be answered otherwise the next time.
      if (!isForm(ref.url)) scripts.set(ref.url, file);
      return file;
    },
    tree: async (program, { conf, prefix }) => {
      if (!("url" in program)) return null;
      try {
        const at = prefix !== null && URL.canParse(prefix, program.url) ? new URL(prefix, program.url).href : prefix;
        const base = lease ?? noLease({ origin: program.url });
        return await tree({ ...base, url: null, file: program.url, conf, prefix: at });
      } catch (error) {
        if (!(error instanceof BatonError)) throw error;
        log.info(error.message);
        return null;
      }
    },
    setting: (name) => settings.get(settingName(name)) ?? ofMachine(name),
    cpuFlags: () => platform.cpu?.()?.flags ?? null,
    lookup: async (name) => (fetcher.isMirror ? null : addressOf(name)),
  };
}

/** A file of this machine isn't there for what came over the network, however it is spelled (`\x01file:`). */
function allowed(ref: FileRef | null, from: FileRef): FileRef | null {
  if (ref === null || !("url" in ref) || !URL.canParse(ref.url)) return ref;
  const url = new URL(ref.url);
  const refusal = localRefusal(url, "url" in from ? from.url : formatFileRef(from));
  if (refusal === null) return ref;
  log.warn(`${shownUrl(url)}: ${refusal}`);
  return null;
}

/** `tftp:///path` and `http:/path`: a scheme with a path, and no host. */
const BARE = new RegExp(`^(${HOST_SCHEMES}):/(?://)?([^/].*)$`, "is");

/** `next-server` and the rest of a lease, for scripts that build their URLs of it. */
function withServer(ref: FileRef | null, uri: string, lease: Lease | null): FileRef | null {
  // `tftp:///path` and `http:/path` mean the server that the lease names.
  const bare = BARE.exec(uri);
  if (bare === null || (uri.startsWith(`${bare[1]}://`) === true && !uri.startsWith(`${bare[1]}:///`))) return ref;
  return lease?.server ? { url: `${bare[1]!.toLowerCase()}://${lease.server}/${bare[2]}` } : ref;
}

/** A host's address, IPv4 first; null where nobody knows it. */
async function addressOf(name: string): Promise<string | null> {
  const { lookup } = await import("node:dns/promises");
  return withDeadline(lookup(name, { order: "ipv4first" }), LOOKUP_MS, `nslookup ${name}`).then(
    ({ address }) => address,
    () => null,
  );
}

/** Settings by their plain name: iPXE's `net0/`, `net0.dhcp/` and `dhcp/` all mean the one network that has answered. */
const settingName = (name: string): string => name.replace(/^(net0(\.[a-z0-9]+)?|dhcp)\//, "");

/** https://ipxe.org/cfg */
function networkSettings(lease: Lease | null): ReadonlyMap<string, string> {
  const values: Readonly<Record<string, string | number | null | undefined>> = {
    ...lease?.ipxe,
    mac: lease?.mac?.toLowerCase(),
    ip: lease?.ip,
    netmask: lease?.netmask,
    gateway: lease?.gateway,
    dns: lease?.dns[0],
    hostname: lease?.hostname,
    domain: lease?.domain,
    uuid: lease?.uuid,
    "next-server": lease?.server,
    "dhcp-server": lease?.dhcpServer ?? lease?.server,
    filename: lease?.url ?? lease?.file,
    "root-path": lease?.rootPath,
    "209": lease?.conf,
    "210": lease?.prefix,
    "66": lease?.server,
    broadcast: lease?.broadcast,
    "ntp-server": lease?.ntp[0],
    ifname: lease === null ? null : "net0",
    mtu: lease?.mtu,
  };
  const settings = new Map<string, string>();
  for (const [name, value] of Object.entries(values)) {
    if (value !== null && value !== undefined && value !== "") settings.set(name, String(value));
  }
  return settings;
}
