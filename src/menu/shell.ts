/** A shell on one console. */

import { closeSync, constants, openSync } from "node:fs";
import { describeError } from "../errors.ts";
import type { ConsoleSpec } from "./consoles.ts";
import type { Size } from "./frame.ts";
import type { Terminal } from "./terminal.ts";

/** What a shell is: its argv, which {@link shellCommand} makes a session of its own. */
export interface ShellProgram {
  readonly argv: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

interface RunningShell {
  /** Resolves when it has ended: null, or why there was none. */
  readonly done: Promise<string | null>;
  /** Ends it and what it started in its own session's foreground. */
  kill(): void;
}

/**
 * What to run so that the shell has Ctrl-C and job control: on a console of the machine it must be the leader of a
 * session of its own with the console as its terminal, which busybox's `setsid -c` makes it. On the terminal that
 * Baton itself was started on there is a session already.
 */
function shellCommand(spec: ConsoleSpec, argv: readonly string[]): readonly string[] {
  const busybox = argv[0] !== undefined && /(^|\/)busybox$/.test(argv[0]);
  return spec.kind !== "own" && busybox ? [argv[0]!, "setsid", "-c", ...argv] : argv;
}

/** How long a console that is slow may take for its last bytes, in milliseconds. */
export const LAST_BYTES_MS = 300;

/**
 * Gives a terminal to a shell until that ends; the caller then starts the terminal again.
 * @param greeting what the terminal shows first
 * @param started  gets what ends the shell
 * @returns null, or why there was no shell
 */
export async function lendTerminal(
  terminal: Terminal,
  shell: ShellProgram,
  greeting: string,
  started: (running: RunningShell) => void,
): Promise<string | null> {
  const { size, spec } = terminal;
  terminal.leave();
  terminal.write(greeting);
  await terminal.drain(LAST_BYTES_MS);
  terminal.stop();
  try {
    const running = await runShell(spec, shell, size);
    started(running);
    return await running.done;
  } catch (error) {
    return describeError(error);
  }
}

/**
 * Runs the shell with the console, opened anew, as its input and output. The end of the shell's session hangs the
 * console up, so the menu must not have it open meanwhile.
 * @throws where the console can't be opened
 */
async function runShell(spec: ConsoleSpec, { argv, env }: ShellProgram, size: Size): Promise<RunningShell> {
  // Not before it is wanted: reading child_process takes as long as drawing the menu.
  const { spawn } = await import("node:child_process");
  const [program = "", ...args] = shellCommand(spec, argv);
  const fd = openSync(spec.path, constants.O_RDWR | constants.O_NOCTTY);
  // Where the kernel can't know the size; elsewhere these words would only be wrong after a resize.
  const sizeWords = spec.kind === "serial" ? { LINES: String(size.rows), COLUMNS: String(size.columns) } : {};
  try {
    const child = spawn(program, args, {
      stdio: [fd, fd, fd],
      cwd: "/",
      env: { ...process.env, TERM: spec.term, ...sizeWords, ...env },
    });
    const done = new Promise<string | null>((resolve) => {
      child.on("error", (error) => resolve(`No shell: ${program} could not be started: ${error.message}`));
      child.on("exit", () => resolve(null));
    });
    return { done, kill: () => void child.kill("SIGHUP") };
  } finally {
    closeSync(fd);
  }
}
