/** A bad network for UDP: between a TFTP client and its server, packets are lost, doubled, delayed and overtaken. */

import { createSocket, type Socket } from "node:dgram";

export interface Faults {
  /** Of 1, for each packet in each direction. */
  readonly loss?: number;
  readonly duplicate?: number;
  /** Held back until a later packet has passed. */
  readonly reorder?: number;
  /** Milliseconds for every packet, the longest of a random time. */
  readonly delay?: number;
  readonly seed?: number;
}

export interface Relay {
  readonly port: number;
  close(): void;
}

/** What becomes of each packet: it is sent by `send` at once, later, twice or never. */
export function unreliable(faults: Faults): (message: Buffer, send: (message: Buffer) => void) => void {
  let state = faults.seed ?? 1;
  const random = (): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
  return (message, send) => {
    if (random() < (faults.loss ?? 0)) return;
    const copies = random() < (faults.duplicate ?? 0) ? 2 : 1;
    const late = random() < (faults.reorder ?? 0) ? 4 : 0;
    const wait = late + random() * (faults.delay ?? 0);
    for (let copy = 0; copy < copies; copy++) {
      if (wait === 0) send(message);
      else setTimeout(() => send(message), wait);
    }
  };
}

/** Passes on to `port` of this machine. Each transfer has a port of its own, as the server's have. */
export async function startRelay(port: number, faults: Faults): Promise<Relay> {
  const sockets = new Set<Socket>();
  const pass = unreliable(faults);
  const bind = (socket: Socket): Promise<void> => {
    sockets.add(socket);
    return new Promise((resolve) => socket.bind(0, "127.0.0.1", resolve));
  };
  const quietly = (socket: Socket, message: Buffer, to: number): void => {
    try {
      socket.send(message, to, "127.0.0.1", () => {});
    } catch {
      // Closed while a packet was held back.
    }
  };

  const front = createSocket("udp4");
  await bind(front);
  const transfers = new Map<number, Promise<(message: Buffer) => void>>();
  front.on("message", (message, from) => {
    // A request that is repeated belongs to the transfer that it began.
    let begun = transfers.get(from.port);
    if (begun === undefined) {
      begun = begin(from.port);
      transfers.set(from.port, begun);
    }
    void begun.then((toServer) => toServer(message));
  });

  async function begin(client: number): Promise<(message: Buffer) => void> {
    const [near, far] = [createSocket("udp4"), createSocket("udp4")];
    await Promise.all([bind(near), bind(far)]);
    let server = port;
    far.on("message", (message, from) => {
      server = from.port;
      pass(message, (copy) => quietly(near, copy, client));
    });
    near.on("message", (message) => pass(message, (copy) => quietly(far, copy, server)));
    return (message) => pass(message, (copy) => quietly(far, copy, port));
  }

  const close = (): void => {
    for (const socket of sockets) socket.close();
  };
  return { port: front.address().port, close };
}
