/** Terminals of tmux, as a person would have them in front of them: real emulation, captured as text. */

import { execFileSync, spawnSync } from "node:child_process";

/** Null where tmux can be used, else why it can't. */
export function tmuxMissing(): string | null {
  return spawnSync("tmux", ["-V"]).status === 0 ? null : "tmux is not installed";
}

export class Tmux {
  readonly #socket = `baton-${process.pid}`;

  #run(...args: string[]): string {
    const env = { ...process.env, LC_ALL: "C.UTF-8", TMUX: "" };
    return execFileSync("tmux", ["-u", "-f", "/dev/null", "-L", this.#socket, ...args], { encoding: "utf8", env });
  }

  /** Opens a window of that size in which nothing runs. @returns its terminal device */
  open(name: string, columns: number, rows: number): string {
    const size = ["-x", String(columns), "-y", String(rows)];
    const start = ["new-session", "-d", "-s", name, ...size, "exec sleep 600"];
    this.#run("set", "-g", "status", "off", ";", "set", "-g", "escape-time", "0", ";", ...start);
    return this.#run("display", "-p", "-t", name, "#{pane_tty}").trim();
  }

  /** What the window shows, without trailing spaces. */
  capture(name: string): string {
    return tidy(this.#run("capture-pane", "-p", "-t", name).split("\n"));
  }

  /** The same of several windows of `rows` rows each, in one call: tmux is slow to start. */
  captureAll(names: readonly string[], rows: number): string[] {
    const lines = this.#run(...names.flatMap((name) => ["capture-pane", "-p", "-t", name, ";"])).split("\n");
    return names.map((_, index) => tidy(lines.slice(index * rows, (index + 1) * rows)));
  }

  keys(name: string, ...keys: string[]): void {
    this.#run("send-keys", "-t", name, ...keys);
  }

  resize(name: string, columns: number, rows: number): void {
    this.#run("resize-window", "-t", name, "-x", String(columns), "-y", String(rows));
  }

  close(): void {
    spawnSync("tmux", ["-L", this.#socket, "kill-server"]);
  }
}

function tidy(lines: readonly string[]): string {
  return lines
    .map((line) => line.trimEnd())
    .join("\n")
    .trimEnd();
}
