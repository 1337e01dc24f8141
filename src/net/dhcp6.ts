/**
 * DHCPv6 (RFC 8415) for what router advertisements don't say: addresses that a server hands out, name servers, and the
 * boot file's URL (RFC 5970). Addresses from advertisements the kernel takes by itself.
 */

import { randomInt } from "node:crypto";
import { createSocket, type Socket } from "node:dgram";
import { BatonError } from "../errors.ts";
import { log } from "../log.ts";
import { architectureNumber, type ClientFacts, guidBytes, vendorClass } from "./clientfacts.ts";
import {
  addressIn,
  bootUrl,
  decodeMessage,
  encodeMessage,
  findOption,
  type Granted,
  type Message6,
  OPTION,
  type Options6,
  refusalIn,
  TYPE,
  u16,
} from "./dhcp6packet.ts";
import type { Link } from "./links.ts";

const EVERY_SERVER = "ff02::1:2";
/** IANA's number of Intel, who made PXE. */
const INTEL = [0, 0, 1, 0x57];
const WANTED = [OPTION.dns, OPTION.search, OPTION.sntp, OPTION.ntp, OPTION.url, OPTION.parameters];
/** How long a server that says what to boot is waited for after one that doesn't. */
const GATHER_MS = 300;
const MIN_RENEWAL_MS = 1000;
const MAX_TIMER_MS = 2 ** 31 - 1;

/** What a server said, and the address that it gave. */
export interface Told {
  readonly options: Options6;
  readonly granted: Granted | null;
}

export class Dhcp6Client {
  readonly #link: Link;
  readonly #facts: ClientFacts;
  readonly #socket: Socket;
  readonly #duid: Buffer;
  readonly #began = performance.now();
  #hear: ((message: Message6) => void) | null = null;
  #timer: NodeJS.Timeout | undefined;
  /** Ends what is being waited for, when the client closes. */
  readonly #closing = new AbortController();

  constructor(link: Link, facts: ClientFacts) {
    this.#link = link;
    this.#facts = facts;
    this.#duid = duidOf(link, facts.uuid);
    this.#socket = createSocket({ type: "udp6", reuseAddr: true, ipv6Only: true });
    this.#socket.on("message", (bytes) => {
      const message = decodeMessage(bytes);
      if (message === null || !findOption(message.options, OPTION.clientId)?.equals(this.#duid)) return;
      this.#hear?.(message);
    });
    this.#socket.on("error", (error) => log.debug(`${link.name}: DHCPv6: ${error.message}`));
  }

