/**
 * A DHCP client (RFC 2131) for a machine that boots: it says what it is as PXE clients do (RFC 4578), hears every
 * server that answers and takes the one that offers most, asks proxies for the boot file, and keeps what it got. busybox's
 * udhcpc takes the first offer and knows no proxies, which is why this is Baton's own.
 */

import { BatonError } from "../errors.ts";
import { log } from "../log.ts";
import type { ClientFacts } from "./clientfacts.ts";
import { Dhcp4Keeper } from "./dhcp4keep.ts";
import {
  type Heard,
  hasBootFile,
  leaseOf,
  needsNoProxy,
  serverOf,
  startsIpxe,
  textOption,
  withBootFile,
  worth,
} from "./dhcp4offer.ts";
import { addressBytes, DHCP } from "./dhcp4packet.ts";
import { type Dhcp4Ports, Dhcp4Socket, PORTS } from "./dhcp4socket.ts";
import { type Lease, lease } from "./lease.ts";
import type { Link } from "./links.ts";
import { type BootServer, bootServerToAsk, isPxeServer } from "./pxe.ts";

export interface Dhcp4Options extends ClientFacts {
  /** Until no server's answer is waited for any more. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
  /** False where an address is all that is wanted: nobody else is waited for then. True unless given. */
  readonly needsBootFile?: boolean;
  readonly times?: Partial<Dhcp4Times>;
  /** For tests, which are not root. */
  readonly ports?: Dhcp4Ports;
}

/** Milliseconds. */
interface Dhcp4Times {
  /** Until a message is sent again; twice as long each further time. */
  readonly retry: number;
  /** How long better offers are waited for after one with a boot file. */
  readonly gatherGood: number;
  /** After one without: a proxy may know the boot file. */
  readonly gather: number;
  /** How long a server may take for what it has offered, where there is another one to ask. */
  readonly grant: number;
}

const TIMES: Dhcp4Times = { retry: 1000, gatherGood: 250, gather: 2000, grant: 5000 };
const MAX_NAKS = 3;

/** What a server gave, and how to keep it. */
interface Dhcp4Lease {
  readonly lease: Lease;
  /** Who has to be asked for the boot file once the address is set; null where that isn't needed. */
  readonly proxy: string | null;
  /** @returns the lease with what the proxy says; as it is where the proxy doesn't answer */
  askProxy(): Promise<Lease>;
  /** Renews it while it lasts. @param onLost it is gone: its time is over, or the server wants it back */
  keep(onLost: (why: string) => void): void;
  close(): void;
}

/** @throws BatonError `timeout`, `refused`, `cancelled` */
export async function dhcp4(link: Link, options: Dhcp4Options): Promise<Dhcp4Lease> {
  const client = new Client(link, options);
  try {
    await client.acquire();
    return client;
  } catch (error) {
    client.close();
    throw error;
  }
}

interface Offers {
  readonly offers: readonly Heard[];
  readonly proxies: readonly Heard[];
}

class Client implements Dhcp4Lease {
  readonly #link: Link;
  readonly #options: Dhcp4Options;
  readonly #times: Dhcp4Times;
  readonly #socket: Dhcp4Socket;
  readonly #began = performance.now();
  #ack: Heard | null = null;
  #bootServer: BootServer | null = null;
  #keeper: Dhcp4Keeper | null = null;
  lease: Lease = lease({ origin: "DHCP" });

  constructor(link: Link, options: Dhcp4Options) {
    this.#link = link;
    this.#options = options;
    this.#times = { ...TIMES, ...options.times };
    this.#socket = new Dhcp4Socket(link, options, options.ports ?? PORTS);
  }

  get proxy(): string | null {
    return this.#bootServer?.address ?? null;
  }

  close(): void {
    this.#keeper?.close();
    this.#socket.close();
  }

  async acquire(): Promise<void> {
    await this.#socket.open();
    const naks = new Map<string, number>();
    for (;;) {
      const { offers, proxies } = await this.#discover();
      // One that took its offer back comes last.
      const refused = (offer: Heard): number => naks.get(serverOf(offer)) ?? 0;
      const ranked = [...offers].sort((a, b) => refused(a) - refused(b) || worth(b) - worth(a));
      this.#say(ranked);
      const { offer, answer } = await this.#request(ranked);
      if (answer.type === DHCP.ack) return this.#accept(answer, proxies);
      const why = textOption(answer, 56);
      const server = serverOf(offer);
      const text = `${this.#link.name}: the DHCP server ${server} takes its offer back (NAK${why ? `: ${why}` : ""})`;
      log.warn(text);
      naks.set(server, refused(offer) + 1);
      const isLast = offers.every((other) => refused(other) >= MAX_NAKS);
      if (isLast) throw new BatonError("refused", `${text}, ${MAX_NAKS} times; look at its log`);
    }
  }

