/** Time that stands until a test moves it. */

import { setImmediate as turn } from "node:timers/promises";
import { TIMERS, type Timers } from "../../src/menu/timers.ts";
import { eventually } from "../eventually.ts";
import type { Pty } from "./pty.ts";

interface Waiting {
  at: number;
  readonly period: number | null;
  readonly action: () => void;
}

export class ManualTimers implements Timers {
  #now = 1000;
  readonly #waiting = new Set<Waiting>();
  /** How many actions were put off so far. */
  started = 0;

  now(): number {
    return this.#now;
  }

  after(milliseconds: number, action: () => void): () => void {
    this.started++;
    return this.#add({ at: this.#now + milliseconds, period: null, action });
  }

  every(milliseconds: number, action: () => void): () => void {
    return this.#add({ at: this.#now + milliseconds, period: milliseconds, action });
  }

  advance(milliseconds: number): void {
    const end = this.#now + milliseconds;
    for (;;) {
      const [next] = [...this.#waiting].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at);
      if (next === undefined) break;
      this.#now = next.at;
      if (next.period === null) this.#waiting.delete(next);
      else next.at += next.period;
      next.action();
    }
    this.#now = end;
  }

  /** Sends what puts something off, and waits until it has been read; time stands. */
  async send(line: Pty, bytes: string): Promise<void> {
    const before = this.started;
    line.send(bytes);
    await eventually(() => {
      if (this.started === before) throw new Error(`nothing was put off by ${JSON.stringify(bytes)}`);
    });
  }

  /** A key that is pressed by itself: nothing follows it for a while. */
  async press(line: Pty, key: string): Promise<void> {
    await this.send(line, key);
    this.advance(150);
  }

  #add(waiting: Waiting): () => void {
    this.#waiting.add(waiting);
    return () => this.#waiting.delete(waiting);
  }
}

/** The real time, with what was put off counted. */
export class CountedTimers extends ManualTimers {
  override now(): number {
    return TIMERS.now();
  }
  override after(milliseconds: number, action: () => void): () => void {
    this.started++;
    return TIMERS.after(milliseconds, action);
  }
}

/** Lets everything that is under way happen, so that what has changed is drawn. */
export async function drawn(): Promise<void> {
  await turn();
  await turn();
}
