/**
 * What a serial terminal is asked, and what its answers mean. Nothing waits for them: a terminal that doesn't answer
 * is an 80x24 one that knows ASCII, and what the questions left on its screen is cleared with the first frame.
 */

import type { Size } from "./frame.ts";
import type { TerminalEvent } from "./keys.ts";

/**
 * Two characters of one column each, which are two and three bytes: a terminal that reads UTF-8 then stands in
 * column 3, any other further right (or it takes the line's character for a wide one, and boxes wouldn't fit).
 */
const UNICODE_PROBE = "\r\u00e9\u2500\x1b[6n\r\x1b[K";

/** To the corner that is as far as the cursor goes; its answer is the size. Then back. */
const SIZE_PROBE = "\x1b7\x1b[r\x1b[999;999H\x1b[6n\x1b8";

/** Larger than any window; a wrong answer must not make a frame of a gigabyte. */
const MAX_COLUMNS = 500;
const MAX_ROWS = 300;

export class LineQuestions {
  /** Answers that are still to come, in order. */
  #expected: ("unicode" | "size")[] = [];
  unicode = false;
  answered = false;

  /** True while an answer is to come, as far as is known: terminals that never answer leave it true. */
  get waiting(): boolean {
    return this.#expected.length > 0;
  }

  /** What to send. Answers to earlier questions that haven't come by now are not waited for any more. */
  ask(): string {
    this.#expected = ["unicode", "size"];
    return UNICODE_PROBE + SIZE_PROBE;
  }

  /** @returns the size where it is learned, "abilities" where only those changed, null where nothing was learned. */
  answer(event: TerminalEvent): Size | "abilities" | null {
    if (event.type === "size") return sane(event.rows, event.columns);
    if (event.type !== "cursor") return null;
    const question = this.#expected.shift();
    if (question === undefined) return null;
    this.answered = true;
    if (question === "unicode") {
      this.unicode = event.column === 3;
      return "abilities";
    }
    return sane(event.row, event.column);
  }
}

function sane(rows: number, columns: number): Size | null {
  if (rows < 2 || columns < 10) return null;
  return { rows: Math.min(rows, MAX_ROWS), columns: Math.min(columns, MAX_COLUMNS) };
}
