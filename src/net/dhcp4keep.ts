/** Keeps an address while it may be used: RENEWING and REBINDING of RFC 2131, 4.4.5. */

import { describeError } from "../errors.ts";
import { log } from "../log.ts";
import { type Heard, renewalTimes, serverOf } from "./dhcp4offer.ts";
import { DHCP, number32 } from "./dhcp4packet.ts";
import type { Dhcp4Socket } from "./dhcp4socket.ts";

/** The shortest time between two requests for renewal, in milliseconds (RFC 2131, section 4.4.5). */
const MIN_RENEWAL_MS = 60_000;
/** The same where the whole lease is shorter than that. */
const SHORTEST_MS = 1000;
/** setTimeout takes no more. */
const MAX_TIMER_MS = 2 ** 31 - 1;

export class Dhcp4Keeper {
  readonly #socket: Dhcp4Socket;
  readonly #name: string;
  readonly #ip: string;
  readonly #onLost: (why: string) => void;
  #ack: Heard;
  #seconds = 0;
  #from = 0;
  #timer: NodeJS.Timeout | undefined;

  /**
   * @param name of the interface
   * @param onLost it is gone: its time is over, or the server wants it back
   */
  constructor(socket: Dhcp4Socket, name: string, ack: Heard, onLost: (why: string) => void) {
    this.#socket = socket;
    this.#name = name;
    this.#ip = ack.message.yiaddr;
    this.#ack = ack;
    this.#onLost = onLost;
    socket.unref();
    this.#begin();
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  #begin(): void {
    const seconds = number32(this.#ack.message.options.get(51));
    // For ever.
    if (seconds === null || seconds === 0xffffffff) return;
    this.#seconds = seconds;
    this.#from = performance.now();
    this.#at(renewalTimes(this.#ack, seconds).renew * 1000);
  }

  #at(ms: number): void {
    this.#timer = setTimeout(() => this.#ask(), Math.min(ms, MAX_TIMER_MS)).unref();
  }

  #lose(why: string): void {
    this.close();
    this.#socket.onHeard = null;
    this.#onLost(`${this.#name}: ${why}`);
  }

  #ask(): void {
    const { renew, rebind } = renewalTimes(this.#ack, this.#seconds);
    const [ends, passed] = [this.#seconds * 1000, performance.now() - this.#from];
    if (passed >= ends) {
      this.#lose(`the time of the address ${this.#ip} is over, and no DHCP server renewed it`);
      return;
    }
    // The timer takes no more than three weeks at a time.
    if (passed < renew * 1000) {
      this.#at(renew * 1000 - passed);
      return;
    }
    const isRebinding = passed >= rebind * 1000;
    this.#socket.startOver();
    this.#socket.onHeard = (heard) => this.#take(heard);
    try {
      this.#socket.send(DHCP.request, [], { ciaddr: this.#ip, ...(isRebinding ? {} : { host: serverOf(this.#ack) }) });
    } catch (error) {
      log.warn(`${this.#name}: DHCP: ${describeError(error)}`);
    }
    const left = (isRebinding ? ends : rebind * 1000) - passed;
    const least = this.#seconds * 1000 > 4 * MIN_RENEWAL_MS ? MIN_RENEWAL_MS : SHORTEST_MS;
    this.#at(Math.min(Math.max(least, left / 2), left));
  }

  #take(heard: Heard): void {
    if (heard.type === DHCP.nak) {
      this.#lose(`the DHCP server ${serverOf(heard)} takes ${this.#ip} back (NAK)`);
      return;
    }
    if (heard.type !== DHCP.ack || heard.message.yiaddr !== this.#ip) return;
    this.#socket.onHeard = null;
    clearTimeout(this.#timer);
    log.info(`${this.#name}: ${this.#ip} is renewed by ${serverOf(heard)}`);
    this.#ack = heard;
    this.#begin();
  }
}
