/** Which entry GRUB boots by itself: `$default`, `$fallback`, `$timeout` (grub-core/normal/menu.c). */

import type { Environment } from "./environment.ts";
import type { MenuItem } from "./menu.ts";
import { parseNumber } from "./number.ts";

/** An item as its menu knows it. */
type NamedItem = Pick<MenuItem, "title" | "id" | "names">;

/**
 * The first part of a `$default` and what is left for the submenu: `>` separates, `>>` is a `>` in a name.
 */
export function splitDefault(value: string): { first: string; rest: string } {
  for (let i = 0; i < value.length; i++) {
    if (value[i] !== ">") continue;
    if (value[i + 1] === ">") i++;
    else return { first: value.slice(0, i), rest: value.slice(i + 1) };
  }
  return { first: value, rest: "" };
}

/**
 * The item that one part of `$default` names: an id or a title in full, else an index from 0.
 * @returns -1 where it names none.
 */
export function findItem(items: readonly NamedItem[], part: string): number {
  const name = part.replaceAll(">>", ">");
  const named = items.findIndex(
    ({ id, title, names }) => (id ?? title) === name || title === name || names?.includes(name) === true,
  );
  if (named !== -1 && !isIndex(name)) return named;
  const number = parseNumber(name);
  if (number !== null && (number.rest === "" || /^\s/.test(number.rest))) {
    return number.value < BigInt(items.length) ? Number(number.value) : named;
  }
  return named;
}

/** True for a number and nothing else. */
export function isIndex(name: string): boolean {
  return /^(?:0[xX][0-9a-fA-F]+|[0-9]+)$/.test(name);
}

/** `$fallback`: names or indexes separated by blanks. */
export function findFallbacks(items: readonly NamedItem[], value: string): number[] {
  const found: number[] = [];
  const whole = findItem(items, value.trim());
  if (whole !== -1 && !/^[0-9]/.test(value.trim())) return [whole];
  for (const part of value.split(/\s+/)) {
    if (part === "") continue;
    const index = findItem(items, part);
    if (index === -1) break;
    if (!found.includes(index)) found.push(index);
  }
  return found;
}

/** Seconds: null where nothing is set, Infinity where GRUB waits for a key. */
export function timeoutOf(env: Environment): number | null {
  const value = env.get("timeout");
  if (value === undefined) return null;
  const number = parseNumber(value);
  if (number === null) return Number.POSITIVE_INFINITY;
  // GRUB keeps 32 bits with a sign; below 0 it waits.
  const seconds = Number(BigInt.asIntN(32, number.value));
  return seconds < 0 ? Number.POSITIVE_INFINITY : seconds;
}

export function timeoutStyleOf(env: Environment): "menu" | "hidden" | null {
  const value = env.get("timeout_style");
  if (value === undefined) return null;
  return value === "hidden" || value === "countdown" ? "hidden" : "menu";
}
