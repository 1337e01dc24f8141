/** Waiting for changes of this machine's links: carriers, addresses, what routers announce. */

import type { NetlinkListener } from "../linux/netlinksocket.ts";
import { openRouteEvents } from "../linux/routeevents.ts";
import { NO_NAMES, type RouterNames, withRouterOptions } from "./routeroptions.ts";

/** The longest wait between two looks at a link: some drivers announce their carrier late. */
const LOOK_MS = 1000;

export class LinkEvents {
  readonly #listener: NetlinkListener;
  readonly #names = new Map<number, RouterNames>();
  #wake: (() => void)[] = [];

  /** Routers answer when a link is set up, and may say nothing again for minutes: open it before that. */
  constructor() {
    this.#listener = openRouteEvents(
      () => {
        for (const wake of this.#wake.splice(0)) wake();
      },
      ({ link, bytes }) => this.#names.set(link, withRouterOptions(this.#names.get(link) ?? NO_NAMES, bytes)),
    );
  }

  /** What routers on a link have said. */
  names(link: number): RouterNames {
    return this.#names.get(link) ?? NO_NAMES;
  }

  /**
   * Waits until something holds, looking whenever anything changes.
   * @returns false where it doesn't within the time
   */
  async until(holds: () => boolean, timeoutMs = Number.POSITIVE_INFINITY, signal?: AbortSignal): Promise<boolean> {
    const end = performance.now() + timeoutMs;
    for (;;) {
      if (holds()) return true;
      const left = Math.min(end - performance.now(), LOOK_MS);
      if (left <= 0 || signal?.aborted) return false;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.#wake.push(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
  }

  close(): void {
    this.#listener.close();
  }
}
