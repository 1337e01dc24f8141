/** The text of an iPXE script: lines, labels and commands (ipxe.org/scripting, src/image/script.c, src/core/exec.c). */

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
}

/** True where a file says that it is a script, with its first bytes (src/image/script.c). */
export function isScript(text: string): boolean {
  return /^\ufeff?#!(ipxe|gpxe)\s/.test(text);
}

export function parseScript(text: string, source: string): Script {
  const lines: ScriptLine[] = [];
  const labels = new Map<string, number>();
  let pending = "";
  let start = 0;
  for (const [index, raw] of text.split("\n").entries()) {
    if (pending === "") start = index + 1;
    const line = pending + raw.replace(/\r$/, "").replaceAll("\0", "");
    if (line.endsWith("\\")) {
      pending = line.slice(0, -1);
      continue;
    }
    pending = "";
    let command = line.trim();
    if (command.startsWith(":")) {
      const label = /^:(\S*)/.exec(command)![1]!;
      if (!labels.has(label)) labels.set(label, lines.length);
      command = command.slice(label.length + 1);
    }
    lines.push({ number: start, segments: segmentsOf(command) });
  }
  return { source, lines, labels };
}

function segmentsOf(command: string): Segment[] {
  const segments: Omit<Segment, "isGuarded">[] = [];
  let tokens: string[] = [];
  for (const token of command.split(/\s+/)) {
    if (token === "") continue;
    if (token.startsWith("#")) break;
    if (token === "&&" || token === "||" || token === ";") {
      segments.push({ tokens, next: token });
      tokens = [];
    } else tokens.push(token);
  }
  if (tokens.length > 0 || segments.length > 0) segments.push({ tokens, next: null });
  let isGuarded = false;
  return segments.reduceRight<Segment[]>((rest, segment) => {
    if (segment.next !== "&&") isGuarded = segment.next !== null;
    rest.unshift({ ...segment, isGuarded });
    return rest;
  }, []);
}
