/** Terminals of tmux, as a person would have them in front of them: real emulation, captured as text. */

import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

/** Null where tmux can be used, else why it can't. */
export function tmuxMissing(): string | null {
  return spawnSync("tmux", ["-V"]).status === 0 ? null : "tmux is not installed";
}

type Settle = (error: Error | null, lines: readonly string[]) => void;

/** One tmux of this process's own, spoken to in its control mode: a process for each command would cost more than the menu. */
export class Tmux {
  #client: ChildProcess | null = null;
  /** Commands whose answers are still to come, oldest first. */
  readonly #asked: Settle[] = [];

  /** Opens a window of that size in which nothing runs. @returns its terminal device */
  async open(name: string, columns: number, rows: number): Promise<string> {
    await this.#run("new-session", "-d", "-s", name, "-x", String(columns), "-y", String(rows), "exec sleep 600");
    const [path] = await this.#run("display", "-p", "-t", name, "#{pane_tty}");
    return path!.trim();
  }

  /** What the window shows, without trailing spaces. */
  async capture(name: string): Promise<string> {
    const lines = await this.#run("capture-pane", "-p", "-t", name);
    return lines
      .map((line) => line.trimEnd())
      .join("\n")
      .trimEnd();
  }

  captureAll(names: readonly string[]): Promise<string[]> {
    return Promise.all(names.map((name) => this.capture(name)));
  }

  async keys(name: string, ...keys: string[]): Promise<void> {
    await this.#run("send-keys", "-t", name, ...keys);
  }

  async resize(name: string, columns: number, rows: number): Promise<void> {
    await this.#run("resize-window", "-t", name, "-x", String(columns), "-y", String(rows));
  }

  async close(): Promise<void> {
    const client = this.#client;
    if (client === null) return;
    client.stdin?.write("kill-server\n");
    await once(client, "exit");
  }

  #run(...words: string[]): Promise<readonly string[]> {
    this.#client ??= this.#start();
    const line = words.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(" ");
    this.#client.stdin?.write(`${line}\n`);
    return new Promise((resolve, reject) => {
      this.#asked.push((error, lines) => (error === null ? resolve(lines) : reject(error)));
    });
  }

  #start(): ChildProcess {
    const env = { ...process.env, LC_ALL: "C.UTF-8", TMUX: "" };
    const socket = `baton-${process.pid}`;
    const start = [
      "set",
      "-g",
      "status",
      "off",
      ";",
      "set",
      "-g",
      "escape-time",
      "0",
      ";",
      "new-session",
      "-s",
      "control",
    ];
    const client = spawn("tmux", ["-u", "-f", "/dev/null", "-L", socket, "-C", ...start, "exec sleep 600"], { env });
    let block: { end: string; lines: string[] } | null = null;
    createInterface({ input: client.stdout }).on("line", (line) => {
      const [word, ...rest] = line.split(" ");
      if (block === null) {
        if (word === "%begin") block = { end: rest.join(" "), lines: [] };
      } else if ((word === "%end" || word === "%error") && rest.join(" ") === block.end) {
        const { end, lines } = block;
        block = null;
        // What its own start says isn't an answer to anybody: its last number, the flags, is 0.
        if (end.endsWith(" 1"))
          this.#asked.shift()?.(word === "%error" ? new Error(`tmux: ${lines.join(" ")}`) : null, lines);
      } else {
        block.lines.push(line);
      }
    });
    return client;
  }
}
