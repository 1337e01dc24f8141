/**
 * A frame put on a terminal by blessed: its terminfo, its buffer of cells, its writing of only what changed. The only
 * file that imports blessed, and only when the first screen is made. What of blessed doesn't suit a boot menu (it
 * takes signals and uncaught exceptions, compiles every capability at once, needs terminfo files, would run tmux) is
 * undone here.
 */

import { EventEmitter } from "node:events";
import type { Screen } from "blessed/lib/widgets/screen.js";
import type { Frame, Row, Size } from "./frame.ts";
import type { Look } from "./style.ts";
import { toLegacyTerminfo } from "./terminfo.ts";
import { clusters } from "./width.ts";

export type Blessed = Awaited<ReturnType<typeof importBlessed>>;

let loading: Promise<Blessed> | null = null;

async function importBlessed() {
  const [tput, program, screen, node] = await Promise.all([
    import("blessed/lib/tput.js"),
    import("blessed/lib/program.js"),
    import("blessed/lib/widgets/screen.js"),
    import("blessed/lib/widgets/node.js"),
  ]);
  const modules = { Tput: tput.default, Program: program.default, Screen: screen.default, Node: node.default };
  mendTerminfo(modules.Tput.prototype);
  return modules;
}

/** blessed, read and made ready once, when first asked for. */
export function loadBlessed(): Promise<Blessed> {
  loading ??= importBlessed();
  return loading;
}

/** What every terminal since the VT100 understands, for a machine without terminfo files. */
const BUILT_IN_INFO = {
  name: "ansi",
  names: ["ansi"],
  desc: "ANSI X3.64",
  bools: {},
  numbers: { max_colors: 8 },
  strings: {
    clear_screen: "\x1b[H\x1b[2J",
    cursor_address: "\x1b[%i%p1%d;%p2%dH",
    clr_eol: "\x1b[K",
    save_cursor: "\x1b7",
    restore_cursor: "\x1b8",
    parm_right_cursor: "\x1b[%p1%dC",
  },
};

/**
 * Compiling all 400 capabilities of a terminal takes longer than drawing the menu, and a dozen are ever used: each is
 * compiled when first used. And a description that blessed can't read or find is no reason to have no menu.
 */
function mendTerminfo(tput: Blessed["Tput"]["prototype"]): void {
  const compile = tput._compile;
  tput._compile = function (info, name, value) {
    if (typeof value !== "string" || value === "") return compile.call(this, info, name, value);
    let compiled: unknown;
    const instance = this;
    return function (this: unknown, parameters: unknown[]): unknown {
      compiled ??= compile.call(instance, info, name, value);
      return typeof compiled === "function" ? compiled.call(this, parameters) : "";
    };
  };
  const parse = tput.parseTerminfo;
  tput.parseTerminfo = function (data, file) {
    return parse.call(this, toLegacyTerminfo(data), file);
  };
  tput._useXtermInfo = function () {
    this.inject(this.compile({ ...BUILT_IN_INFO, bools: {}, strings: { ...BUILT_IN_INFO.strings } }));
  };
}

/** Keeps blessed from ending the process on signals and uncaught exceptions: it believes that it listens already. */
function keepSignals({ Program, Screen }: Blessed): void {
  const nothing = (): void => {};
  if (Screen._bound !== true) {
    Screen._bound = true;
    Screen._exceptionHandler = nothing;
    Screen._sigtermHandler = nothing;
    Screen._sigintHandler = nothing;
    Screen._sigquitHandler = nothing;
    Screen._exitHandler = nothing;
  }
  if (Program._bound !== true) {
    Program._bound = true;
    Program._exitHandler = nothing;
  }
}

/** A stream as blessed wants one; what it writes goes to `write`. */
class Output extends EventEmitter {
  readonly isTTY = true;
  readonly writable = true;
  columns: number;
  rows: number;
  readonly #write: (text: string) => void;
  constructor(size: Size, write: (text: string) => void) {
    super();
    this.columns = size.columns;
    this.rows = size.rows;
    this.#write = write;
  }
  write(text: string): boolean {
    // SGR 8 (invisible) is what blessed makes of the bit that stands for dim; see style.ts. Titles can't hold an ESC.
    this.#write(
      text.includes(";8") || text.includes("[8") ? text.replace(/\x1b\[((?:[1457];)*)8(?=[;\d]*m)/g, "\x1b[$12") : text,
    );
    return true;
  }
}

export class TerminalScreen {
  readonly #output: Output;
  readonly #screen: Screen;
  readonly #program: InstanceType<Blessed["Program"]>;
  #look: Look;
  #frame: Frame = { rows: [], cursor: { row: 0, column: 0, visible: false } };
  #cursorShown = false;

