/** How fast something goes, from what its progress says. */

/** Weighs what came in the last seconds: a disk that spins up first must not count for ever. */
const WINDOW_MS = 3000;

export class Throughput {
  #title = "";
  #points: { at: number; done: number }[] = [];

  /** @returns bytes in a second; null as long as nothing can be said. */
  rate(title: string, done: number, now: number): number | null {
    const last = this.#points.at(-1);
    if (title !== this.#title || (last !== undefined && done < last.done)) this.#points = [];
    this.#title = title;
    this.#points.push({ at: now, done });
    while (this.#points.length > 2 && now - this.#points[1]!.at > WINDOW_MS) this.#points.shift();
    const [first] = this.#points;
    if (first === undefined || now - first.at < 250 || done <= first.done) return null;
    return ((done - first.done) * 1000) / (now - first.at);
  }
}
