/** What a person should know about a configuration, each thing once and in bounds. */

import { type Diagnostic, formatDiagnostic } from "../../entry.ts";
import type { SourceText } from "./source.ts";

/** More than anybody reads. */
const MAX_DIAGNOSTICS = 200;

export class Notes {
  readonly diagnostics: Diagnostic[] = [];
  readonly #said = new Set<string>();

  /** @param at offset in `source`, null where all of it is meant */
  add(severity: Diagnostic["severity"], source: SourceText, at: number | null, message: string): void {
    if (this.diagnostics.length > MAX_DIAGNOSTICS) return;
    const position = at === null ? { line: null, column: null } : source.position(at);
    if (!this.isNew(`${source.name}\0${position.line}\0${position.column}\0${message}`)) return;
    const text = this.diagnostics.length === MAX_DIAGNOSTICS ? "there is more to say, which is left out" : message;
    this.diagnostics.push({ severity, source: source.name, ...position, message: text });
  }

  /** What another format's reader has said. */
  pass(diagnostic: Diagnostic): void {
    if (this.diagnostics.length < MAX_DIAGNOSTICS && this.isNew(formatDiagnostic(diagnostic))) {
      this.diagnostics.push(diagnostic);
    }
  }

  /** True the first time that it is asked about a text. */
  isNew(text: string): boolean {
    if (this.#said.has(text)) return false;
    this.#said.add(text);
    return true;
  }
}
