/**
 * DHCPv6 (RFC 8415) for what router advertisements don't say: name servers, and the boot file's URL (RFC 5970).
 * Addresses from advertisements the kernel takes by itself.
 */

import { randomInt } from "node:crypto";
import { createSocket, type Socket } from "node:dgram";
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { BatonError } from "../errors.ts";
import { addAddress, ipBytes } from "../linux/rtnetlink.ts";
import { log } from "../log.ts";
import { architectureNumber, type ClientFacts } from "./dhcp4.ts";
import { zeroEnded } from "./dhcp4packet.ts";
import { type Lease, lease } from "./lease.ts";
import type { Link } from "./links.ts";

const TYPE = { solicit: 1, advertise: 2, request: 3, reply: 7, information: 11 } as const;
const OPTION = {
  ...{ clientId: 1, serverId: 2, iaNa: 3, iaAddress: 5, wanted: 6, elapsed: 8, status: 13, vendorClass: 16 },
  ...{ dns: 23, search: 24, sntp: 31, ntp: 56, url: 59, parameters: 60, architecture: 61 },
} as const;
const EVERY_SERVER = "ff02::1:2";
const RETRY_MS = 1000;

type Options = readonly (readonly [number, Uint8Array])[];

interface Message {
  readonly type: number;
  readonly id: number;
  readonly options: Options;
}

export function encodeMessage({ type, id, options }: Message): Buffer {
  const header = Buffer.from([type, (id >> 16) & 0xff, (id >> 8) & 0xff, id & 0xff]);
  return Buffer.concat([
    header,
    ...options.flatMap(([code, value]) => [u16(code), u16(value.length), Buffer.from(value)]),
  ]);
}

/** @returns null for what is no DHCPv6 message */
export function decodeMessage(bytes: Buffer): Message | null {
  if (bytes.length < 4) return null;
  return { type: bytes[0]!, id: bytes.readUIntBE(1, 3), options: decodeOptions(bytes.subarray(4)) };
}

function decodeOptions(bytes: Buffer): Options {
  const options: (readonly [number, Uint8Array])[] = [];
  for (let at = 0; at + 4 <= bytes.length; ) {
    const length = bytes.readUInt16BE(at + 2);
    if (at + 4 + length > bytes.length) break;
    options.push([bytes.readUInt16BE(at), bytes.subarray(at + 4, at + 4 + length)]);
    at += 4 + length;
  }
  return options;
}

function u16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value);
  return bytes;
}

const find = (options: Options, code: number): Buffer | null => {
  const found = options.find(([known]) => known === code)?.[1];
  return found === undefined ? null : Buffer.from(found);
};

/** `2001:db8::5`, the longest run of zeros left out. */
export function ip6Text(bytes: Uint8Array): string {
  const groups = Array.from({ length: 8 }, (_, i) => ((bytes[i * 2]! << 8) | bytes[i * 2 + 1]!).toString(16));
  const runs = [...groups.join(":").matchAll(/(?:^|(?<=:))0(?::0)+(?=:|$)/g)].sort((a, b) => b[0].length - a[0].length);
  const [run] = runs;
  if (run === undefined) return groups.join(":");
  const text = groups.join(":");
  return `${text.slice(0, run.index).replace(/:$/, "")}::${text.slice(run.index + run[0].length).replace(/^:/, "")}`;
}

/** An address as /proc/net/if_inet6 lists it. */
export interface Address6 {
  readonly ip: string;
  readonly bits: number;
  readonly isLinkLocal: boolean;
  /** Whether nobody else has it is still being found out. */
  readonly isTentative: boolean;
}

export function parseIfInet6(text: string, name: string): Address6[] {
  return text.split("\n").flatMap((line) => {
    const [hex = "", , bits = "", scope, flags = "", device] = line.trim().split(/\s+/);
    if (device !== name || hex.length !== 32) return [];
    return [
      {
        ip: ip6Text(Buffer.from(hex, "hex")),
        bits: Number.parseInt(bits, 16),
        isLinkLocal: scope === "20",
        isTentative: (Number.parseInt(flags, 16) & 0x40) !== 0,
      },
    ];
  });
}

