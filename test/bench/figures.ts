/** What a benchmark reports: named figures, each with what it means and what it should be. */

export interface Figure {
  readonly name: string;
  readonly value: number;
  /** The least and the greatest of the pairs, where the figure is a ratio of runs by turns. */
  readonly range?: readonly [number, number];
  /** One line: what was measured, against what. */
  readonly meaning: string;
  /** At most this; null where there is no target. */
  readonly target: number | null;
}

/** One part of the benchmark. */
export interface Group {
  /** Every figure's name begins with one of these. */
  readonly prefixes: readonly string[];
  /**
   * @param wanted whether a figure of this name is asked for
   * @param before an earlier build of dist/baton.cjs to compare with
   */
  measure(wanted: (name: string) => boolean, say: (text: string) => void, before?: string): Promise<Figure[]>;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  if (sorted.length === 0) throw new Error("no values to take the median of");
  return sorted.length % 2 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** The ratio of the medians, and that of the pairs: the runs of both stand in the order in which they were made. */
export function ratio(own: readonly number[], theirs: readonly number[]): Required<Pick<Figure, "value" | "range">> {
  const pairs = own.map((value, index) => value / theirs[index]!);
  return { value: median(own) / median(theirs), range: [Math.min(...pairs), Math.max(...pairs)] };
}

/** The figures' values by name; a ratio's pairs as NAMEMin and NAMEMax. */
export function figuresJson(figures: readonly Figure[]): Record<string, number> {
  const rows = figures.flatMap(({ name, value, range }): [string, number][] => [
    [name, value],
    ...(range
      ? ([
          [`${name}Min`, range[0]],
          [`${name}Max`, range[1]],
        ] as [string, number][])
      : []),
  ]);
  return Object.fromEntries(rows);
}

/** `boot.menuRatio         1.234  (at most 1.6: met)  what it means` */
export function figureLine({ name, value, range, meaning, target }: Figure): string {
  const number = Number.isInteger(value) ? String(value) : value.toFixed(value < 10 ? 3 : 1);
  const verdict = target === null ? "" : `(at most ${target}: ${value <= target ? "met" : "MISSED"})  `;
  const pairs = range ? `; pairs ${range[0].toFixed(2)} to ${range[1].toFixed(2)}` : "";
  return `${name.padEnd(24)} ${number.padStart(10)}  ${verdict}${meaning}${pairs}`;
}
