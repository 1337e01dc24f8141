/** What is read over the network because a person asked for it: shown until it has come, or is no longer waited for. */

import { describeError } from "../errors.ts";
import { log } from "../log.ts";
import type { MenuStore } from "../menu/model.ts";

export class NetworkReads {
  readonly #store: MenuStore;
  readonly #onRead: () => void;
  /** Ends the waiting that goes on. */
  #leave: (() => void) | null = null;

  /** @param onRead the list may be another now */
  constructor(store: MenuStore, onRead: () => void) {
    this.#store = store;
    this.#onRead = onRead;
  }

  /** Waits for `work` until it has ended or {@link leave} is called, and shows why it failed. Never rejects. */
  async wait(title: string, detail: string, work: Promise<void>): Promise<void> {
    const left = new Promise<"left">((resolve) => {
      this.#leave = () => resolve("left");
    });
    this.#store.update({ message: null, progress: { title, detail, done: 0, total: null, canCancel: true } });
    const read = work.then(() => null).catch(describeError);
    const problem = await Promise.race([read, left]);
    this.#leave = null;
    this.#store.update({ progress: null });
    if (problem === "left") {
      const message = `${title}: not waited for any more. What it gives is listed when it has come.`;
      this.#store.update({ message, note: message });
      void read.then((late) => (late === null ? this.#onRead() : log.warn(`${title}: ${late}`)));
    } else if (problem === null) this.#onRead();
    else this.#store.update({ message: problem });
  }

  /** A person doesn't wait any longer; what comes later is listed all the same. */
  leave(): void {
    this.#leave?.();
  }
}
