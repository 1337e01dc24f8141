/** DHCP messages (RFC 2131) and their options (RFC 2132 and those named). Pure. */

export const DHCP = { discover: 1, offer: 2, request: 3, decline: 4, ack: 5, nak: 6, release: 7, inform: 8 } as const;

export interface DhcpMessage {
  readonly op: number;
  readonly xid: number;
  readonly ciaddr: string;
  readonly yiaddr: string;
  readonly siaddr: string;
  readonly giaddr: string;
  readonly chaddr: Uint8Array;
  /** The header's server name and file, empty where options stand in their place (option 52). */
  readonly sname: string;
  readonly file: string;
  /** By number; those that come several times are joined (RFC 3396). */
  readonly options: ReadonlyMap<number, Uint8Array>;
}

const MAGIC = 0x63825363;
const HEADER = 240;
/** Some relays and servers drop what is shorter than BOOTP's messages were. */
const MIN_LENGTH = 300;
const BROADCAST = 0x8000;

export interface Question {
  readonly xid: number;
  readonly mac: Uint8Array;
  readonly hardwareType: number;
  /** Seconds since the client began. */
  readonly secs: number;
  /** The client's own address, once it has one. */
  readonly ciaddr?: string;
  /** Answers come to everybody: there is no address yet that they could come to. */
  readonly broadcast: boolean;
  readonly options: readonly (readonly [number, Uint8Array])[];
}

export function encodeQuestion({ xid, mac, hardwareType, secs, ciaddr, broadcast, options }: Question): Buffer {
  const header = Buffer.alloc(HEADER);
  header[0] = 1;
  header[1] = hardwareType;
  header[2] = mac.length;
  header.writeUInt32BE(xid, 4);
  header.writeUInt16BE(Math.min(secs, 0xffff), 8);
  header.writeUInt16BE(broadcast ? BROADCAST : 0, 10);
  if (ciaddr !== undefined) header.set(addressBytes(ciaddr), 12);
  header.set(mac.subarray(0, 16), 28);
  header.writeUInt32BE(MAGIC, 236);
  const words = options.flatMap(([code, value]) => [Buffer.from([code, value.length]), Buffer.from(value)]);
  const message = Buffer.concat([header, ...words, Buffer.from([255])]);
  return message.length >= MIN_LENGTH ? message : Buffer.concat([message, Buffer.alloc(MIN_LENGTH - message.length)]);
}

/** @returns null for what is no DHCP message */
export function decodeMessage(bytes: Buffer): DhcpMessage | null {
  if (bytes.length < HEADER || bytes.readUInt32BE(236) !== MAGIC) return null;
  const options = new Map<number, Uint8Array>();
  readOptions(bytes.subarray(HEADER), options);
  // RFC 2132, 9.3: the file's and the server name's fields may hold further options.
  const overload = options.get(52)?.[0] ?? 0;
  if (overload & 1) readOptions(bytes.subarray(108, 236), options);
  if (overload & 2) readOptions(bytes.subarray(44, 108), options);
  return {
    op: bytes[0]!,
    xid: bytes.readUInt32BE(4),
    ciaddr: addressText(bytes.subarray(12, 16)),
    yiaddr: addressText(bytes.subarray(16, 20)),
    siaddr: addressText(bytes.subarray(20, 24)),
    giaddr: addressText(bytes.subarray(24, 28)),
    chaddr: bytes.subarray(28, 28 + Math.min(bytes[2]!, 16)),
    sname: overload & 2 ? "" : zeroEnded(bytes.subarray(44, 108)),
    file: overload & 1 ? "" : zeroEnded(bytes.subarray(108, 236)),
    options,
  };
}

function readOptions(bytes: Buffer, options: Map<number, Uint8Array>): void {
  for (let at = 0; at < bytes.length; ) {
    const code = bytes[at]!;
    if (code === 255) return;
    if (code === 0) {
      at++;
      continue;
    }
    const length = bytes[at + 1];
    if (length === undefined || at + 2 + length > bytes.length) return;
    const value = bytes.subarray(at + 2, at + 2 + length);
    const before = options.get(code);
    options.set(code, before ? Buffer.concat([before, value]) : value);
    at += 2 + length;
  }
}

