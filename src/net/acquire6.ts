/** An IPv6 address by advertisement or DHCPv6, with what either says beside. */

import { BatonError } from "../errors.ts";
import { addAddress, removeAddress } from "../linux/rtnetlink.ts";
import { log } from "../log.ts";
import type { ClientFacts } from "./clientfacts.ts";
import { searchList } from "./dhcp4packet.ts";
import { Dhcp6Client, type Told } from "./dhcp6.ts";
import { bootParameters, bootUrl, findOption, OPTION, timeServers } from "./dhcp6packet.ts";
import type { LinkEvents } from "./events.ts";
import { type Address6, addressesOf, hasNetwork6, ip6List } from "./ip6.ts";
import { type Lease, lease } from "./lease.ts";
import type { Link } from "./links.ts";

const RETRY_MS = 1000;
const MAX_RETRY_MS = 8000;
/** How long a DHCPv6 server may take where a router has answered: the router alone is enough for a given URL. */
const SERVER_MS = 3000;
/** How long it may take where it is asked for name servers alone. */
const NAMES_MS = 1000;
/** How long duplicate address detection may take (RFC 4862, section 5.4). */
const CHECK_MS = 3000;

interface Acquire6Options extends ClientFacts {
  readonly events: LinkEvents;
  /** False where an address is all that is wanted. */
  readonly needsBootFile: boolean;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
  /** The address that a DHCPv6 server gave is gone. */
  readonly onLost: (why: string) => void;
}

/** @throws BatonError `timeout` where there is no router and no server */
export async function acquire6(link: Link, options: Acquire6Options): Promise<Lease> {
  const { events, timeoutMs, signal } = options;
  const end = performance.now() + timeoutMs;
  const left = (): number => end - performance.now();
  const isGlobal = (one: Address6): boolean => !one.isLinkLocal;
  const hasGlobal = (): boolean => addressesOf(link).some(isGlobal);
  const own = (): Address6 | undefined => addressesOf(link).find((one) => one.isLinkLocal);
  const tooLate = (): BatonError =>
    new BatonError(
      "timeout",
      `${link.name}: no IPv6 router advertised a network within ${Math.round(timeoutMs / 1000)} s, and no DHCPv6 server gave an address`,
    );
  if (!(await events.until(() => own() !== undefined, left(), signal))) throw tooLate();
  const client = new Dhcp6Client(link, options);
  signal?.addEventListener("abort", () => client.close(), { once: true });
  try {
    await client.open(own()!.ip);
    const began = performance.now();
    const patience = options.needsBootFile ? SERVER_MS : NAMES_MS;
    let told: Told | null = null;
    for (let wait = RETRY_MS; left() > 0 && !signal?.aborted; wait = Math.min(wait * 2, MAX_RETRY_MS)) {
      told = (await client.ask(Math.min(wait, left()), !hasGlobal())) ?? told;
      if (told?.granted) break;
      if (hasGlobal() && (told !== null || performance.now() - began >= patience)) break;
    }
    const granted = told?.granted ?? null;
    if (granted !== null) {
      // A server alone says nothing of the network around the address; without a router it can only be that of most.
      const bits = hasNetwork6(link) ? 128 : 64;
      if (bits === 64) log.info(`${link.name}: no router says how large the network of ${granted.ip} is; taken as /64`);
      addAddress(link.index, granted.ip, bits);
      await events.until(
        () => addressesOf(link).some(({ ip }) => ip === granted.ip),
        Math.min(CHECK_MS, left()),
        signal,
      );
    }
    const usable = addressesOf(link).filter(isGlobal);
    const address = usable.find(({ ip }) => ip === granted?.ip) ?? usable[0];
    if (address === undefined) throw tooLate();
    if (granted === null) client.close();
    else
      client.keep(told!, (why) => {
        client.close();
        removeAddress(link.index, granted.ip, address.bits);
        options.onLost(why);
      });
    return leaseOf(link, options, address, told);
  } catch (error) {
    client.close();
    throw error;
  }
}

function leaseOf(link: Link, { uuid, events }: Acquire6Options, address: Address6, told: Told | null): Lease {
  const options = told?.options ?? [];
  const router = events.names(link.index);
  const dns = ip6List(findOption(options, OPTION.dns));
  const search = searchList(findOption(options, OPTION.search) ?? undefined);
  const result = lease({
    origin: told !== null ? `DHCPv6 on ${link.name}` : `IPv6 router on ${link.name}`,
    interface: link.name,
    mac: link.mac,
    hardwareType: link.hardwareType,
    ip: address.ip,
    prefixLength: address.bits,
    dns: [...new Set([...dns, ...router.dns])],
    search: [...new Set([...search, ...router.search])],
    ntp: timeServers(options),
    uuid,
    url: bootUrl(options),
    parameters: bootParameters(options),
    seconds: told?.granted?.valid ?? null,
  });
  log.info(`${result.origin}: ${result.ip}/${address.bits}, boot from ${result.url ?? "nowhere"}`);
  return result;
}
