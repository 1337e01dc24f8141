/** The parts of blessed 0.1.81 that screen.ts uses. Its own index loads every widget there is; these files don't. */

declare module "blessed/lib/program.js" {
  import type { EventEmitter } from "node:events";

  interface Put {
    keypad_xmit(): void;
    keypad_local(): void;
  }
  export interface Program {
    cols: number;
    rows: number;
    put: Put;
    tput: { brokenACS: boolean };
    csr(top: number, bottom: number): void;
    cup(row: number, column: number): void;
    clear(): void;
    hideCursor(): void;
    showCursor(): void;
    flush(): void;
  }
  interface ProgramOptions {
    input: EventEmitter;
    output: EventEmitter;
    terminal: string;
    forceUnicode: boolean;
    extended: boolean;
    tput: boolean;
    buffer: boolean;
    zero: boolean;
  }
  const Program: {
    new (options: ProgramOptions): Program;
    _bound?: boolean;
    _exitHandler?: () => void;
  };
  export default Program;
}

declare module "blessed/lib/widgets/screen.js" {
  import type { Program } from "blessed/lib/program.js";

  /** Attribute and text. */
  export type Cell = [attribute: number, text: string];
  export type Line = Cell[] & { dirty: boolean };
  export interface Screen {
    lines: Line[];
    olines: Line[];
    _reduceColor(colour: number): number;
    alloc(dirty?: boolean): void;
    realloc(): void;
    render(): void;
    destroy(): void;
  }
  const Screen: {
    new (options: { program: Program; forceUnicode: boolean }): Screen;
    _bound?: boolean;
    _exceptionHandler?: () => void;
    _sigtermHandler?: () => void;
    _sigintHandler?: () => void;
    _sigquitHandler?: () => void;
    _exitHandler?: () => void;
  };
  export default Screen;
}

declare module "blessed/lib/widgets/node.js" {
  import type { Screen } from "blessed/lib/widgets/screen.js";

  const Node: {
    new (options: { screen: Screen; parent: Screen }): { render(): void };
  };
  export default Node;
}

declare module "blessed/lib/tput.js" {
  export interface TerminalInfo {
    name: string;
    names: string[];
    desc: string;
    bools: Record<string, boolean>;
    numbers: Record<string, number>;
    strings: Record<string, string>;
  }
  type Capability = (this: unknown, parameters: unknown[]) => string;
  interface Tput {
    compile(info: TerminalInfo): TerminalInfo;
    inject(info: TerminalInfo): void;
    _compile(info: TerminalInfo, key: string, value: unknown): unknown;
    parseTerminfo(data: Buffer, file: string): TerminalInfo;
    _useXtermInfo(): void;
  }
  const Tput: { prototype: Tput };
  export default Tput;
}