  #left(): number {
    return this.#options.timeoutMs - (performance.now() - this.#began);
  }

  /** Why one of several servers is taken: a second one may be somebody's mistake, or worse. */
  #say([best, ...others]: readonly Heard[]): void {
    if (best === undefined || others.length === 0) return;
    const why = worth(best) > worth(others[0]!) ? "it offers more" : "it answered first";
    const names = others.map((other) => serverOf(other)).join(", ");
    const rivals = others.filter((other) => hasBootFile(other)).length;
    const text =
      `${this.#link.name}: ${others.length + 1} DHCP servers answer; ${serverOf(best)} is taken, since ${why}; ` +
      `left aside: ${names}`;
    if (hasBootFile(best) && rivals > 0) log.warn(`${text}. More than one says what to boot: one may be a stranger's`);
    else log.info(text);
  }

  /** Asks everybody. @throws BatonError `timeout` where nobody has an address */
  async #discover(): Promise<Offers> {
    this.#socket.clientClass = "PXEClient";
    const { needsBootFile = true } = this.#options;
    const asPxe = await this.#gather(needsBootFile ? this.#times.gather : this.#times.gatherGood, this.#left());
    if (asPxe.offers.length === 0) {
      const seconds = Math.round(this.#options.timeoutMs / 1000);
      const heard = asPxe.proxies.length > 0 ? "only a proxy, which gives no addresses" : "nobody";
      throw new BatonError(
        "timeout",
        `${this.#link.name}: no DHCP server gave an address within ${seconds} s (${heard} answered)`,
      );
    }
    const isAnswered = [...asPxe.offers, ...asPxe.proxies].some((heard) => hasBootFile(heard) || isPxeServer(heard));
    if (!needsBootFile) return asPxe;
    if (isAnswered) return (await this.#asIpxe(asPxe)) ?? asPxe;
    // Nobody has a file for PXE. Those who boot by HTTP answer only clients who say that they do.
    this.#socket.clientClass = "HTTPClient";
    const asHttp = await this.#gather(this.#times.gather / 2, Math.min(this.#left(), this.#times.gather / 2));
    if (asHttp.offers.some(hasBootFile)) return asHttp;
    this.#socket.clientClass = "PXEClient";
    return asPxe;
  }

  /** Where all that is offered is iPXE itself: what it would be told when it asks. Null where that is nothing else. */
  async #asIpxe({ offers, proxies }: Offers): Promise<Offers | null> {
    const files = [...offers, ...proxies].filter(hasBootFile);
    if (files.length === 0 || !files.every(startsIpxe)) return null;
    log.info(`${this.#link.name}: the boot file is iPXE; asking as iPXE does`);
    this.#socket.isIpxe = true;
    const answered = await this.#gather(this.#times.gather / 2, Math.min(this.#left(), this.#times.gather / 2));
    const hasScript = [...answered.offers, ...answered.proxies].some(
      (heard) => hasBootFile(heard) && !startsIpxe(heard),
    );
    if (hasScript && answered.offers.length > 0) return answered;
    this.#socket.isIpxe = false;
    return null;
  }

  /** @param gatherMs how long others are waited for after an offer without a boot file */
  async #gather(gatherMs: number, timeoutMs: number): Promise<Offers> {
    this.#socket.startOver();
    const offers = new Map<string, Heard>();
    const proxies = new Map<string, Heard>();
    await this.#socket.exchange({
      retryMs: this.#times.retry,
      timeoutMs,
      signal: this.#options.signal,
      send: () => this.#socket.send(DHCP.discover, []),
      take: (heard) => {
        if (heard.type !== DHCP.offer) return null;
        (heard.message.yiaddr === "0.0.0.0" ? proxies : offers).set(serverOf(heard), heard);
        if (offers.size === 0) return null;
        const isEnough = [...offers.values(), ...proxies.values()].some((one) => hasBootFile(one) || needsNoProxy(one));
        return isEnough ? this.#times.gatherGood : gatherMs;
      },
    });
    return { offers: [...offers.values()], proxies: [...proxies.values()] };
  }

  /** Takes the first offer that its server stands by. @throws BatonError `timeout` */
  async #request(ranked: readonly Heard[]): Promise<{ offer: Heard; answer: Heard }> {
    for (const [index, offer] of ranked.entries()) {
      const { message } = offer;
      const server = message.options.get(54);
      const answered: Heard[] = [];
      await this.#socket.exchange({
        retryMs: this.#times.retry,
        timeoutMs: index < ranked.length - 1 ? Math.min(this.#left(), this.#times.grant) : this.#left(),
        signal: this.#options.signal,
        send: () =>
          this.#socket.send(DHCP.request, [
            [50, addressBytes(message.yiaddr)],
            ...(server ? [[54, server] as const] : []),
          ]),
        take: (heard) => {
          if (heard.type !== DHCP.ack && heard.type !== DHCP.nak) return null;
          // Another server's NAK says nothing about this one's offer.
          if (server && !Buffer.from(heard.message.options.get(54) ?? server).equals(Buffer.from(server))) return null;
          answered.push(heard);
          return 0;
        },
      });
      if (answered[0] !== undefined) return { offer, answer: answered[0] };
      log.warn(`${this.#link.name}: the DHCP server ${serverOf(offer)} made an offer and then fell silent`);
    }
    const names = ranked.map((offer) => serverOf(offer)).join(", ");
    throw new BatonError("timeout", `${this.#link.name}: the DHCP server ${names} made an offer and then fell silent`);
  }

  #accept(ack: Heard, proxies: readonly Heard[]): void {
    this.#ack = ack;
    const own = leaseOf(ack, this.#link, this.#options.uuid);
    const proxy = hasBootFile(ack) ? undefined : proxies.find(isPxeServer);
    this.lease = proxy ? withBootFile(own, proxy) : own;
    // A server that says it boots PXE clients and names no file wants to be asked on its own port.
    const silent = proxy ?? ack;
    const wantsAsking = !hasBootFile(silent) && textOption(silent, 60).startsWith("PXEClient");
    this.#bootServer = wantsAsking ? bootServerToAsk(silent) : null;
    const file = this.lease.url ?? this.lease.file ?? this.lease.conf ?? this.lease.prefix ?? "no boot file";
    const from = proxy ? ` by the proxy ${serverOf(proxy)}` : "";
    log.info(`${this.lease.origin}: ${this.lease.ip}, boot from ${this.lease.server ?? "nowhere"}: ${file}${from}`);
  }

  async askProxy(): Promise<Lease> {
    const { address, vendor, title } = this.#bootServer ?? { address: null, vendor: null, title: null };
    if (address === null) return this.lease;
    if (title !== null) log.info(`${this.#link.name}: the boot server's menu begins with '${title}', which is taken`);
    const answer = await this.#askBootServer(address, vendor);
    if (answer === null) {
      log.warn(`${this.#link.name}: the boot server ${address} (proxyDHCP) does not answer on its port 4011`);
      return this.lease;
    }
    let best = answer;
    if (startsIpxe(answer) && !this.#socket.isIpxe) {
      this.#socket.isIpxe = true;
      const script = await this.#askBootServer(address, vendor);
      if (script !== null && hasBootFile(script) && !startsIpxe(script)) best = script;
      else this.#socket.isIpxe = false;
    }
    this.lease = withBootFile(this.lease, best);
    log.info(`${this.#link.name}: boot from ${this.lease.server ?? address}: ${this.lease.url ?? this.lease.file}`);
    return this.lease;
  }

  async #askBootServer(address: string, vendor: Uint8Array | null): Promise<Heard | null> {
    const answered: Heard[] = [];
    let tries = 0;
    this.#socket.startOver();
    await this.#socket.exchange({
      retryMs: this.#times.retry,
      timeoutMs: Math.min(Math.max(this.#left(), 5 * this.#times.retry), 15 * this.#times.retry),
      signal: this.#options.signal,
      send: () => {
        if (tries++ > 3) return;
        const to = { ciaddr: this.lease.ip!, host: address, port: this.#socket.ports.proxy };
        this.#socket.send(DHCP.request, vendor === null ? [] : [[43, vendor]], to);
      },
      take: (heard) => {
        if (heard.type !== DHCP.ack) return null;
        answered.push(heard);
        return 0;
      },
    });
    return answered[0] ?? null;
  }

  keep(onLost: (why: string) => void): void {
    if (this.#ack !== null) this.#keeper = new Dhcp4Keeper(this.#socket, this.#link.name, this.#ack, onLost);
  }
}