  /** @param address the link's own, of which answers are heard */
  async open(address: string): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const cancel = (): void => reject(new BatonError("cancelled", `${this.#link.name}: DHCPv6: cancelled`));
      if (this.#closing.signal.aborted) return cancel();
      this.#closing.signal.addEventListener("abort", cancel);
      this.#socket.once("error", reject);
      this.#socket.bind(546, `${address}%${this.#link.name}`, resolve);
    });
  }

  /** At any time, also while a question is open: it is answered by null. */
  close(): void {
    if (this.#closing.signal.aborted) return;
    this.#closing.abort();
    clearTimeout(this.#timer);
    this.#hear = null;
    try {
      this.#socket.close();
    } catch {
      // It never opened.
    }
  }

  /**
   * Asks for an address and for information alone, since some servers answer only one of the two.
   * @param needsAddress no router has given one
   * @returns null where nobody answers within the time
   */
  async ask(ms: number, needsAddress: boolean): Promise<Told | null> {
    const ids = { solicit: randomInt(2 ** 24), information: randomInt(2 ** 24) };
    this.#send(TYPE.solicit, ids.solicit, [[OPTION.iaNa, this.#identity()]]);
    this.#send(TYPE.information, ids.information, []);
    const advertised: Options6[] = [];
    const told: Options6[] = [];
    await this.#listen(ms, ({ type, id, options }) => {
      if (type === TYPE.advertise && id === ids.solicit) {
        if (addressIn(options) !== null) advertised.push(options);
        else log.debug(`${this.#link.name}: DHCPv6: ${refusalIn(options) ?? "the server has no address"}`);
      }
      if (type === TYPE.reply && id === ids.information) told.push(options);
      // What comes with an address has the information too.
      if (advertised.some((options) => bootUrl(options) !== null)) return 0;
      return advertised.length > 0 || (told.length > 0 && !needsAddress) ? GATHER_MS : null;
    });
    const [offer] = advertised.sort((a, b) => worth(b) - worth(a));
    const granted = offer === undefined ? null : await this.#request(offer, ms);
    if (granted !== null) return granted;
    const [best] = told.sort((a, b) => worth(b) - worth(a));
    return best === undefined ? null : { options: best, granted: null };
  }

  async #request(offer: Options6, ms: number): Promise<Told | null> {
    const server = findOption(offer, OPTION.serverId);
    const identity = findOption(offer, OPTION.iaNa);
    if (server === null || identity === null) return null;
    const options = await this.#question(
      TYPE.request,
      [
        [OPTION.serverId, server],
        [OPTION.iaNa, identity],
      ],
      ms,
    );
    const granted = options && addressIn(options);
    if (options !== null && granted === null) {
      log.warn(`${this.#link.name}: DHCPv6: the server takes its offer back: ${refusalIn(options) ?? "no address"}`);
    }
    return granted ? { options: options!, granted } : null;
  }

  /**
   * Renews an address while it lasts (RFC 8415, 18.2.4 and 18.2.5).
   * @param onLost its time is over, or the server has taken it back
   */
  keep(told: Told, onLost: (why: string) => void): void {
    const { granted } = told;
    if (granted === null || granted.valid === 0xffffffff) return;
    const from = performance.now();
    const server = findOption(told.options, OPTION.serverId);
    const at = (ms: number): void => {
      this.#timer = setTimeout(() => void ask(), Math.min(Math.max(ms, MIN_RENEWAL_MS), MAX_TIMER_MS)).unref();
    };
    const ask = async (): Promise<void> => {
      const passed = (performance.now() - from) / 1000;
      if (passed >= granted.valid) {
        return onLost(
          `${this.#link.name}: the time of the address ${granted.ip} is over, and no DHCPv6 server renewed it`,
        );
      }
      if (passed < granted.renew) return at((granted.renew - passed) * 1000);
      const isRebinding = passed >= granted.rebind || server === null;
      const words: Options6 = [
        ...(isRebinding ? [] : [[OPTION.serverId, server] as const]),
        [OPTION.iaNa, granted.identity],
      ];
      const options = await this.#question(isRebinding ? TYPE.rebind : TYPE.renew, words, MIN_RENEWAL_MS);
      if (this.#closing.signal.aborted) return;
      const again = options && addressIn(options);
      if (options !== null && again?.ip !== granted.ip) {
        return onLost(
          `${this.#link.name}: the DHCPv6 server takes ${granted.ip} back: ${refusalIn(options) ?? "it is gone"}`,
        );
      }
      if (options !== null) {
        log.info(`${this.#link.name}: ${granted.ip} is renewed`);
        return this.keep({ options, granted: again! }, onLost);
      }
      at(((isRebinding ? granted.valid : granted.rebind) - passed) * 500);
    };
    this.#socket.unref();
    at(granted.renew * 1000);
  }

  /** One question to which one answer comes; null where none does. */
  async #question(type: number, words: Options6, ms: number): Promise<Options6 | null> {
    const id = randomInt(2 ** 24);
    const answers: Options6[] = [];
    this.#send(type, id, words);
    await this.#listen(ms, (message) => {
      if (message.type !== TYPE.reply || message.id !== id) return null;
      answers.push(message.options);
      return 0;
    });
    return answers[0] ?? null;
  }

  /** @param take null to listen on, else milliseconds until it is enough */
  #listen(ms: number, take: (message: Message6) => number | null): Promise<void> {
    return new Promise((resolve) => {
      let enough: NodeJS.Timeout | undefined;
      const end = (): void => {
        clearTimeout(timer);
        clearTimeout(enough);
        closing.removeEventListener("abort", end);
        this.#hear = null;
        resolve();
      };
      const closing = this.#closing.signal;
      if (closing.aborted) return resolve();
      closing.addEventListener("abort", end);
      const timer = setTimeout(end, ms);
      this.#hear = (message) => {
        const more = take(message);
        if (more === 0) end();
        else if (more !== null) enough ??= setTimeout(end, more);
      };
    });
  }

  /** IAID: the same at every start. */
  #identity(): Buffer {
    return Buffer.concat([Buffer.from(this.#link.mac.replaceAll(":", ""), "hex").subarray(2), Buffer.alloc(8)]);
  }

  #send(type: number, id: number, options: Options6): void {
    if (this.#closing.signal.aborted) return;
    const elapsed = Math.min(0xffff, Math.round((performance.now() - this.#began) / 10));
    const vendor = Buffer.from(vendorClass(this.#facts));
    const message = encodeMessage({
      type,
      id,
      options: [
        [OPTION.clientId, this.#duid],
        ...options,
        [OPTION.elapsed, u16(elapsed)],
        [OPTION.wanted, Buffer.concat(WANTED.map(u16))],
        [OPTION.architecture, u16(architectureNumber(this.#facts))],
        [OPTION.vendorClass, Buffer.concat([Buffer.from(INTEL), u16(vendor.length), vendor])],
      ],
    });
    this.#socket.send(message, 547, `${EVERY_SERVER}%${this.#link.name}`, (error) => {
      if (error) log.debug(`${this.#link.name}: DHCPv6: ${error.message}`);
    });
  }
}

/** Who says what to boot is worth most, then whom its owner prefers. */
const worth = (options: Options6): number =>
  (bootUrl(options) === null ? 0 : 1000) + (findOption(options, OPTION.preference)?.[0] ?? 0);

/**
 * The same at every start: by the machine's UUID, as firmware that boots by IPv6 does (RFC 6355, and RFC 5970's 5), else by
 * its hardware address (RFC 8415, 11.4).
 */
function duidOf(link: Link, uuid: string | null): Buffer {
  if (uuid !== null) return Buffer.concat([u16(4), guidBytes(uuid)]);
  return Buffer.concat([u16(3), u16(link.hardwareType), Buffer.from(link.mac.replaceAll(":", ""), "hex")]);
}
