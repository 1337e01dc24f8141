/** Booting without a person: the default, what follows it when it fails, and what follows when everything has failed. */

import type { MenuState } from "../menu/model.ts";
import type { Settings } from "../policy/settings.ts";
import type { Attempts } from "./attempts.ts";
import type { Clock } from "./clock.ts";
import type { SessionHost } from "./host.ts";

/** Between two looks at whether all devices have answered, after the default has failed. */
const SETTLING_MS = 100;

/**
 * Boots the default; where that fails, what follows it in the order that policy gives, each failure logged.
 * @returns why nothing booted, one sentence an entry
 */
export async function bootUnattended(
  { discovery, isSettled }: Pick<SessionHost, "discovery" | "isSettled">,
  attempts: Pick<Attempts, "attempt" | "isCancelled">,
  clock: Pick<Clock, "sleep">,
): Promise<string> {
  const failures: string[] = [];
  const tried = new Set<string>();
  for (;;) {
    const { list } = discovery;
    const id = list.order.find((one) => !tried.has(one));
    if (id === undefined) break;
    tried.add(id);
    const entry = discovery.entry(id);
    if (entry === null) continue;
    const failure = await attempts.attempt(entry, entry.options, false);
    if (attempts.isCancelled) return `${entry.title}: ${failure}`;
    failures.push(`${entry.title}: ${failure}`);
    // The default may boot before all devices have answered; what takes its place is chosen among all there is.
    while (!isSettled()) await clock.sleep(SETTLING_MS);
  }
  if (failures.length === 0) return "nothing that could be booted was found";
  return failures.length === 1 ? failures[0]! : `${failures.length} entries failed. ${failures.join(". ")}`;
}

/**
 * What comes after a round of attempts in which nothing booted.
 * @param round of this session, from 1
 * @returns null where the menu waits for a person
 */
export function afterRound(
  round: number,
  { final, retries }: Pick<Settings, "final" | "retries">,
): Exclude<MenuState["next"], "boot"> | null {
  if (final === "menu" || (final === "retry" && round > retries)) return null;
  return final;
}
