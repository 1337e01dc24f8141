/** A client of QEMU's machine protocol (QMP): JSON lines over a Unix socket. */

import { connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

interface Waiting {
  resolve(value: unknown): void;
  reject(error: Error): void;
}

export class Qmp {
  readonly #socket: Socket;
  readonly #waiting = new Map<number, Waiting>();
  /** Names of the events that have come, in their order. */
  readonly events: string[] = [];
  #nextId = 1;
  #buffer = "";

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setEncoding("utf8");
    socket.on("data", (text: string) => this.#receive(text));
    const end = () => {
      for (const waiting of this.#waiting.values()) waiting.reject(new Error("QEMU closed its QMP socket"));
      this.#waiting.clear();
    };
    socket.on("error", end);
    socket.on("close", end);
  }

  /** Connects as soon as QEMU has made its socket; rejects after a minute without one. */
  static async open(path: string): Promise<Qmp> {
    const deadline = Date.now() + 60_000;
    for (;;) {
      try {
        const socket = await new Promise<Socket>((resolve, reject) => {
          const socket = connect(path, () => resolve(socket));
          socket.on("error", reject);
        });
        const qmp = new Qmp(socket);
        await qmp.call("qmp_capabilities");
        return qmp;
      } catch (error) {
        if (Date.now() > deadline) throw new Error(`no QMP at ${path}: ${error}`);
        await sleep(50);
      }
    }
  }

  /** Runs one QMP command and resolves with its `return`; rejects with QEMU's own description. */
  call(execute: string, args?: Record<string, unknown>): Promise<unknown> {
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#socket.write(`${JSON.stringify({ execute, arguments: args, id })}\n`);
    });
  }

  close(): void {
    this.#socket.destroy();
  }

  #receive(text: string): void {
    this.#buffer += text;
    for (;;) {
      const end = this.#buffer.indexOf("\n");
      if (end < 0) return;
      const line = this.#buffer.slice(0, end).trim();
      this.#buffer = this.#buffer.slice(end + 1);
      if (line === "") continue;
      const message = JSON.parse(line) as { id?: number; return?: unknown; error?: { desc: string }; event?: string };
      if (message.event !== undefined) this.events.push(message.event);
      const waiting = message.id === undefined ? undefined : this.#waiting.get(message.id);
      if (!waiting) continue; // The greeting, an event.
      this.#waiting.delete(message.id!);
      if (message.error) waiting.reject(new Error(`QMP: ${message.error.desc}`));
      else waiting.resolve(message.return);
    }
  }
}
