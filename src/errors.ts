/** Errors that people read. Imports nothing. */

/** What kind of failure it was, for code that must tell them apart. */
export type ErrorCode =
  | "not-found"
  | "not-a-file"
  | "not-a-directory"
  | "outside"
  | "loop"
  | "too-large"
  | "timeout"
  | "io"
  | "unsupported"
  | "bad-format"
  | "refused"
  | "usage"
  | "cancelled"
  | "syscall";

/**
 * A failure with a message that stands by itself: what was tried, on what, why it failed, and what to do where
 * something can be done.
 */
export class BatonError extends Error {
  readonly code: ErrorCode;
  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = "BatonError";
    this.code = code;
  }
}

/** One line on any failure, for a person: a BatonError's own message, else the error's message. */
export function describeError(error: unknown): string {
  const text = error instanceof Error ? error.message || error.name : String(error);
  return text.replace(/\s*\n\s*/g, " ");
}

/** The same where its subject is named already: without `NAME: ` in front. */
export function describeWithout(name: string, error: unknown): string {
  const text = describeError(error);
  return text.startsWith(`${name}: `) ? text.slice(name.length + 2) : text;
}
