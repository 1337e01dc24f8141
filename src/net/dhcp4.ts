/**
 * A DHCP client (RFC 2131) for a machine that boots: it says what it is as PXE clients do (RFC 4578), hears every
 * server that answers and takes the one that offers most, asks proxies for the boot file, and keeps what it got.
 */

import { randomInt } from "node:crypto";
import { createSocket, type Socket } from "node:dgram";
import { BatonError, describeError } from "../errors.ts";
import { bindToDevice } from "../linux/socketdevice.ts";
import { log } from "../log.ts";
import {
  addressBytes,
  addressList,
  classlessRoutes,
  DHCP,
  type DhcpMessage,
  decodeMessage,
  encodeQuestion,
  number16,
  number32,
  searchList,
  staticRoutes,
  subOptions,
  zeroEnded,
} from "./dhcp4packet.ts";
import { type Lease, lease } from "./lease.ts";
import type { Link } from "./links.ts";

/** What this machine says it is. */
export interface ClientFacts {
  readonly firmware: "efi" | "pc";
  /** As `uname -m`. */
  readonly arch: string;
  /** SMBIOS UUID as text; null where there is none. */
  readonly uuid: string | null;
}

export interface Dhcp4Options extends ClientFacts {
  /** Until no server's answer is waited for any more. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
  readonly times?: Partial<Dhcp4Times>;
  /** For tests, which are not root. */
  readonly ports?: { readonly client: number; readonly server: number; readonly proxy: number; readonly host: string };
}

/** Milliseconds. */
export interface Dhcp4Times {
  /** Until a message is sent again; twice as long each further time. */
  readonly retry: number;
  /** How long better offers are waited for after one with a boot file. */
  readonly gatherGood: number;
  /** After one without: a proxy may know the boot file. */
  readonly gather: number;
}

const TIMES: Dhcp4Times = { retry: 1000, gatherGood: 250, gather: 2000 };
const PORTS = { client: 68, server: 67, proxy: 4011, host: "255.255.255.255" };
const LONGEST_RETRY_MS = 8000;
const MOST_NAKS = 3;
const LEAST_RENEWAL_MS = 60_000;
/** setTimeout takes no more. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

const WANTED = [
  1, 3, 6, 12, 15, 17, 26, 28, 33, 42, 43, 51, 54, 58, 59, 60, 66, 67, 97, 119, 121, 128, 129, 150, 175, 209, 210,
];

/** Client architectures (RFC 4578, and IANA's list after it). */
export function architectureNumber({ firmware, arch }: Pick<ClientFacts, "firmware" | "arch">): number {
  if (firmware === "pc") return 0;
  return { x86_64: 7, aarch64: 11, i386: 6, i686: 6, riscv64: 27 }[arch] ?? 7;
}

/** What a server gave, and how to keep it. */
export interface Dhcp4Lease {
  readonly lease: Lease;
  /** A proxy that has to be asked for the boot file once the address is set; null where that isn't needed. */
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
    await client.open();
    return await client.acquire();
  } catch (error) {
    client.close();
    throw error;
  }
}

interface Heard {
  readonly message: DhcpMessage;
  readonly type: number;
  readonly from: string;
}

class Client implements Dhcp4Lease {
  readonly #link: Link;
  readonly #options: Dhcp4Options;
  readonly #times: Dhcp4Times;
  readonly #ports: NonNullable<Dhcp4Options["ports"]>;
  readonly #socket: Socket;
  readonly #began = performance.now();
  readonly #mac: Uint8Array;
  #xid = 0;
  #hear: ((heard: Heard) => void) | null = null;
  #timer: NodeJS.Timeout | null = null;
  #ack: Heard | null = null;
  #proxyOffer: Heard | null = null;
  lease: Lease = lease({ origin: "DHCP" });
  proxy: string | null = null;

