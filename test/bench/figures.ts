/** What a benchmark reports: named figures, each with what it means and what it should be. */

export interface Figure {
  readonly name: string;
  readonly value: number;
  /** One line: what was measured, against what. */
  readonly meaning: string;
  /** At most this; null where there is no target. */
  readonly target: number | null;
}

/** One part of the benchmark. */
export interface Group {
  /** Every figure's name begins with one of these. */
  readonly prefixes: readonly string[];
  /** @param wanted whether a figure of this name is asked for */
  measure(wanted: (name: string) => boolean, say: (text: string) => void): Promise<Figure[]>;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  if (sorted.length === 0) throw new Error("no values to take the median of");
  return sorted.length % 2 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** `boot.menuRatio         1.234  (at most 1.6: met)  what it means` */
export function figureLine({ name, value, meaning, target }: Figure): string {
  const number = Number.isInteger(value) ? String(value) : value.toFixed(value < 10 ? 3 : 1);
  const verdict = target === null ? "" : `(at most ${target}: ${value <= target ? "met" : "MISSED"})  `;
  return `${name.padEnd(24)} ${number.padStart(10)}  ${verdict}${meaning}`;
}
