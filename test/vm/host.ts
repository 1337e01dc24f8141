/** What the VM tests need of the machine that they run on. */

import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

/** The checkout. */
export const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), "../..");
/** Images, payloads and logs of the VM tests; all of it can be made again. */
export const CACHE = join(ROOT, ".cache/vm");

export interface RunOptions {
  /** Exit codes that are no failure, besides 0. */
  readonly allowExit?: readonly number[];
  readonly input?: string | Uint8Array;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Adds what the program said on stderr. */
  readonly stderr?: boolean;
}

/** Runs a program without a shell and resolves with its stdout; a failure carries what it printed. */
export function run(program: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    // mkfs and sfdisk live in sbin, which isn't in everybody's PATH.
    const env = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin`, ...options.env };
    const child = execFile(
      program,
      [...args],
      { env, maxBuffer: 1 << 28, ...(options.cwd ? { cwd: options.cwd } : {}) },
      (error, stdout, stderr) => {
        if (error && !options.allowExit?.includes(Number(error.code))) {
          reject(new Error(`${program} ${args.join(" ")}: ${error.message}\n${stdout}${stderr}`));
        } else resolve(options.stderr ? stdout + stderr : stdout);
      },
    );
    child.stdin?.on("error", () => {});
    child.stdin?.end(options.input ?? "");
  });
}

/** Runs a program as root: directly where this is root, else by sudo. */
export function runAsRoot(program: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  if (process.getuid?.() === 0) return run(program, args, options);
  const env = Object.entries(options.env ?? {}).map(([name, value]) => `${name}=${value}`);
  return run("sudo", ["-n", "env", ...env, program, ...args], options);
}

/** A new folder for as long as the work takes. */
export async function inFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "baton-"));
  try {
    await work(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
