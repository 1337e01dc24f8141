/**
 * A small terminal (the part of VT220/xterm that a menu uses): what a person would see on the other end of a
 * serial line, as text. It answers the questions a real terminal answers (cursor position, device attributes).
 */

/** DEC special graphics, as `ESC ( 0` selects them. */
const GRAPHICS: Readonly<Record<string, string>> = {
  j: "┘",
  k: "┐",
  l: "┌",
  m: "└",
  n: "┼",
  q: "─",
  t: "├",
  u: "┤",
  v: "┴",
  w: "┬",
  x: "│",
  a: "▒",
  f: "°",
  "~": "·",
};

export class Terminal {
  readonly rows: number;
  readonly columns: number;
  /** Receives what the terminal itself sends back. */
  readonly #reply: (text: string) => void;
  #cells: string[][];
  #inverse: boolean[][];
  #row = 0;
  #column = 0;
  #saved: [number, number] = [0, 0];
  #top = 0;
  #bottom: number;
  #reversed = false;
  #graphics = [false, false];
  #shift = 0;
  #wrapPending = false;
  /** Bytes of an escape sequence that isn't complete yet. */
  #pending = "";

  constructor(rows: number, columns: number, reply: (text: string) => void = () => {}) {
    this.rows = rows;
    this.columns = columns;
    this.#reply = reply;
    this.#bottom = rows - 1;
    this.#cells = Array.from({ length: rows }, () => this.#blankRow());
    this.#inverse = Array.from({ length: rows }, () => new Array<boolean>(columns).fill(false));
  }

  /** The screen, one string a line, without trailing spaces. */
  lines(): string[] {
    return this.#cells.map((row) => row.join("").trimEnd());
  }

  text(): string {
    return this.lines().join("\n");
  }

