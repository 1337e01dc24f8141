/** Runs a limited number of works at once. One that takes too long no longer counts, and the next one starts. */
export class Semaphore {
  #free: number;
  readonly #patienceMs: number;
  readonly #waiting: (() => void)[] = [];

  /**
   * @param places how many run at once
   * @param patienceMs how long a work keeps its place
   */
  constructor(places: number, patienceMs: number) {
    this.#free = places;
    this.#patienceMs = patienceMs;
  }

  /** Starts `work` when there is a place for it, in the order of the calls; settles as it does. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    const leave = once(() => {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free++;
      else next();
    });
    const timer = setTimeout(leave, this.#patienceMs);
    try {
      return await work();
    } finally {
      clearTimeout(timer);
      leave();
    }
  }
}

function once(action: () => void): () => void {
  let isDone = false;
  return () => {
    if (isDone) return;
    isDone = true;
    action();
  };
}
