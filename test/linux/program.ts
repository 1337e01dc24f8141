/** Programs in a process of their own, for what can't be seen from inside the test's. */

import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";

export const repository = new URL("../..", import.meta.url).pathname;

/** The absolute path of a file of src/linux, as a string literal for an import. */
export function linuxFile(name: string): string {
  return JSON.stringify(join(repository, "src/linux", name));
}

/** Runs the text of a JavaScript module and gives what it printed; rejects unless it ends with 0 within 30 s. */
export async function runProgram(text: string, environment: Record<string, string> = {}): Promise<string> {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ["--import", "tsx", "--input-type=module", "--eval", text],
    { cwd: repository, env: { ...process.env, ...environment }, timeout: 30_000 },
  );
  return stdout;
}
