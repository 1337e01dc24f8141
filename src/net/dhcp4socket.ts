/** Sends a DHCP client's questions by one interface, and hears the answers to them. */

import { randomInt } from "node:crypto";
import { createSocket, type Socket } from "node:dgram";
import { BatonError, describeError } from "../errors.ts";
import { bindToDevice } from "../linux/socketdevice.ts";
import { log } from "../log.ts";
import { architectureNumber, type ClientClass, type ClientFacts, guidBytes, vendorClass } from "./clientfacts.ts";
import type { Heard } from "./dhcp4offer.ts";
import { decodeMessage, encodeQuestion } from "./dhcp4packet.ts";
import { ipxeFeatures } from "./ipxeoptions.ts";
import type { Link } from "./links.ts";

export interface Dhcp4Ports {
  readonly client: number;
  readonly server: number;
  readonly proxy: number;
  readonly host: string;
}

export const PORTS: Dhcp4Ports = { client: 68, server: 67, proxy: 4011, host: "255.255.255.255" };

const MAX_RETRY_MS = 8000;

const WANTED = [
  1, 3, 6, 12, 15, 17, 18, 26, 28, 33, 42, 43, 51, 54, 58, 59, 60, 66, 67, 97, 119, 121, 128, 129, 150, 175, 209, 210,
];

/** Where a question goes; to everybody unless given. */
interface Destination {
  /** The address that this machine has already. */
  readonly ciaddr?: string;
  readonly host?: string;
  readonly port?: number;
}

interface Exchange {
  /** Sends the question; called again until it is answered. */
  readonly send: () => void;
  /** Looks at an answer: null to go on as before, else milliseconds until it is enough. */
  readonly take: (heard: Heard) => number | null;
  /** Milliseconds until the question is sent again; twice as long each further time. */
  readonly retryMs: number;
  /** Milliseconds until it is given up. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

export class Dhcp4Socket {
  readonly ports: Dhcp4Ports;
  /** As whom this machine asks. */
  clientClass: ClientClass = "PXEClient";
  /** Asks as iPXE does (options 77 and 175): some servers hand scripts only to it. */
  isIpxe = false;
  /** Hears answers outside of an exchange. */
  onHeard: ((heard: Heard) => void) | null = null;
  readonly #link: Link;
  readonly #facts: ClientFacts;
  readonly #socket: Socket;
  readonly #mac: Uint8Array;
  readonly #began = performance.now();
  #xid = 0;

  constructor(link: Link, facts: ClientFacts, ports: Dhcp4Ports) {
    this.#link = link;
    this.#facts = facts;
    this.ports = ports;
    this.#mac = Uint8Array.from(link.mac.split(":").map((byte) => Number.parseInt(byte, 16)));
    this.#socket = createSocket({ type: "udp4", reuseAddr: true });
    this.#socket.on("message", (bytes, from) => {
      const message = decodeMessage(bytes);
      if (message === null || message.op !== 2 || message.xid !== this.#xid) return;
      if (!Buffer.from(message.chaddr).equals(Buffer.from(this.#mac))) return;
      this.onHeard?.({ message, type: message.options.get(53)?.[0] ?? 0, from: from.address });
    });
    this.#socket.on("error", (error) => log.warn(`${link.name}: DHCP: ${error.message}`));
  }

  async open(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#socket.once("error", reject);
      this.#socket.bind(this.ports.client, () => {
        this.#socket.off("error", reject);
        resolve();
      });
    });
    this.#socket.setBroadcast(true);
    if (this.ports === PORTS) bindToDevice(this.#socket, this.#link.name);
  }

  close(): void {
    this.onHeard = null;
    try {
      this.#socket.close();
    } catch {
      // It is closed already.
    }
  }

  /** The socket alone keeps no process running. */
  unref(): void {
    this.#socket.unref();
  }

  /** What was asked before is not answered any more. */
  startOver(): void {
    this.#xid = randomInt(2 ** 32);
  }

  send(type: number, options: readonly (readonly [number, Uint8Array])[], to: Destination = {}): void {
    const { uuid } = this.#facts;
    const arch = architectureNumber(this.#facts, this.clientClass);
    const question = encodeQuestion({
      xid: this.#xid,
      mac: this.#mac,
      hardwareType: this.#link.hardwareType,
      secs: Math.round((performance.now() - this.#began) / 1000),
      broadcast: to.ciaddr === undefined,
      ...(to.ciaddr === undefined ? {} : { ciaddr: to.ciaddr }),
      options: [
        [53, Uint8Array.of(type)],
        ...options,
        [57, Uint8Array.of(1472 >> 8, 1472 & 0xff)],
        [55, Uint8Array.from(WANTED)],
        // The usual client identifier (RFC 2132, 9.14): what was reserved for firmware and other systems fits.
        [61, Uint8Array.of(this.#link.hardwareType, ...this.#mac)],
        [60, Buffer.from(vendorClass(this.#facts, this.clientClass))],
        [77, Buffer.from(this.isIpxe ? "iPXE" : "Baton")],
        [93, Uint8Array.of(arch >> 8, arch & 0xff)],
        [94, Uint8Array.of(1, 3, 16)],
        ...(this.isIpxe ? [[175, ipxeFeatures(this.#facts.firmware)] as const] : []),
        ...(uuid === null ? [] : [[97, Buffer.concat([Buffer.from([0]), guidBytes(uuid)])] as const]),
      ],
    });
    this.#socket.send(question, to.port ?? this.ports.server, to.host ?? this.ports.host, (error) => {
      if (error) log.debug(`${this.#link.name}: DHCP: ${describeError(error)}`);
    });
  }

  /** Sends until enough is heard, or the time is over. @throws BatonError `cancelled` */
  exchange({ send, take, retryMs, timeoutMs, signal }: Exchange): Promise<void> {
    return new Promise((resolve, reject) => {
      let wait = retryMs;
      let enoughAt = Number.POSITIVE_INFINITY;
      let enough: NodeJS.Timeout | undefined;
      let again: NodeJS.Timeout | undefined;
      const end = (error: BatonError | null): void => {
        this.onHeard = null;
        for (const timer of [again, deadline, enough]) clearTimeout(timer);
        signal?.removeEventListener("abort", onAbort);
        if (error) reject(error);
        else resolve();
      };
      const onAbort = (): void => end(new BatonError("cancelled", `${this.#link.name}: DHCP was cancelled`));
      const deadline = setTimeout(() => end(null), Math.max(0, timeoutMs));
      const repeat = (): void => {
        send();
        // RFC 2131, 4.1: machines that were switched on together should not all ask at the same time.
        again = setTimeout(repeat, wait + randomInt(Math.max(1, Math.round(wait / 4))));
        wait = Math.min(wait * 2, MAX_RETRY_MS);
      };
      this.onHeard = (heard) => {
        const ms = take(heard);
        if (ms === null) return;
        if (ms === 0) return end(null);
        if (performance.now() + ms >= enoughAt) return;
        enoughAt = performance.now() + ms;
        clearTimeout(enough);
        enough = setTimeout(() => end(null), ms);
      };
      signal?.addEventListener("abort", onAbort, { once: true });
      if (signal?.aborted) return onAbort();
      repeat();
    });
  }
}
