/** Brings links up and gets them addresses, all at once: by DHCP, DHCPv6 and advertisements, or as somebody has set. */

import { mkdirSync, writeFileSync } from "node:fs";
import { describeError } from "../errors.ts";
import { addAddress, addRoute, removeAddress, setLinkUp, setMtu } from "../linux/rtnetlink.ts";
import { log } from "../log.ts";
import { type ClientFacts, dhcp4 } from "./dhcp4.ts";
import { maskBits } from "./dhcp4packet.ts";
import { acquire6 } from "./dhcp6.ts";
import { type Lease, lease } from "./lease.ts";
import { findLink, type Link, startLink, vlanOf, waitForCarrier } from "./links.ts";
import type { LinkPlan } from "./plan.ts";

export interface UpOptions extends ClientFacts {
  readonly plans: readonly LinkPlan[];
  /** Milliseconds until a link without a carrier is given up. */
  readonly carrierMs: number;
  /** Milliseconds until a network that doesn't answer is given up. */
  readonly addressMs: number;
  readonly signal?: AbortSignal;
  /** Each as it comes, once its address is set. */
  readonly onLease: (lease: Lease) => void;
}

const LOOPBACK = 1;
const RESOLV_CONF = "/etc/resolv.conf";

/**
 * @returns what went wrong, a sentence for each link that got no address
 */
export async function bringUp(links: readonly Link[], options: UpOptions): Promise<string[]> {
  setLinkUp(LOOPBACK);
  const failures: string[] = [];
  const resolver = new Resolver();
  const works = links.flatMap((link, place) => {
    const plan = planFor(link, links, options.plans);
    if (plan === null || plan.method === "none") return [];
    return [
      bringUpLink(link, plan, place, options, resolver).catch((error) => {
        failures.push(describeError(error));
        log.warn(describeError(error));
      }),
    ];
  });
  await Promise.all(works);
  return failures;
}

/** The plan that names the link; else the one for all, unless every plan names links. */
function planFor(link: Link, links: readonly Link[], plans: readonly LinkPlan[]): LinkPlan | null {
  return (
    plans.find((plan) => plan.link !== null && findLink(links, plan.link) === link) ??
    plans.find((plan) => plan.link === null) ??
    null
  );
}

async function bringUpLink(
  parent: Link,
  plan: LinkPlan,
  place: number,
  options: UpOptions,
  resolver: Resolver,
): Promise<void> {
  if (!startLink(parent)) throw new Error(`${parent.name}: its driver does not start it`);
  const { carrierMs, addressMs, signal } = options;
  if (!(await waitForCarrier(parent, carrierMs, signal))) {
    throw new Error(`${parent.name}: no carrier within ${carrierMs / 1000} s: no cable, or nothing at its other end`);
  }
  const link = plan.vlan === null ? parent : vlanOf(parent, plan.vlan);
  if (link === null) throw new Error(`${parent.name}: no interface for VLAN ${plan.vlan} could be made`);
  if (link !== parent) startLink(link);
  const give = (given: Lease): void => {
    resolver.add(
      [...plan.dns, ...given.dns],
      given.search.length > 0 ? given.search : given.domain ? [given.domain] : [],
    );
    options.onLease(given);
  };
  if (plan.method === "static") {
    give(setStatic(link, plan, place, options));
    return;
  }
  const four = async (): Promise<void> => {
    const got = await dhcp4(link, { ...options, timeoutMs: addressMs });
    configure(link, got.lease, place);
    const whole = got.proxy === null ? got.lease : await got.askProxy();
    got.keep((why) => {
      log.warn(why);
      unconfigure(link, whole);
      got.close();
    });
    give(whole);
  };
  const six = async (): Promise<void> => give(await acquire6(link, options, addressMs, signal));
  const ways = plan.method === "dhcp" ? [four()] : [four(), six()];
  const results = await Promise.allSettled(ways);
  const failed = results.flatMap((result) => (result.status === "rejected" ? describeError(result.reason) : []));
  // One of the two is enough.
  if (failed.length < results.length) for (const text of failed) log.info(text);
  else throw new Error(failed.join("; "));
}

function configure(link: Link, given: Lease, place: number): void {
  const { ip, netmask, gateway, mtu, routes } = given;
  if (ip === null) return;
  if (mtu !== null && mtu >= 576) attempt(() => setMtu(link.index, mtu));
  addAddress(link.index, ip, (netmask === null ? null : maskBits(netmask)) ?? 24);
  for (const { network, bits, router } of routes) {
    // RFC 3442: without a router the network is on the link itself.
    attempt(() => addRoute(link.index, network, bits, router === "0.0.0.0" ? null : router, 100 + place));
  }
  // The first link's is used first.
  if (gateway !== null) attempt(() => addRoute(link.index, "0.0.0.0", 0, gateway, 100 + place));
}

function unconfigure(link: Link, { ip, netmask }: Lease): void {
  if (ip !== null) attempt(() => removeAddress(link.index, ip, (netmask === null ? null : maskBits(netmask)) ?? 24));
}

function setStatic(link: Link, plan: LinkPlan, place: number, facts: ClientFacts): Lease {
  const { ip, bits, gateway, dns, server, hostname } = plan;
  addAddress(link.index, ip!, bits!);
  const isSix = ip!.includes(":");
  if (gateway !== null) addRoute(link.index, isSix ? "::" : "0.0.0.0", 0, gateway, 100 + place);
  const netmask = isSix
    ? null
    : Array.from({ length: 4 }, (_, i) => 256 - 2 ** (8 - Math.max(0, Math.min(8, bits! - i * 8)))).join(".");
  return lease({
    origin: `the address set for ${link.name}`,
    interface: link.name,
    mac: link.mac,
    hardwareType: link.hardwareType,
    ...{ ip, netmask, prefixLength: isSix ? bits : null, gateway, dns, server, hostname, uuid: facts.uuid },
  });
}

function attempt(work: () => void): void {
  try {
    work();
  } catch (error) {
    log.warn(describeError(error));
  }
}

/** What getaddrinfo(3) reads. */
class Resolver {
  readonly #servers = new Set<string>();
  readonly #search = new Set<string>();

  add(servers: readonly string[], search: readonly string[]): void {
    for (const server of servers) if (/^[0-9a-f.:%]+$/i.test(server)) this.#servers.add(server);
    for (const name of search) if (/^[A-Za-z0-9_.-]+$/.test(name)) this.#search.add(name);
    // The library takes three servers and six names.
    const lines = [...this.#servers].slice(0, 3).map((server) => `nameserver ${server}\n`);
    if (this.#search.size > 0) lines.push(`search ${[...this.#search].slice(0, 6).join(" ")}\n`);
    attempt(() => {
      mkdirSync("/etc", { recursive: true });
      writeFileSync(RESOLV_CONF, `${lines.join("")}options timeout:3 attempts:2\n`);
    });
  }
}
