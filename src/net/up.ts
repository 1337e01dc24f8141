/**
 * Brings links up and gets them addresses, all at once: by DHCP, DHCPv6 and advertisements, or as somebody has set. What
 * fails is tried again for as long as Baton runs: a cable may be plugged in, a server may start.
 */

import { setTimeout as sleep } from "node:timers/promises";
import { describeError } from "../errors.ts";
import { addAddress, addRoute, removeAddress, setLinkUp, setMtu } from "../linux/rtnetlink.ts";
import { log } from "../log.ts";
import { acquire6 } from "./acquire6.ts";
import type { ClientFacts } from "./clientfacts.ts";
import { dhcp4 } from "./dhcp4.ts";
import { maskBits } from "./dhcp4packet.ts";
import { LinkEvents } from "./events.ts";
import { addressesOf } from "./ip6.ts";
import { type Lease, lease } from "./lease.ts";
import { findLink, hasCarrier, type Link, startLink, vlanOf } from "./links.ts";
import type { LinkPlan } from "./plan.ts";
import { Resolver } from "./resolver.ts";

interface UpOptions extends ClientFacts {
  readonly plans: readonly LinkPlan[];
  /** Milliseconds until a link without a carrier is given up. */
  readonly carrierMs: number;
  /** Milliseconds until a network that doesn't answer is given up. */
  readonly addressMs: number;
  /** False where somebody has named what is booted, and an address is all that is wanted. */
  readonly needsBootFile: boolean;
  /** Ends all, and what would be tried again. */
  readonly signal?: AbortSignal;
  /** Each as it comes, once its address is set. */
  readonly onLease: (lease: Lease) => void;
  /** A lease is over. */
  readonly onLost: (lease: Lease) => void;
}

const LOOPBACK = 1;
/** Until a network that has failed is asked again. */
const AGAIN_MS = 30_000;
/** Until it is known that nobody else has an IPv6 address that was set. */
const CHECK_MS = 3000;

/**
 * @returns what went wrong, a sentence for each link that got no address the first time
 */
export async function bringUp(links: readonly Link[], options: UpOptions): Promise<string[]> {
  setLinkUp(LOOPBACK);
  const events = new LinkEvents();
  options.signal?.addEventListener("abort", () => events.close(), { once: true });
  const failures: string[] = [];
  const resolver = new Resolver();
  const works = links.flatMap((link, place) =>
    plansFor(link, links, options.plans).map(async (plan) => {
      const work = new LinkWork(link, plan, place, options, events, resolver);
      const failure = await work.start();
      if (failure !== null) failures.push(failure);
    }),
  );
  await Promise.all(works);
  return failures;
}

/** Every plan that names the link, or a VLAN of it; else those for all links. */
function plansFor(link: Link, links: readonly Link[], plans: readonly LinkPlan[]): LinkPlan[] {
  const own = plans.filter((plan) => plan.link !== null && findLink(links, plan.link) === link);
  return (own.length > 0 ? own : plans.filter((plan) => plan.link === null).slice(0, 1)).filter(
    ({ method }) => method !== "none",
  );
}

/** One plan on one link. */
class LinkWork {
  readonly #parent: Link;
  readonly #plan: LinkPlan;
  readonly #place: number;
  readonly #options: UpOptions;
  readonly #events: LinkEvents;
  readonly #resolver: Resolver;

  /** @param place among the links: the first one's gateway is used first */
  constructor(parent: Link, plan: LinkPlan, place: number, options: UpOptions, events: LinkEvents, resolver: Resolver) {
    this.#parent = parent;
    this.#plan = plan;
    this.#place = place;
    this.#options = options;
    this.#events = events;
    this.#resolver = resolver;
  }

  /** @returns why there is no address yet; null where there is one */
  async start(): Promise<string | null> {
    try {
      await this.#haveCarrier(this.#options.carrierMs);
      await this.#acquire();
      return null;
    } catch (error) {
      const failure = describeError(error);
      log.warn(failure);
      void this.#tryAgain();
      return failure;
    }
  }

