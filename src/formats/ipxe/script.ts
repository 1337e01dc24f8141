/** The text of an iPXE script: lines, labels and commands (ipxe.org/scripting, src/image/script.c, src/core/exec.c). */

import { Breath } from "../budget.ts";

/** One command of a line, and when the next one runs. */
export interface Segment {
  /** Not yet expanded: iPXE splits first, so that a setting with blanks in it stays one word. */
  readonly tokens: readonly string[];
  /** `&&`: after success; `||`: after failure; `;`: always; null for the last. */
  readonly next: "&&" | "||" | ";" | null;
  /** True where the line itself says what follows a failure (`||`), or goes on regardless (`;`). */
  readonly isGuarded: boolean;
}

export interface ScriptLine {
  /** From 1; of its first line where `\` continues it. */
  readonly number: number;
  readonly segments: readonly Segment[];
}

export interface Script {
  /** What diagnostics call it. */
  readonly source: string;
  readonly lines: readonly ScriptLine[];
  /** Label → index in `lines`; the first of a name counts. */
  readonly labels: ReadonlyMap<string, number>;
  /** From which line on it isn't read: there is more than any script has. Null where all of it is. */
  readonly endsAt: number | null;
}

/** Lines and words of one script. */
const MAX_WORDS = 50_000;

/** True where a file says that it is a script, with its first bytes (src/image/script.c). */
export function isScript(text: string): boolean {
  return /^\ufeff?#!(ipxe|gpxe)\s/.test(text);
}

export async function parseScript(text: string, source: string): Promise<Script> {
  const lines: ScriptLine[] = [];
  const labels = new Map<string, number>();
  const breath = new Breath(16);
  const pieces: string[] = [];
  let start = 0;
  let words = 0;
  let index = 0;
  for (let at = 0; at <= text.length; index++) {
    const end = text.indexOf("\n", at);
    const piece = text
      .slice(at, end < 0 ? text.length : end)
      .replace(/\r$/, "")
      .replaceAll("\0", "");
    at = end < 0 ? text.length + 1 : end + 1;
    await breath.take();
    if (pieces.length === 0) start = index + 1;
    if (++words > MAX_WORDS) return { source, lines, labels, endsAt: start };
    if (piece.endsWith("\\")) {
      pieces.push(piece.slice(0, -1));
      continue;
    }
    let command = [...pieces, piece].join("").trim();
    pieces.length = 0;
    if (command.startsWith(":")) {
      const label = /^:(\S*)/.exec(command)![1]!;
      if (!labels.has(label)) labels.set(label, lines.length);
      command = command.slice(label.length + 1);
    }
    const segments = segmentsOf(command, MAX_WORDS - words);
    if (segments === null) return { source, lines, labels, endsAt: start };
    for (const { tokens } of segments) words += tokens.length + 1;
    lines.push({ number: start, segments });
  }
  return { source, lines, labels, endsAt: null };
}

/** @returns null where it has more words than there is room for */
function segmentsOf(command: string, room: number): Segment[] | null {
  const segments: Omit<Segment, "isGuarded">[] = [];
  let tokens: string[] = [];
  let words = 0;
  for (const [token] of command.matchAll(/\S+/g)) {
    if (token.startsWith("#")) break;
    if (++words > room) return null;
    if (token === "&&" || token === "||" || token === ";") {
      segments.push({ tokens, next: token });
      tokens = [];
    } else tokens.push(token);
  }
  if (tokens.length > 0 || segments.length > 0) segments.push({ tokens, next: null });
  let isGuarded = false;
  const guarded = segments.toReversed().map((segment) => {
    if (segment.next !== "&&") isGuarded = segment.next !== null;
    return { ...segment, isGuarded };
  });
  return guarded.reverse();
}