  /** The text in inverse video, line by line: how a menu shows what is selected. */
  selected(): string[] {
    return this.#cells
      .map((row, y) =>
        row
          .filter((_, x) => this.#inverse[y]![x])
          .join("")
          .trim(),
      )
      .filter((line) => line !== "");
  }

  /** Takes text as it comes, in pieces of any size. */
  feed(text: string): void {
    const input = this.#pending + text;
    this.#pending = "";
    let at = 0;
    while (at < input.length) {
      if (input[at] !== "\x1b") {
        const symbol = String.fromCodePoint(input.codePointAt(at)!);
        this.#put(symbol);
        at += symbol.length;
        continue;
      }
      const rest = input.slice(at);
      const csi = /^\x1b\[([?>!=]?)([0-9;:]*)[ "$']?([@-~])/.exec(rest);
      if (csi) {
        this.#control(csi[1]!, csi[2]!, csi[3]!);
        at += csi[0].length;
        continue;
      }
      const osc = /^\x1b[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)/.exec(rest);
      if (osc) {
        at += osc[0].length;
        continue;
      }
      const charset = /^\x1b([()])(.)/s.exec(rest);
      if (charset) {
        this.#graphics[charset[1] === "(" ? 0 : 1] = charset[2] === "0";
        at += charset[0].length;
        continue;
      }
      if (/^\x1b(?:$|[()]$|\[[?>!=]?[0-9;:]*[ "$']?$|[\]PX^_][^\x07\x1b]*\x1b?$)/.test(rest)) {
        this.#pending = rest.length > 4096 ? "" : rest;
        return;
      }
      this.#escape(rest[1]!);
      at += 2;
    }
  }

  #blankRow(): string[] {
    return new Array<string>(this.columns).fill(" ");
  }

  #put(symbol: string): void {
    switch (symbol) {
      case "\r":
        this.#column = 0;
        this.#wrapPending = false;
        return;
      case "\n":
      case "\v":
      case "\f":
        this.#down();
        this.#wrapPending = false;
        return;
      case "\b":
        this.#column = Math.max(0, this.#column - 1);
        this.#wrapPending = false;
        return;
      case "\t":
        this.#column = Math.min(this.columns - 1, (this.#column & ~7) + 8);
        return;
      case "\x0e":
        this.#shift = 1;
        return;
      case "\x0f":
        this.#shift = 0;
        return;
    }
    if (symbol < " " || symbol === "\x7f") return;
    if (this.#wrapPending) {
      this.#column = 0;
      this.#down();
      this.#wrapPending = false;
    }
    this.#cells[this.#row]![this.#column] = this.#graphics[this.#shift] ? (GRAPHICS[symbol] ?? symbol) : symbol;
    this.#inverse[this.#row]![this.#column] = this.#reversed;
    if (this.#column === this.columns - 1) this.#wrapPending = true;
    else this.#column++;
  }

  #down(): void {
    if (this.#row === this.#bottom) this.#scroll(this.#top, 1);
    else this.#row = Math.min(this.rows - 1, this.#row + 1);
  }

  /** Moves the lines from `from` to the bottom margin up by `count` (down where negative). */
  #scroll(from: number, count: number): void {
    for (let i = 0; i < Math.abs(count); i++) {
      const [out, into] = count > 0 ? [from, this.#bottom] : [this.#bottom, from];
      this.#cells.splice(out, 1);
      this.#inverse.splice(out, 1);
      this.#cells.splice(into, 0, this.#blankRow());
      this.#inverse.splice(into, 0, new Array<boolean>(this.columns).fill(false));
    }
  }

  #escape(final: string): void {
    if (final === "7") this.#saved = [this.#row, this.#column];
    else if (final === "8") [this.#row, this.#column] = this.#saved;
    else if (final === "D") this.#down();
    else if (final === "E") {
      this.#column = 0;
      this.#down();
    } else if (final === "M") {
      if (this.#row === this.#top) this.#scroll(this.#top, -1);
      else this.#row = Math.max(0, this.#row - 1);
    } else if (final === "c") {
      this.#erase(0, 0, this.rows - 1, this.columns - 1);
      [this.#row, this.#column, this.#top, this.#bottom] = [0, 0, 0, this.rows - 1];
      this.#reversed = false;
    }
  }

  #control(prefix: string, parameters: string, final: string): void {
    const values = parameters === "" ? [] : parameters.split(/[;:]/).map(Number);
    const first = Math.max(1, values[0] || 1);
    if (prefix !== "") return; // Private modes change nothing that this screen shows.
    if (final !== "m" && final !== "n") this.#wrapPending = false;
    switch (final) {
      case "H":
      case "f":
        this.#move(first - 1, Math.max(1, values[1] || 1) - 1);
        break;
      case "A":
        this.#move(this.#row - first, this.#column);
        break;
      case "B":
        this.#move(this.#row + first, this.#column);
        break;
      case "C":
        this.#move(this.#row, this.#column + first);
        break;
      case "D":
        this.#move(this.#row, this.#column - first);
        break;
      case "G":
        this.#move(this.#row, first - 1);
        break;
      case "d":
        this.#move(first - 1, this.#column);
        break;
      case "J":
        if (!values[0]) this.#erase(this.#row, this.#column, this.rows - 1, this.columns - 1);
        else if (values[0] === 1) this.#erase(0, 0, this.#row, this.#column);
        else this.#erase(0, 0, this.rows - 1, this.columns - 1);
        break;
      case "K":
        if (!values[0]) this.#erase(this.#row, this.#column, this.#row, this.columns - 1);
        else if (values[0] === 1) this.#erase(this.#row, 0, this.#row, this.#column);
        else this.#erase(this.#row, 0, this.#row, this.columns - 1);
        break;
      case "X":
        this.#erase(this.#row, this.#column, this.#row, Math.min(this.columns - 1, this.#column + first - 1));
        break;
      case "L":
        this.#scroll(this.#row, -first);
        break;
      case "M":
        this.#scroll(this.#row, first);
        break;
      case "P":
        for (let i = 0; i < first; i++) {
          this.#cells[this.#row]!.splice(this.#column, 1);
          this.#cells[this.#row]!.push(" ");
        }
        break;
      case "@":
        for (let i = 0; i < first; i++) {
          this.#cells[this.#row]!.splice(this.#column, 0, " ");
          this.#cells[this.#row]!.pop();
        }
        break;
      case "r":
        this.#top = first - 1;
        this.#bottom = Math.min(this.rows, values[1] || this.rows) - 1;
        this.#move(0, 0);
        break;
      case "s":
        this.#saved = [this.#row, this.#column];
        break;
      case "u":
        [this.#row, this.#column] = this.#saved;
        break;
      case "m":
        for (const value of values.length === 0 ? [0] : values) {
          if (value === 7) this.#reversed = true;
          else if (value === 0 || value === 27) this.#reversed = false;
        }
        break;
      case "n":
        if (values[0] === 6) this.#reply(`\x1b[${this.#row + 1};${this.#column + 1}R`);
        else if (values[0] === 5) this.#reply("\x1b[0n");
        break;
      case "c":
        this.#reply("\x1b[?62;22c");
        break;
    }
  }

  #move(row: number, column: number): void {
    this.#row = Math.min(this.rows - 1, Math.max(0, row));
    this.#column = Math.min(this.columns - 1, Math.max(0, column));
  }

  #erase(row: number, column: number, lastRow: number, lastColumn: number): void {
    for (let y = row; y <= lastRow; y++) {
      const from = y === row ? column : 0;
      const to = y === lastRow ? lastColumn : this.columns - 1;
      for (let x = from; x <= to; x++) {
        this.#cells[y]![x] = " ";
        this.#inverse[y]![x] = this.#reversed;
      }
    }
  }
}
