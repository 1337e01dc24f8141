/** Baton as one program, as others call it: bundled once for all tests of a process. */

import { execFile } from "node:child_process";
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bundle, koffiBinary } from "../../initramfs/build.ts";

export interface Result {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

let path: Promise<string> | undefined;

/** Where the program lies; it goes with the process. */
export function program(): Promise<string> {
  path ??= make();
  return path;
}

async function make(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "baton-program-"));
  process.once("exit", () => rmSync(folder, { recursive: true }));
  copyFileSync(koffiBinary(process.arch === "arm64" ? "arm64" : "x64"), join(folder, "koffi.node"));
  writeFileSync(join(folder, "baton.cjs"), (await bundle()).code);
  return join(folder, "baton.cjs");
}

export async function baton(...args: string[]): Promise<Result> {
  const words = [await program(), ...args];
  return new Promise((resolve) => {
    execFile(process.execPath, words, (error, stdout, stderr) => {
      resolve({ code: error ? Number(error.code) : 0, stdout, stderr });
    });
  });
}
