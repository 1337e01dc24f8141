/** What a simple format collects: entries within their budget, and what is to be said. */

import { type Diagnostic, formatFileRef, type ParsedEntry } from "../entry.ts";
import { BatonError, describeError } from "../errors.ts";
import { Breath, DiagnosticList, ListBudget } from "./budget.ts";
import { EMPTY_RESULT, type FormatContext, type FormatResult } from "./format.ts";
import { decodeText } from "./text.ts";

export class EntryList {
  /** `vda1:/limine.conf` */
  readonly source: string;
  readonly context: FormatContext;
  readonly breath = new Breath(16);
  readonly #budget: ListBudget;
  readonly #diagnostics = new DiagnosticList();
  readonly #entries: ParsedEntry[] = [];

  /** @param path of the configuration on its volume. */
  constructor(path: string, context: FormatContext) {
    this.source = formatFileRef({ device: context.volume.name, path });
    this.context = context;
    this.#budget = ListBudget.of(context);
  }

  get length(): number {
    return this.#entries.length;
  }

  /** True where no more entries are taken. */
  get isSpent(): boolean {
    return this.#budget.isSpent;
  }

  say(severity: Diagnostic["severity"], line: number | null, message: string): void {
    this.#diagnostics.push({ severity, source: this.source, line, column: null, message });
  }

  /** @returns the entry's place in the list; null where there is no room, which is said. */
  add(entry: ParsedEntry): number | null {
    if (this.#budget.admit(entry)) return this.#entries.push(entry) - 1;
    const end = this.#budget.sayEnd();
    if (end !== null) this.say("error", null, end);
    return null;
  }

  /**
   * The text of the configuration or of another file on its volume; null, with a diagnostic, where that file can't be
   * read. Rejects where the volume doesn't answer.
   */
  async read(path: string, limit: number): Promise<string | null> {
    const { volume, share } = this.context;
    const source = formatFileRef({ device: volume.name, path });
    const say = (severity: Diagnostic["severity"], message: string): void =>
      this.#diagnostics.push({ severity, source, line: null, column: null, message });
    try {
      const bytes = await volume.reader.read(path, limit);
      const why = share?.read(bytes.length) ?? null;
      if (why !== null) {
        say("error", `it is not read: ${why}`);
        return null;
      }
      const { text, problem } = decodeText(bytes);
      if (problem !== null) say("warning", problem);
      return text;
    } catch (error) {
      if (!(error instanceof BatonError) || error.code === "timeout" || error.code === "io") throw error;
      say("error", describeError(error));
      return null;
    }
  }

  result(fields: Partial<FormatResult> = {}): FormatResult {
    return { ...EMPTY_RESULT, ...fields, entries: this.#entries, diagnostics: this.#diagnostics.all };
  }
}

/** A stranger's word in a message. */
export function clip(text: string): string {
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}