function addressesOf(link: Link): Address6[] {
  try {
    return parseIfInet6(readFileSync("/proc/net/if_inet6", "utf8"), link.name).filter((one) => !one.isTentative);
  } catch {
    return [];
  }
}

/**
 * An IPv6 address by advertisement or DHCPv6, and what DHCPv6 says beside.
 * @throws BatonError `timeout` where there is no router and no server
 */
export async function acquire6(
  link: Link,
  facts: ClientFacts,
  timeoutMs: number,
  signal?: AbortSignal,
): Promise<Lease> {
  const end = performance.now() + timeoutMs;
  const isOver = (): boolean => performance.now() >= end || signal?.aborted === true;
  while (!addressesOf(link).some((one) => one.isLinkLocal) && !isOver()) await sleep(50);
  const client = new Client(link, facts);
  try {
    await client.open();
    let told: Options | null = null;
    for (let wait = RETRY_MS; !isOver(); wait = Math.min(wait * 2, 8000)) {
      told = await client.ask(Math.min(wait, Math.max(0, end - performance.now())));
      if (told !== null) break;
      // A router alone is enough for a URL that somebody gave.
      if (addressesOf(link).some((one) => !one.isLinkLocal) && wait > RETRY_MS * 2) break;
    }
    const isGlobal = (one: Address6): boolean => !one.isLinkLocal;
    while (!addressesOf(link).some(isGlobal) && !isOver()) await sleep(50);
    const address = addressesOf(link).find(isGlobal);
    if (address === undefined) {
      const seconds = Math.round(timeoutMs / 1000);
      throw new BatonError(
        "timeout",
        `${link.name}: no IPv6 router advertised a network within ${seconds} s, and no DHCPv6 server gave an address`,
      );
    }
    return leaseOf(link, facts, address, told ?? []);
  } finally {
    client.close();
  }
}

function leaseOf(link: Link, facts: ClientFacts, address: Address6, options: Options): Lease {
  const url = find(options, OPTION.url);
  const list = (code: number): string[] => {
    const bytes = find(options, code);
    return bytes === null
      ? []
      : Array.from({ length: Math.floor(bytes.length / 16) }, (_, i) => ip6Text(bytes.subarray(i * 16)));
  };
  const result = lease({
    origin: options.length > 0 ? `DHCPv6 on ${link.name}` : `IPv6 router on ${link.name}`,
    interface: link.name,
    mac: link.mac,
    hardwareType: link.hardwareType,
    ip: address.ip,
    prefixLength: address.bits,
    dns: list(OPTION.dns),
    ntp: list(OPTION.sntp),
    uuid: facts.uuid,
    url: url === null ? null : zeroEnded(url).trim() || null,
    parameters: parametersOf(find(options, OPTION.parameters)),
  });
  log.info(`${result.origin}: ${result.ip}/${address.bits}, boot from ${result.url ?? "nowhere"}`);
  return result;
}

/** Each with its length before it. */
function parametersOf(bytes: Buffer | null): string[] {
  const list: string[] = [];
  for (let at = 0; bytes !== null && at + 2 <= bytes.length; ) {
    const length = bytes.readUInt16BE(at);
    list.push(bytes.toString("utf8", at + 2, at + 2 + length));
    at += 2 + length;
  }
  return list;
}

class Client {
  readonly #link: Link;
  readonly #facts: ClientFacts;
  readonly #socket: Socket;
  readonly #duid: Buffer;
  readonly #began = performance.now();
  #hear: ((message: Message) => void) | null = null;

