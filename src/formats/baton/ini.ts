/** INI files: sections in brackets, `key = value` lines, `#` and `;` for comments. Kept as people write them by hand. */

export interface IniLine {
  readonly key: string;
  readonly value: string;
  /** From 1. */
  readonly line: number;
}

export interface IniSection {
  /** Null for what stands before the first section. */
  readonly name: string | null;
  readonly line: number;
  /** In their order; a key may come several times. */
  readonly lines: readonly IniLine[];
}

export interface Ini {
  readonly sections: readonly IniSection[];
  /** Lines that are neither. */
  readonly wrong: readonly { readonly line: number; readonly text: string }[];
}

/** Keys are in lower case; one pair of quotes around a value falls away; a line that ends with `\` goes on. */
export function parseIni(text: string): Ini {
  const sections: { name: string | null; line: number; lines: IniLine[] }[] = [{ name: null, line: 1, lines: [] }];
  const wrong: { line: number; text: string }[] = [];
  let pending = "";
  let start = 0;
  for (const [index, raw] of text.split("\n").entries()) {
    if (pending === "") start = index + 1;
    const whole = pending + raw.replace(/[\r\0]/g, "");
    if (whole.endsWith("\\")) {
      pending = whole.slice(0, -1);
      continue;
    }
    pending = "";
    const line = whole.trim();
    if (line === "" || line.startsWith("#") || line.startsWith(";")) continue;
    const section = /^\[(.*)\]$/s.exec(line);
    const pair = /^([^=]+?)\s*=\s*(.*)$/s.exec(line);
    if (section) sections.push({ name: section[1]!.trim(), line: start, lines: [] });
    else if (pair) sections.at(-1)!.lines.push({ key: pair[1]!.toLowerCase(), value: unquote(pair[2]!), line: start });
    else wrong.push({ line: start, text: line.slice(0, 60) });
  }
  return { sections, wrong };
}

function unquote(value: string): string {
  const quote = value[0];
  return value.length >= 2 && (quote === '"' || quote === "'") && value.endsWith(quote) ? value.slice(1, -1) : value;
}
