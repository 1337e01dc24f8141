/** Server-sent events: what changes, told to a few, none of whom can make Baton keep much or draw slower. */

import type { ServerResponse } from "node:http";
import { addLogSink, formatLogLine } from "../log.ts";
import type { MenuState, MenuStore } from "../menu/model.ts";
import { statusJson } from "./state.ts";

/** Listeners at a time. */
const MAX_LISTENERS = 8;
/** The least time between two events of a kind; a sign of life comes when nothing else has. Milliseconds. */
const PACE_MS = 250;
const ALIVE_MS = 15_000;
/** One who has not read what was sent for that long is gone. */
const STALE_MS = 30_000;
/** Lines of the log that wait for one listener. */
const MAX_WAITING = 200;

interface Listener {
  readonly response: ServerResponse;
  /** Since when it has not read what was sent; null: it has. */
  blockedAt: number | null;
  saidAt: number;
  status: string;
  entries: MenuState["entries"] | null;
  devices: MenuState["devices"] | null;
  log: string[];
}

export class Events {
  readonly #store: MenuStore;
  readonly #listeners = new Set<Listener>();
  #timer: NodeJS.Timeout | null = null;
  #endLog: (() => void) | null = null;

  constructor(store: MenuStore) {
    this.#store = store;
  }

  get isFull(): boolean {
    return this.#listeners.size >= MAX_LISTENERS;
  }

  /** @param response whose head has been written */
  add(response: ServerResponse): void {
    const now = performance.now();
    const fresh = { status: "", entries: null, devices: null, log: [] };
    const listener: Listener = { response, blockedAt: null, saidAt: now, ...fresh };
    this.#listeners.add(listener);
    response.on("close", () => this.#remove(listener));
    response.on("drain", () => {
      listener.blockedAt = null;
    });
    this.#timer ??= setInterval(() => this.#tell(), PACE_MS);
    this.#endLog ??= addLogSink((line) => {
      for (const { log } of this.#listeners) {
        log.push(formatLogLine(line));
        if (log.length > MAX_WAITING) log.shift();
      }
    });
    this.#tellOne(listener, now);
  }

  #remove(listener: Listener): void {
    this.#listeners.delete(listener);
    if (this.#listeners.size > 0) return;
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#endLog?.();
    this.#timer = this.#endLog = null;
  }

  #tell(): void {
    const now = performance.now();
    for (const listener of this.#listeners) this.#tellOne(listener, now);
  }

  #tellOne(listener: Listener, now: number): void {
    if (listener.blockedAt !== null) {
      if (now - listener.blockedAt > STALE_MS) listener.response.destroy();
      return;
    }
    const { state } = this.#store;
    let text = "";
    const status = JSON.stringify(statusJson(state));
    if (status !== listener.status) text += `event: status\ndata: ${status}\n\n`;
    // The list may be long: who wants it asks for it.
    if (state.entries !== listener.entries || state.devices !== listener.devices)
      text += `event: list\ndata: ${JSON.stringify({ entries: state.entries.length })}\n\n`;
    if (listener.log.length > 0) text += `event: log\ndata: ${JSON.stringify(listener.log)}\n\n`;
    Object.assign(listener, { status, entries: state.entries, devices: state.devices, log: [] });
    if (text === "" && now - listener.saidAt < ALIVE_MS) return;
    listener.saidAt = now;
    if (!listener.response.write(text === "" ? ": alive\n\n" : text)) listener.blockedAt = now;
  }

  /** Tells everybody good-bye. */
  close(): void {
    for (const { response } of this.#listeners) response.end("event: end\ndata: {}\n\n");
  }
}
