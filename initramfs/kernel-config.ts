/** Fragments of a kernel's configuration (configs/kernel/*.config): what Baton's own kernel must have. Pure. */

import { BatonError } from "../src/errors.ts";

/** What a fragment asks for: `CONFIG_KEXEC`, `y`. */
export interface Demand {
  readonly symbol: string;
  readonly value: string;
}

/** `6.12.118` as numbers. */
const version = (text: string): number[] => text.split(".").map(Number);

function isOlder(one: string, other: string): boolean {
  const [a, b] = [version(one), version(other)];
  const at = b.findIndex((value, index) => value !== (a[index] ?? 0));
  return at >= 0 && (a[at] ?? 0) < b[at]!;
}

/**
 * Reads a fragment: lines `CONFIG_NAME=VALUE`, comments, and `# since VERSION` before a line for what earlier kernels don't have.
 * @param kernel the version that it is read for, `6.1.192`
 * @throws BatonError "bad-format" with the line
 */
export function parseFragment(text: string, name: string, kernel: string): readonly Demand[] {
  const demands: Demand[] = [];
  let since: string | null = null;
  for (const [index, line] of text.split("\n").entries()) {
    const limit = /^# since (\d+(?:\.\d+)*)$/.exec(line);
    if (limit) since = limit[1]!;
    if (line === "" || line.startsWith("#")) continue;
    const match = /^(CONFIG_[A-Z0-9_]+)=(y|\d+|"[^"\\]*")$/.exec(line);
    if (!match) throw new BatonError("bad-format", `${name}:${index + 1}: ${line} is no CONFIG_NAME=VALUE`);
    if (since === null || !isOlder(kernel, since)) demands.push({ symbol: match[1]!, value: match[2]! });
    since = null;
  }
  return demands;
}

/** The demands as the kernel's own configuration reads them. */
export const configText = (demands: readonly Demand[]): string =>
  demands.map(({ symbol, value }) => `${symbol}=${value}\n`).join("");

/** Those that a made configuration doesn't have: what they depend on is off, or the kernel knows them no more. */
export function unmet(demands: readonly Demand[], config: string): readonly Demand[] {
  const lines = new Set(config.split("\n"));
  return demands.filter(({ symbol, value }) => !lines.has(`${symbol}=${value}`));
}
