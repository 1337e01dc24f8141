/** A pseudo-terminal whose other end the test holds: what a person's terminal program would be. */

import { closeSync, constants, openSync, readSync, writeSync } from "node:fs";
import { callNow } from "../../src/linux/libc.ts";
import { setWindowSize } from "../../src/linux/tty.ts";
import { eventually } from "../eventually.ts";

// include/uapi/asm-generic/ioctls.h
const TIOCGPTN = 0x80045430;
const TIOCSPTLCK = 0x40045431;

export class Pty {
  readonly #master: number;
  /** The terminal that a program opens. */
  readonly path: string;
  #seen = "";
  #open = true;

  /** @param size rows and columns that the kernel knows; a serial line has none */
  constructor(size?: { rows: number; columns: number }) {
    this.#master = openSync("/dev/ptmx", constants.O_RDWR | constants.O_NOCTTY | constants.O_NONBLOCK);
    const number = Buffer.alloc(4);
    callNow("ioctl", [this.#master, TIOCSPTLCK, Buffer.alloc(4)], { call: "ioctl", args: [] });
    callNow("ioctl", [this.#master, TIOCGPTN, number], { call: "ioctl", args: [] });
    this.path = `/dev/pts/${number.readUInt32LE(0)}`;
    if (size !== undefined) setWindowSize(this.#master, size.rows, size.columns);
  }

  /** Types. */
  send(bytes: string | Uint8Array): void {
    writeSync(this.#master, typeof bytes === "string" ? Buffer.from(bytes) : bytes);
  }

  resize(rows: number, columns: number): void {
    setWindowSize(this.#master, rows, columns);
  }

  /** Everything that was written to the terminal since the last call of {@link clear}. */
  output(): string {
    const chunk = Buffer.alloc(65536);
    while (this.#open) {
      try {
        const length = readSync(this.#master, chunk);
        if (length === 0) break;
        this.#seen += chunk.toString("latin1", 0, length);
      } catch {
        // EAGAIN: nothing more now. EIO: nobody has it open.
        break;
      }
    }
    return Buffer.from(this.#seen, "latin1").toString("utf8");
  }

  clear(): void {
    this.output();
    this.#seen = "";
  }

  /** Waits until `text` has been written. @throws after thirty seconds, with what was written instead */
  async until(text: string | RegExp): Promise<string> {
    return eventually(() => {
      const output = this.output();
      const isThere = typeof text === "string" ? output.includes(text) : text.test(output);
      if (!isThere) throw new Error(`no ${text} in ${JSON.stringify(output)}`);
      return output;
    });
  }

  /** Pulls the plug. */
  close(): void {
    if (!this.#open) return;
    this.#open = false;
    closeSync(this.#master);
  }
}
