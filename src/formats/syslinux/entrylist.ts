/** What the reading of a configuration comes to, and what is known of those that lead to it. */

import type { ParsedEntry } from "../../entry.ts";
import type { FormatResult, Place } from "../format.ts";

/** The entries of a configuration and of those it leads to. */
export interface EntryList {
  readonly entries: ParsedEntry[];
  defaultIndex: number | null;
  defaultIsExplicit: boolean;
  fallback: number[];
  timeout: number | null;
  timeoutStyle: FormatResult["timeoutStyle"];
  /** One of its files could not be read. */
  isPartial: boolean;
}

/** A configuration that leads to another. */
export interface Ancestor {
  readonly places: readonly Place[];
  /** Every file that it reads, those that it includes too, by their names (`nameOf`). */
  readonly files: ReadonlySet<string>;
}

/** Of a configuration that has nothing. */
export function emptyList(): EntryList {
  const nothing = { entries: [], defaultIndex: null, defaultIsExplicit: false, fallback: [], timeout: null };
  return { ...nothing, timeoutStyle: null, isPartial: false };
}