export function addressBytes(text: string): Uint8Array {
  return Uint8Array.from(text.split(".").map(Number));
}

const addressText = (bytes: Uint8Array): string => [...bytes.subarray(0, 4)].join(".");

/** Text up to a NUL: some servers count one in, some don't. */
export function zeroEnded(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return Buffer.from(end < 0 ? bytes : bytes.subarray(0, end)).toString("utf8");
}

/** Every address of an option that is a list of them. */
export function addressList(bytes: Uint8Array | undefined): string[] {
  const list: string[] = [];
  for (let at = 0; bytes !== undefined && at + 4 <= bytes.length; at += 4) list.push(addressText(bytes.subarray(at)));
  return list;
}

export function number32(bytes: Uint8Array | undefined): number | null {
  return bytes?.length === 4 ? Buffer.from(bytes).readUInt32BE() : null;
}

export function number16(bytes: Uint8Array | undefined): number | null {
  return bytes?.length === 2 ? Buffer.from(bytes).readUInt16BE() : null;
}

/** Option 121 (RFC 3442): bits, as many bytes of the network as these need, router. */
export function classlessRoutes(bytes: Uint8Array | undefined): { network: string; bits: number; router: string }[] {
  const routes: { network: string; bits: number; router: string }[] = [];
  for (let at = 0; bytes !== undefined && at < bytes.length; ) {
    const bits = bytes[at]!;
    const length = Math.ceil(bits / 8);
    if (bits > 32 || at + 1 + length + 4 > bytes.length) return routes;
    const network = new Uint8Array(4);
    network.set(bytes.subarray(at + 1, at + 1 + length));
    const router = addressText(bytes.subarray(at + 1 + length));
    routes.push({ network: addressText(network), bits, router });
    at += 1 + length + 4;
  }
  return routes;
}

/** Option 33: single hosts and the routers to them. */
export function staticRoutes(bytes: Uint8Array | undefined): { network: string; bits: number; router: string }[] {
  const list = addressList(bytes);
  const pairs = Array.from(
    { length: Math.floor(list.length / 2) },
    (_, i) => [list[i * 2]!, list[i * 2 + 1]!] as const,
  );
  return pairs.filter(([network]) => network !== "0.0.0.0").map(([network, router]) => ({ network, bits: 32, router }));
}

/** Option 119 (RFC 3397): names as DNS writes them, each label's length before it, with pointers into the option. */
export function searchList(bytes: Uint8Array | undefined): string[] {
  const names: string[] = [];
  for (let at = 0; bytes !== undefined && at < bytes.length && names.length < 32; ) {
    const labels: string[] = [];
    let end: number | null = null;
    for (let steps = 0, here = at; ; steps++) {
      const length = bytes[here];
      if (length === undefined || steps > 128) return names;
      if (length >= 0xc0) {
        end ??= here + 2;
        here = ((length & 0x3f) << 8) | (bytes[here + 1] ?? 0);
        continue;
      }
      if (length === 0) {
        end ??= here + 1;
        break;
      }
      labels.push(Buffer.from(bytes.subarray(here + 1, here + 1 + length)).toString("latin1"));
      here += 1 + length;
    }
    const name = labels.join(".");
    if (/^[A-Za-z0-9_.-]{1,253}$/.test(name)) names.push(name);
    at = end;
  }
  return names;
}

/** `24` for 255.255.255.0; null for what is no netmask. */
export function maskBits(mask: string): number | null {
  const value = addressBytes(mask).reduce((sum, byte) => sum * 256 + byte, 0);
  const inverse = 2 ** 32 - value;
  const bits = 32 - Math.log2(inverse);
  return Number.isInteger(bits) && bits >= 0 && bits <= 32 ? bits : null;
}

/** Options inside an option (43, 175). */
export function subOptions(bytes: Uint8Array | undefined): ReadonlyMap<number, Uint8Array> {
  const options = new Map<number, Uint8Array>();
  if (bytes !== undefined) readOptions(Buffer.from(bytes), options);
  return options;
}
