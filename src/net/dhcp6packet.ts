/** DHCPv6 messages (RFC 8415) and the options that boot (RFC 5970). Pure. */

import { zeroEnded } from "./dhcp4packet.ts";
import { ip6List, ip6Text } from "./ip6.ts";

export const TYPE = {
  ...{ solicit: 1, advertise: 2, request: 3, renew: 5, rebind: 6, reply: 7, information: 11 },
} as const;
export const OPTION = {
  ...{ clientId: 1, serverId: 2, iaNa: 3, iaAddress: 5, wanted: 6, preference: 7, elapsed: 8, status: 13 },
  ...{ vendorClass: 16, dns: 23, search: 24, sntp: 31, ntp: 56, url: 59, parameters: 60, architecture: 61 },
} as const;

export type Options6 = readonly (readonly [number, Uint8Array])[];

export interface Message6 {
  readonly type: number;
  readonly id: number;
  readonly options: Options6;
}

export function encodeMessage({ type, id, options }: Message6): Buffer {
  const header = Buffer.from([type, (id >> 16) & 0xff, (id >> 8) & 0xff, id & 0xff]);
  return Buffer.concat([
    header,
    ...options.flatMap(([code, value]) => [u16(code), u16(value.length), Buffer.from(value)]),
  ]);
}

/** @returns null for what is no DHCPv6 message */
export function decodeMessage(bytes: Buffer): Message6 | null {
  if (bytes.length < 4) return null;
  return { type: bytes[0]!, id: bytes.readUIntBE(1, 3), options: decodeOptions(bytes.subarray(4)) };
}

function decodeOptions(bytes: Buffer): Options6 {
  const options: (readonly [number, Uint8Array])[] = [];
  for (let at = 0; at + 4 <= bytes.length; ) {
    const length = bytes.readUInt16BE(at + 2);
    if (at + 4 + length > bytes.length) break;
    options.push([bytes.readUInt16BE(at), bytes.subarray(at + 4, at + 4 + length)]);
    at += 4 + length;
  }
  return options;
}

export function u16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value);
  return bytes;
}

export const findOption = (options: Options6, code: number): Buffer | null => {
  const found = options.find(([known]) => known === code)?.[1];
  return found === undefined ? null : Buffer.from(found);
};

/** The first address of an IA_NA that may be used, with its times in seconds. */
export interface Granted {
  readonly ip: string;
  /** As the server sent it, for asking again. */
  readonly identity: Buffer;
  readonly renew: number;
  readonly rebind: number;
  readonly valid: number;
}

/** @returns null where the server has no address */
export function addressIn(options: Options6): Granted | null {
  const identity = findOption(options, OPTION.iaNa);
  if (identity === null || identity.length < 12) return null;
  const address = findOption(decodeOptions(identity.subarray(12)), OPTION.iaAddress);
  if (address === null || address.length < 24) return null;
  const [preferred, valid] = [address.readUInt32BE(16), address.readUInt32BE(20)];
  if (valid === 0) return null;
  // RFC 8415, 14.2: zero leaves it to the client, who then asks after half of the preferred time.
  const renew = identity.readUInt32BE(4) || preferred * 0.5;
  const rebind = identity.readUInt32BE(8) || preferred * 0.8;
  return { ip: ip6Text(address), identity, renew, rebind, valid };
}

/** Why a server refuses, in its own words; null where it doesn't. */
export function refusalIn(options: Options6): string | null {
  const identity = findOption(options, OPTION.iaNa);
  const inner = identity === null || identity.length < 12 ? [] : decodeOptions(identity.subarray(12));
  for (const status of [findOption(options, OPTION.status), findOption(inner, OPTION.status)]) {
    if (status === null || status.length < 2 || status.readUInt16BE(0) === 0) continue;
    return status.toString("utf8", 2) || `status ${status.readUInt16BE(0)}`;
  }
  return null;
}

/** Addresses of time servers: the older option's list, and those in the newer one (RFC 5908). */
export function timeServers(options: Options6): string[] {
  const newer = findOption(options, OPTION.ntp);
  const addresses = newer === null ? [] : decodeOptions(newer).filter(([code]) => code === 1);
  return [...addresses.flatMap(([, value]) => ip6List(value)), ...ip6List(findOption(options, OPTION.sntp))];
}

export function bootUrl(options: Options6): string | null {
  const url = zeroEnded(findOption(options, OPTION.url) ?? new Uint8Array()).trim();
  // QEMU's own server prints its missing file name like that.
  return url === "" || url.endsWith("/(null)") ? null : url;
}

/** Of option 60: each with its length before it. */
export function bootParameters(options: Options6): string[] {
  const bytes = findOption(options, OPTION.parameters);
  const list: string[] = [];
  for (let at = 0; bytes !== null && at + 2 <= bytes.length; ) {
    const length = bytes.readUInt16BE(at);
    list.push(bytes.toString("utf8", at + 2, at + 2 + length));
    at += 2 + length;
  }
  return list;
}