  /** @param write sends text to the terminal, whole and in order */
  constructor(blessed: Blessed, term: string, size: Size, look: Look, write: (text: string) => void) {
    keepSignals(blessed);
    this.#look = look;
    this.#output = new Output(size, write);
    // blessed runs `tmux -V` where it sees this; nothing that we use depends on the answer.
    const tmux = process.env.TMUX;
    delete process.env.TMUX;
    try {
      this.#program = new blessed.Program({
        input: new EventEmitter(),
        output: this.#output,
        terminal: term,
        // Frames hold only what the terminal can show: blessed must not translate any of it.
        forceUnicode: true,
        extended: false,
        tput: true,
        buffer: true,
        zero: true,
      });
    } finally {
      if (tmux !== undefined) process.env.TMUX = tmux;
    }
    // Keys are read in the terminal's normal mode, and nothing scrolls: a scrolling region or keypad mode left
    // behind would be the next kernel's trouble.
    this.#program.put.keypad_xmit = () => {};
    this.#program.put.keypad_local = () => {};
    this.#program.csr = () => {};
    // Lines are drawn with the characters of the frame, not with the terminal's second character set.
    this.#program.tput.brokenACS = true;
    this.#screen = new blessed.Screen({ program: this.#program, forceUnicode: true });
    // Colours are the eight of ANSI, and only where the look allows them, whatever terminfo says.
    this.#screen._reduceColor = (colour) => colour;
    const picture = new blessed.Node({ screen: this.#screen, parent: this.#screen });
    picture.render = () => this.#paint();
  }

  draw(frame: Frame): void {
    this.#frame = frame;
    this.#screen.render();
    const { row, column, visible } = frame.cursor;
    this.#program.cup(row, column);
    if (visible !== this.#cursorShown) {
      if (visible) this.#program.showCursor();
      else this.#program.hideCursor();
      this.#cursorShown = visible;
    }
    this.#program.flush();
  }

  /** The next frame is of another size or look, and drawn whole. */
  resize(size: Size, look: Look): void {
    this.#look = look;
    this.#output.columns = size.columns;
    this.#output.rows = size.rows;
    this.#program.cols = size.columns;
    this.#program.rows = size.rows;
    this.#screen.alloc();
  }

  /** The next frame is drawn whole: something else has written on the terminal. */
  forget(): void {
    this.#screen.realloc();
  }

  /** Clears the terminal, shows its cursor and lets go of it. */
  leave(): void {
    // blessed makes all its cells anew where it clears the terminal, though nothing will be drawn any more.
    this.#screen.alloc = () => this.#program.clear();
    this.#screen.destroy();
  }

  #paint(): void {
    const { lines, olines } = this.#screen;
    for (let y = 0; y < lines.length; y++) {
      this.#paintRow(y, this.#frame.rows[y] ?? [], lines[y]!, olines[y]!);
    }
  }

  /** Puts a row into blessed's cells, and marks the line where one changed. */
  #paintRow(y: number, row: Row, line: Screen["lines"][number], shown: Screen["lines"][number]): void {
    // The last cell of the last line stays empty: writing it scrolls some terminals.
    const width = y === this.#screen.lines.length - 1 ? line.length - 1 : line.length;
    let x = 0;
    const put = (style: number, text: string): void => {
      const cell = line[x++];
      if (cell === undefined || (cell[0] === style && cell[1] === text)) return;
      cell[0] = style;
      cell[1] = text;
      line.dirty = true;
    };
    for (const part of row) {
      const style = this.#look.attribute(part.style);
      for (const cluster of clusters(part.text)) {
        if (x + cluster.width > width) break;
        if (cluster.width === 1 && cluster.text.length === 1) {
          put(style, cluster.text);
          continue;
        }
        // Terminals don't agree on the width of such characters: say where the next one stands.
        const text = `${cluster.text}\x1b[${y + 1};${x + cluster.width + 1}H`;
        if (cluster.width === 2) {
          // Both halves are written together or not at all, else blessed would count one column for two.
          const old = shown[x];
          const half = shown[x + 1];
          if (half !== undefined && old !== undefined && (old[0] !== style || old[1] !== text)) half[1] = "\0";
        }
        put(style, text);
        if (cluster.width === 2) put(style, "");
      }
    }
    const blank = this.#look.attribute("normal");
    while (x < width) put(blank, " ");
    if (line.dirty) joinRuns(line, shown);
  }
}

/** blessed jumps over a space that hasn't changed with four bytes; and a line in pieces is hard to read in a log. */
const SHORT_GAP = 5;

/** Has unchanged cells written again where they are few between changed ones. */
function joinRuns(line: Screen["lines"][number], shown: Screen["lines"][number]): void {
  let changed = -1;
  for (let x = 0; x < line.length; x++) {
    const [style, text] = line[x]!;
    const old = shown[x];
    if (old === undefined || (old[0] === style && old[1] === text)) continue;
    if (changed >= 0 && x - changed - 1 <= SHORT_GAP) {
      for (let gap = changed + 1; gap < x; gap++) shown[gap]![1] = "\0";
    }
    changed = x;
  }
}