  /** Until it works. Never rejects. */
  async #tryAgain(): Promise<void> {
    const { signal } = this.#options;
    let said = "";
    while (!signal?.aborted) {
      if (hasCarrier(this.#parent)) await sleep(AGAIN_MS, undefined, { ref: false });
      if (signal?.aborted) return;
      try {
        await this.#haveCarrier(Number.POSITIVE_INFINITY);
        if (signal?.aborted) return;
        return await this.#acquire();
      } catch (error) {
        const failure = describeError(error);
        if (failure !== said) log.info(failure);
        said = failure;
      }
    }
  }

  async #haveCarrier(timeoutMs: number): Promise<void> {
    const { name } = this.#parent;
    if (!startLink(this.#parent)) throw new Error(`${name}: its driver does not start it`);
    if (await this.#events.until(() => hasCarrier(this.#parent), timeoutMs, this.#options.signal)) return;
    throw new Error(`${name}: no carrier within ${timeoutMs / 1000} s: no cable, or nothing at its other end`);
  }

  async #acquire(): Promise<void> {
    const plan = this.#plan;
    const link = plan.vlan === null ? this.#parent : vlanOf(this.#parent, plan.vlan);
    if (link === null) throw new Error(`${this.#parent.name}: no interface for VLAN ${plan.vlan} could be made`);
    if (link !== this.#parent) startLink(link);
    if (plan.method === "static") return this.#setStatic(link);
    const ways = plan.method === "dhcp" ? [this.#four(link)] : [this.#four(link), this.#six(link)];
    const results = await Promise.allSettled(ways);
    const failed = results.flatMap((result) => (result.status === "rejected" ? describeError(result.reason) : []));
    // One of the two is enough.
    if (failed.length === results.length) throw new Error(failed.join("; "));
    for (const text of failed) log.info(text);
  }

  async #four(link: Link): Promise<void> {
    const { onLost, addressMs, signal } = this.#options;
    const got = await dhcp4(link, { ...this.#options, timeoutMs: addressMs });
    signal?.addEventListener("abort", () => got.close(), { once: true });
    this.#configure(link, got.lease);
    const whole = got.proxy === null ? got.lease : await got.askProxy();
    got.keep((why) => {
      log.warn(why);
      got.close();
      unconfigure(link, whole);
      onLost(whole);
      void this.#again(() => this.#four(link));
    });
    this.#give(whole);
  }

  /** An address that is over: another one, as soon as there is one. Never rejects. */
  async #again(way: () => Promise<void>): Promise<void> {
    while (!this.#options.signal?.aborted) {
      try {
        return await way();
      } catch (error) {
        log.info(describeError(error));
        await sleep(AGAIN_MS, undefined, { ref: false });
      }
    }
  }

  async #six(link: Link): Promise<void> {
    const { onLost, addressMs } = this.#options;
    const got = await acquire6(link, {
      ...this.#options,
      events: this.#events,
      timeoutMs: addressMs,
      onLost: (why) => {
        log.warn(why);
        onLost(got);
        void this.#again(() => this.#six(link));
      },
    });
    this.#give(got);
  }

  #give(given: Lease): void {
    const search = given.search.length > 0 ? given.search : given.domain ? [given.domain] : [];
    this.#resolver.add([...this.#plan.dns, ...given.dns], search, given.interface);
    this.#options.onLease(given);
  }

  #configure(link: Link, given: Lease): void {
    const { ip, netmask, broadcast, gateway, mtu, routes } = given;
    if (ip === null) return;
    const metric = 100 + this.#place;
    if (mtu !== null && mtu >= 576) attempt(() => setMtu(link.index, mtu));
    addAddress(link.index, ip, bitsOf(netmask), broadcast);
    for (const { network, bits, router } of routes) {
      // RFC 3442: without a router the network is on the link itself.
      attempt(() => addRoute(link.index, network, bits, router === "0.0.0.0" ? null : router, metric));
    }
    if (gateway === null) return;
    // A gateway outside of the network (clouds give /32): it is on the link all the same.
    if (!isWithin(gateway, ip, bitsOf(netmask))) attempt(() => addRoute(link.index, gateway, 32, null, metric));
    attempt(() => addRoute(link.index, "0.0.0.0", 0, gateway, metric));
  }

  async #setStatic(link: Link): Promise<void> {
    const { bits, gateway, dns, server, hostname } = this.#plan;
    const ip = this.#plan.ip!;
    addAddress(link.index, ip, bits!);
    const isSix = ip.includes(":");
    if (isSix) await this.#events.until(() => addressesOf(link).some((one) => one.ip === ip), CHECK_MS);
    if (gateway !== null) addRoute(link.index, isSix ? "::" : "0.0.0.0", 0, gateway, 100 + this.#place);
    const given = lease({
      origin: `the address set for ${link.name}`,
      interface: link.name,
      mac: link.mac,
      hardwareType: link.hardwareType,
      ...{ ip, netmask: isSix ? null : maskOf(bits!), prefixLength: isSix ? bits : null },
      ...{ gateway, dns, server, hostname, uuid: this.#options.uuid },
    });
    log.info(`${given.origin}: ${ip}/${bits}`);
    this.#give(given);
  }
}

const bitsOf = (netmask: string | null): number => (netmask === null ? null : maskBits(netmask)) ?? 24;

const maskOf = (bits: number): string =>
  Array.from({ length: 4 }, (_, i) => 256 - 2 ** (8 - Math.max(0, Math.min(8, bits - i * 8)))).join(".");

/** Whether an IPv4 address is in the network of another. */
function isWithin(address: string, network: string, bits: number): boolean {
  const prefix = (text: string): string =>
    text
      .split(".")
      .map((byte) => Number(byte).toString(2).padStart(8, "0"))
      .join("")
      .slice(0, bits);
  return prefix(address) === prefix(network);
}

function unconfigure(link: Link, { ip, netmask }: Lease): void {
  if (ip !== null) attempt(() => removeAddress(link.index, ip, bitsOf(netmask)));
}

function attempt(work: () => void): void {
  try {
    work();
  } catch (error) {
    log.warn(describeError(error));
  }
}