  constructor(link: Link, facts: ClientFacts) {
    this.#link = link;
    this.#facts = facts;
    // DUID-LL (RFC 8415, 11.4): the same at every start.
    this.#duid = Buffer.concat([u16(3), u16(link.hardwareType), Buffer.from(link.mac.replaceAll(":", ""), "hex")]);
    this.#socket = createSocket({ type: "udp6", reuseAddr: true, ipv6Only: true });
    this.#socket.on("message", (bytes) => {
      const message = decodeMessage(bytes);
      if (message !== null) this.#hear?.(message);
    });
    this.#socket.on("error", (error) => log.debug(`${link.name}: DHCPv6: ${error.message}`));
  }

  async open(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#socket.once("error", reject);
      this.#socket.bind(546, `::%${this.#link.name}`, () => resolve());
    }).catch(() => new Promise<void>((resolve) => this.#socket.bind(546, () => resolve())));
  }

  close(): void {
    try {
      this.#socket.close();
    } catch {
      // It never opened.
    }
  }

  /** Asks for an address and for information alone; whoever has the one or the other answers. */
  async ask(ms: number): Promise<Options | null> {
    const ids = { solicit: randomInt(2 ** 24), information: randomInt(2 ** 24) };
    const identity = Buffer.concat([
      Buffer.from(this.#link.mac.replaceAll(":", ""), "hex").subarray(2),
      Buffer.alloc(8),
    ]);
    this.#send(TYPE.solicit, ids.solicit, [[OPTION.iaNa, identity]]);
    this.#send(TYPE.information, ids.information, []);
    let advertised: Options | null = null;
    let told: Options | null = null;
    await this.#listen(ms, ({ type, id, options }) => {
      if (type === TYPE.advertise && id === ids.solicit && addressIn(options) !== null) advertised ??= options;
      if (type === TYPE.reply && id === ids.information) told ??= options;
      // What comes with an address has the information too.
      return advertised !== null || (told !== null && find(told, OPTION.url) !== null);
    });
    const offer = advertised as Options | null;
    if (offer === null) return told;
    const server = find(offer, OPTION.serverId);
    const ia = find(offer, OPTION.iaNa);
    if (server === null || ia === null) return told;
    const id = randomInt(2 ** 24);
    this.#send(TYPE.request, id, [
      [OPTION.serverId, server],
      [OPTION.iaNa, ia],
    ]);
    let granted: Options | null = null;
    await this.#listen(ms, (message) => {
      if (message.type === TYPE.reply && message.id === id) granted = message.options;
      return granted !== null;
    });
    const options = granted as Options | null;
    const address = options && addressIn(options);
    if (options === null || !address) return told;
    addAddress(this.#link.index, address, 128);
    return options;
  }

  #listen(ms: number, take: (message: Message) => boolean): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#hear = (message) => {
        if (!take(message)) return;
        clearTimeout(timer);
        resolve();
      };
    });
  }

  #send(type: number, id: number, options: Options): void {
    const elapsed = Math.min(0xffff, Math.round((performance.now() - this.#began) / 10));
    const arch = architectureNumber(this.#facts);
    const vendor = Buffer.from(`PXEClient:Arch:${String(arch).padStart(5, "0")}:UNDI:003016`);
    const message = encodeMessage({
      type,
      id,
      options: [
        [OPTION.clientId, this.#duid],
        ...options,
        [OPTION.elapsed, u16(elapsed)],
        [
          OPTION.wanted,
          Buffer.concat([OPTION.dns, OPTION.search, OPTION.sntp, OPTION.url, OPTION.parameters].map(u16)),
        ],
        [OPTION.architecture, u16(arch)],
        // IANA's number of Intel, who made PXE.
        [OPTION.vendorClass, Buffer.concat([Buffer.from([0, 0, 1, 0x57]), u16(vendor.length), vendor])],
      ],
    });
    this.#socket.send(message, 547, `${EVERY_SERVER}%${this.#link.name}`, (error) => {
      if (error) log.debug(`${this.#link.name}: DHCPv6: ${error.message}`);
    });
  }
}

/** The first address of an IA_NA, null where the server has none. */
function addressIn(options: Options): string | null {
  const ia = find(options, OPTION.iaNa);
  const address = ia && find(decodeOptions(ia.subarray(12)), OPTION.iaAddress);
  return address && address.length >= 24 ? ip6Text(address.subarray(0, 16)) : null;
}

/** True for the same address however it is written. */
export const sameAddress6 = (a: string, b: string): boolean => ipBytes(a).equals(ipBytes(b));