  constructor(link: Link, options: Dhcp4Options) {
    this.#link = link;
    this.#options = options;
    this.#times = { ...TIMES, ...options.times };
    this.#ports = options.ports ?? PORTS;
    this.#mac = Uint8Array.from(link.mac.split(":").map((byte) => Number.parseInt(byte, 16)));
    this.#socket = createSocket({ type: "udp4", reuseAddr: true });
    this.#socket.on("message", (bytes, from) => {
      const message = decodeMessage(bytes);
      if (message === null || message.op !== 2 || message.xid !== this.#xid) return;
      if (!Buffer.from(message.chaddr).equals(Buffer.from(this.#mac))) return;
      this.#hear?.({ message, type: message.options.get(53)?.[0] ?? 0, from: from.address });
    });
    this.#socket.on("error", (error) => log.warn(`${link.name}: DHCP: ${error.message}`));
  }

  async open(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#socket.once("error", reject);
      this.#socket.bind(this.#ports.client, () => {
        this.#socket.off("error", reject);
        resolve();
      });
    });
    this.#socket.setBroadcast(true);
    if (this.#options.ports === undefined) bindToDevice(this.#socket, this.#link.name);
  }

  close(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    try {
      this.#socket.close();
    } catch {
      // It is closed already.
    }
  }

  async acquire(): Promise<Dhcp4Lease> {
    for (let naks = 0; ; naks++) {
      const { offer, proxies } = await this.#discover();
      const answer = await this.#request(offer);
      if (answer.type === DHCP.ack) {
        this.#accept(answer, proxies);
        return this;
      }
      const why = zeroEnded(answer.message.options.get(56) ?? new Uint8Array());
      const server = serverOf(answer);
      const text = `${this.#link.name}: the DHCP server ${server} takes its offer back (NAK${why ? `: ${why}` : ""})`;
      log.warn(text);
      if (naks + 1 >= MOST_NAKS) throw new BatonError("refused", `${text}, ${MOST_NAKS} times; look at its log`);
    }
  }

  #left(): number {
    return this.#options.timeoutMs - (performance.now() - this.#began);
  }

  /** Asks everybody, and chooses among those that answer. */
  async #discover(): Promise<{ offer: Heard; proxies: readonly Heard[] }> {
    this.#xid = randomInt(2 ** 32);
    const offers: Heard[] = [];
    const proxies: Heard[] = [];
    await this.#exchange(
      () => this.#send(DHCP.discover, []),
      (heard) => {
        if (heard.type !== DHCP.offer) return null;
        if (heard.message.yiaddr === "0.0.0.0") proxies.push(heard);
        else offers.push(heard);
        if (offers.length === 0) return null;
        return [...offers, ...proxies].some(hasBootFile) ? this.#times.gatherGood : this.#times.gather;
      },
    );
    if (offers.length === 0) {
      const seconds = Math.round(this.#options.timeoutMs / 1000);
      const heard = proxies.length > 0 ? "only a proxy, which gives no addresses" : "nobody";
      throw new BatonError(
        "timeout",
        `${this.#link.name}: no DHCP server gave an address within ${seconds} s (${heard} answered)`,
      );
    }
    const [best, ...others] = [...offers].sort((a, b) => worth(b) - worth(a));
    if (others.length > 0) {
      const names = others.map((other) => serverOf(other)).join(", ");
      const why = worth(best!) > worth(others[0]!) ? "it offers more" : "it answered first";
      log.info(
        `${this.#link.name}: ${offers.length} DHCP servers answer; ${serverOf(best!)} is taken, since ${why}; left aside: ${names}`,
      );
    }
    return { offer: best!, proxies };
  }

  async #request(offer: Heard): Promise<Heard> {
    const { message } = offer;
    const server = message.options.get(54);
    let answer: Heard | null = null;
    await this.#exchange(
      () => this.#send(DHCP.request, [[50, addressBytes(message.yiaddr)], ...(server ? [[54, server] as const] : [])]),
      (heard) => {
        if (heard.type !== DHCP.ack && heard.type !== DHCP.nak) return null;
        // Another server's NAK says nothing about this one's offer.
        if (server && !Buffer.from(heard.message.options.get(54) ?? server).equals(Buffer.from(server))) return null;
        answer = heard;
        return 0;
      },
    );
    if (answer !== null) return answer;
    throw new BatonError(
      "timeout",
      `${this.#link.name}: the DHCP server ${serverOf(offer)} made an offer and then fell silent`,
    );
  }

  /**
   * Sends until something is heard.
   * @param take looks at an answer: null to go on as before, else milliseconds until it is enough
   */
  #exchange(send: () => void, take: (heard: Heard) => number | null): Promise<void> {
    const { signal } = this.#options;
    return new Promise((resolve, reject) => {
      let wait = this.#times.retry;
      let enough: NodeJS.Timeout | null = null;
      let again: NodeJS.Timeout;
      const end = (error: BatonError | null): void => {
        this.#hear = null;
        clearTimeout(again);
        clearTimeout(deadline);
        if (enough !== null) clearTimeout(enough);
        signal?.removeEventListener("abort", onAbort);
        if (error) reject(error);
        else resolve();
      };
      const onAbort = (): void => end(new BatonError("cancelled", `${this.#link.name}: DHCP was cancelled`));
      const deadline = setTimeout(() => end(null), Math.max(0, this.#left()));
      const repeat = (): void => {
        send();
        // RFC 2131, 4.1: machines that were switched on together should not all ask at the same time.
        again = setTimeout(repeat, wait + randomInt(Math.max(1, Math.round(wait / 4))));
        wait = Math.min(wait * 2, LONGEST_RETRY_MS);
      };
      this.#hear = (heard) => {
        const ms = take(heard);
        if (ms === null) return;
        if (ms === 0) return end(null);
        if (enough !== null && ms < this.#times.gather) clearTimeout(enough);
        if (enough === null || ms < this.#times.gather) enough = setTimeout(() => end(null), ms);
      };
      signal?.addEventListener("abort", onAbort, { once: true });
      if (signal?.aborted) return onAbort();
      repeat();
    });
  }

  #send(
    type: number,
    options: readonly (readonly [number, Uint8Array])[],
    to: { ciaddr?: string; host?: string; port?: number } = {},
  ): void {
    const { uuid } = this.#options;
    const arch = architectureNumber(this.#options);
    const known: (readonly [number, Uint8Array])[] = [
      [53, Uint8Array.of(type)],
      ...options,
      [57, Uint8Array.of(1472 >> 8, 1472 & 0xff)],
      [55, Uint8Array.from(WANTED)],
      [60, Buffer.from(`PXEClient:Arch:${String(arch).padStart(5, "0")}:UNDI:003016`)],
      [77, Buffer.from("Baton")],
      [93, Uint8Array.of(arch >> 8, arch & 0xff)],
      [94, Uint8Array.of(1, 3, 16)],
    ];
    if (uuid !== null) known.push([97, Buffer.concat([Buffer.from([0]), guidBytes(uuid)])]);
    const question = encodeQuestion({
      xid: this.#xid,
      mac: this.#mac,
      hardwareType: this.#link.hardwareType,
      secs: Math.round((performance.now() - this.#began) / 1000),
      broadcast: to.ciaddr === undefined,
      ...(to.ciaddr === undefined ? {} : { ciaddr: to.ciaddr }),
      options: known,
    });
    this.#socket.send(question, to.port ?? this.#ports.server, to.host ?? this.#ports.host, (error) => {
      if (error) log.debug(`${this.#link.name}: DHCP: ${describeError(error)}`);
    });
  }

  #accept(ack: Heard, proxies: readonly Heard[]): void {
    this.#ack = ack;
    const own = leaseOf(ack, this.#link, this.#options);
    const proxy = hasBootFile(ack) ? undefined : proxies.find(isPxeServer);
    this.#proxyOffer = proxy ?? null;
    this.lease = proxy ? withBootFile(own, proxy) : own;
    // A proxy that names no file yet wants to be asked on its own port.
    this.proxy = proxy && !hasBootFile(proxy) ? serverOf(proxy) : null;
    const file = this.lease.url ?? this.lease.file ?? this.lease.conf ?? this.lease.prefix ?? "no boot file";
    log.info(`${this.lease.origin}: ${this.lease.ip}, boot from ${this.lease.server ?? "nowhere"}: ${file}`);
  }

  async askProxy(): Promise<Lease> {
    const { proxy } = this;
    if (proxy === null || this.#proxyOffer === null) return this.lease;
    let answer: Heard | null = null;
    let tries = 0;
    this.#xid = randomInt(2 ** 32);
    await this.#exchange(
      () => {
        if (tries++ > 3) return;
        this.#send(DHCP.request, [], { ciaddr: this.lease.ip!, host: proxy, port: this.#ports.proxy });
      },
      (heard) => {
        if (heard.type !== DHCP.ack) return null;
        answer = heard;
        return 0;
      },
    );
    if (answer === null)
      log.warn(`${this.#link.name}: the boot server ${proxy} (proxyDHCP) does not answer on its port`);
    else this.lease = withBootFile(this.lease, answer);
    return this.lease;
  }

  keep(onLost: (why: string) => void): void {
    const seconds = this.lease.seconds;
    if (seconds === null || this.#ack === null) return;
    const { options } = this.#ack.message;
    const from = performance.now();
    const ends = seconds * 1000;
    const renew = (number32(options.get(58)) ?? seconds / 2) * 1000;
    const rebind = (number32(options.get(59)) ?? seconds * 0.875) * 1000;
    const at = (ms: number, work: () => void): void => {
      this.#timer = setTimeout(work, Math.min(ms, LONGEST_TIMER_MS));
      this.#timer.unref();
    };
    const ask = (): void => {
      const passed = performance.now() - from;
      if (passed >= ends) {
        this.#hear = null;
        onLost(`${this.#link.name}: the time of the address ${this.lease.ip} is over and no DHCP server renewed it`);
        return;
      }
      this.#xid = randomInt(2 ** 32);
      this.#hear = (heard) => {
        if (heard.type !== DHCP.ack && heard.type !== DHCP.nak) return;
        this.#hear = null;
        if (this.#timer !== null) clearTimeout(this.#timer);
        if (heard.type === DHCP.nak) return onLost(`${this.#link.name}: the DHCP server takes ${this.lease.ip} back`);
        log.debug(`${this.#link.name}: ${this.lease.ip} is renewed`);
        this.#ack = heard;
        this.keep(onLost);
      };
      const host = passed < rebind ? { host: serverOf(this.#ack!) } : {};
      this.#send(DHCP.request, [], { ciaddr: this.lease.ip!, ...host });
      const next = Math.max(LEAST_RENEWAL_MS, ((passed < rebind ? rebind : ends) - passed) / 2);
      at(Math.min(next, ends - passed), ask);
    };
    at(renew, ask);
    this.#socket.unref();
  }
}

const serverOf = ({ message, from }: Heard): string => {
  const id = message.options.get(54);
  return id?.length === 4 ? addressList(id)[0]! : from;
};

const text = (heard: Heard, option: number): string => zeroEnded(heard.message.options.get(option) ?? new Uint8Array());

const bootFileOf = (heard: Heard): string => heard.message.file || text(heard, 67);

const hasBootFile = (heard: Heard): boolean =>
  bootFileOf(heard) !== "" || text(heard, 209) !== "" || text(heard, 210) !== "";

/** RFC 4578 and PXE 2.1, 2.2.3. */
const isPxeServer = (heard: Heard): boolean => /^(PXE|HTTP)Client/.test(text(heard, 60)) || hasBootFile(heard);

/** A server that says what to boot is worth more than one that only gives addresses. */
function worth(heard: Heard): number {
  return (hasBootFile(heard) ? 4 : 0) + (heard.message.options.has(3) ? 2 : 0) + (heard.message.options.has(6) ? 1 : 0);
}

/** siaddr; the name in option 66; Cisco's option 150; the header's name; else whoever answered. */
function bootServerOf(heard: Heard): string | null {
  const { siaddr, sname, options } = heard.message;
  if (siaddr !== "0.0.0.0") return siaddr;
  const named = text(heard, 66) || addressList(options.get(150))[0] || sname;
  return named || (bootFileOf(heard) !== "" ? serverOf(heard) : null);
}

function withBootFile(base: Lease, heard: Heard): Lease {
  const name = bootFileOf(heard);
  const isUrl = /^[a-z][a-z0-9+.-]*:\/\//i.test(name);
  return {
    ...base,
    server: bootServerOf(heard) ?? base.server,
    file: isUrl ? null : name || base.file,
    url: isUrl ? name : base.url,
    conf: text(heard, 209) || base.conf,
    prefix: text(heard, 210) || base.prefix,
  };
}

function leaseOf(heard: Heard, link: Link, facts: ClientFacts): Lease {
  const { message } = heard;
  const { options } = message;
  const seconds = number32(options.get(51));
  const classless = classlessRoutes(options.get(121));
  const ipxe = subOptions(options.get(175));
  if (ipxe.size > 0) log.debug(`${link.name}: the DHCP server has ${ipxe.size} settings for iPXE (option 175)`);
  const base = lease({
    origin: `DHCP from ${serverOf(heard)} on ${link.name}`,
    interface: link.name,
    mac: link.mac,
    hardwareType: link.hardwareType,
    ip: message.yiaddr,
    netmask: addressList(options.get(1))[0] ?? null,
    // RFC 3442: with option 121 the routers of option 3 are not used.
    gateway:
      classless.find(({ bits }) => bits === 0)?.router ??
      (classless.length > 0 ? null : (addressList(options.get(3))[0] ?? null)),
    dns: addressList(options.get(6)),
    hostname: text(heard, 12) || null,
    domain: text(heard, 15) || null,
    search: searchList(options.get(119)),
    mtu: number16(options.get(26)),
    ntp: addressList(options.get(42)),
    routes: classless.length > 0 ? classless.filter(({ bits }) => bits > 0) : staticRoutes(options.get(33)),
    uuid: facts.uuid,
    rootPath: text(heard, 17) || null,
    dhcpServer: serverOf(heard),
    seconds: seconds === null || seconds === 0xffffffff ? null : seconds,
  });
  const booting = withBootFile(base, heard);
  return hasBootFile(heard) ? booting : { ...booting, server: bootServerOf(heard) };
}

/** SMBIOS and PXE have the first three parts in little-endian order (RFC 4578, 2.3 leaves it as firmware has it). */
function guidBytes(uuid: string): Buffer {
  const bytes = Buffer.from(uuid.replace(/-/g, ""), "hex");
  if (bytes.length !== 16) return Buffer.alloc(16);
  bytes.subarray(0, 4).reverse();
  bytes.subarray(4, 6).reverse();
  bytes.subarray(6, 8).reverse();
  return bytes;
}
