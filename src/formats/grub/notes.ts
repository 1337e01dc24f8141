/** What a person should know about a configuration, each thing once and in bounds. */

import { type Diagnostic, formatDiagnostic } from "../../entry.ts";
import { DiagnosticList, shortMessage } from "../budget.ts";
import type { SourceText } from "./source.ts";

/** Texts that are remembered so as to be said once. */
const MAX_SAID = 1000;

export class Notes {
  readonly #list = new DiagnosticList();
  readonly #said = new Set<string>();

  get diagnostics(): readonly Diagnostic[] {
    return this.#list.all;
  }

  /** @param at offset in `source`, null where all of it is meant */
  add(severity: Diagnostic["severity"], source: SourceText, at: number | null, message: string): void {
    this.pass({ severity, source: source.name, ...place(source, at), message: shortMessage(message) });
  }

  /** What another format's reader has said. */
  pass(diagnostic: Diagnostic): void {
    // What is left out needn't be remembered either.
    if (!this.#list.isFull && !this.isNew(formatDiagnostic(diagnostic))) return;
    this.#list.push(diagnostic);
  }

  /** True the first time that it is asked about a text. */
  isNew(text: string): boolean {
    const short = shortMessage(text);
    if (this.#said.has(short) || this.#said.size >= MAX_SAID) return false;
    this.#said.add(short);
    return true;
  }
}

const place = (source: SourceText, at: number | null): Pick<Diagnostic, "line" | "column"> =>
  at === null ? { line: null, column: null } : source.position(at);
