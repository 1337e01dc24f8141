/** TFTP packets (RFC 1350, options by RFC 2347). Pure. */

const OP = { rrq: 1, data: 3, ack: 4, error: 5, oack: 6 } as const;

/** What a server sends besides data. */
type TftpPacket =
  | { readonly op: "oack"; readonly options: ReadonlyMap<string, string> }
  | { readonly op: "error"; readonly code: number; readonly message: string };

/** A read request in octet mode. @param path as the server is to see it */
export function readRequest(path: string, options: Readonly<Record<string, number>>): Buffer {
  const words = [path, "octet", ...Object.entries(options).flatMap(([name, value]) => [name, String(value)])];
  return Buffer.concat([Buffer.from([0, OP.rrq]), Buffer.from(`${words.join("\0")}\0`)]);
}

export function acknowledgement(block: number): Buffer {
  return Buffer.from([0, OP.ack, (block >> 8) & 0xff, block & 0xff]);
}

export function errorPacket(code: number, message: string): Buffer {
  return Buffer.concat([Buffer.from([0, OP.error, 0, code]), Buffer.from(`${message}\0`)]);
}

/** Bytes before a data packet's own. */
export const DATA_START = 4;

/** Number of a data packet's block, whose bytes begin at {@link DATA_START}; -1 for other packets. */
export function blockOf(packet: Buffer): number {
  if (packet.length < DATA_START || packet[0] !== 0 || packet[1] !== OP.data) return -1;
  return (packet[2]! << 8) | packet[3]!;
}

/** @returns null for data, and for what a server never sends */
export function parsePacket(packet: Buffer): TftpPacket | null {
  if (packet.length < 4) return packet.length >= 2 && packet.readUInt16BE(0) === OP.oack ? noOptions : null;
  switch (packet.readUInt16BE(0)) {
    case OP.oack: {
      const words = packet.toString("latin1", 2).split("\0");
      const options = new Map<string, string>();
      for (let at = 0; at + 1 < words.length; at += 2) options.set(words[at]!.toLowerCase(), words[at + 1]!);
      return { op: "oack", options };
    }
    case OP.error: {
      const end = packet.indexOf(0, 4);
      return {
        op: "error",
        code: packet.readUInt16BE(2),
        message: packet.toString("utf8", 4, end < 0 ? packet.length : end),
      };
    }
    default:
      return null;
  }
}

const noOptions: TftpPacket = { op: "oack", options: new Map() };
