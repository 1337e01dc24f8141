/** Moving through a list or a page of text. Pure. */

import type { Step } from "./actions.ts";

/**
 * @param at   the row where one is, `last` the last one, from 0
 * @param page rows that are seen at once
 * @returns the new row
 */
export function move(step: Step, at: number, last: number, page: number): number {
  if (step === "first") return 0;
  // A row of the page before stays in sight.
  const target = step === "last" ? last : at + ("rows" in step ? step.rows : step.pages * Math.max(1, page - 1));
  return Math.max(0, Math.min(last, target));
}
