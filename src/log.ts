/**
 * What Baton did, kept in memory for the menu's log screen and passed on to sinks (the kernel log, stderr).
 */

import { printable } from "./text.ts";

/** As the kernel's: 3 error, 4 warning, 6 info, 7 debug. */
type LogLevel = 3 | 4 | 6 | 7;

export interface LogLine {
  /** Milliseconds since Baton started. */
  readonly at: number;
  readonly level: LogLevel;
  readonly text: string;
}

/** Receives every line as it is logged; must not throw. */
type LogSink = (line: LogLine) => void;

const KEPT_LINES = 2000;
const lines: LogLine[] = [];
const sinks = new Set<LogSink>();

/** Adds a sink; the returned function removes it. Lines logged before are not repeated to it. */
export function addLogSink(sink: LogSink): () => void {
  sinks.add(sink);
  return () => sinks.delete(sink);
}

/** The newest lines, oldest first (at most 2,000). */
export function logLines(): readonly LogLine[] {
  return lines;
}

/** `[  1.234] text`, as the log screen and stderr show it. */
export function formatLogLine(line: LogLine): string {
  return `[${(line.at / 1000).toFixed(3).padStart(8)}] ${line.text}`;
}

function write(level: LogLevel, text: string): void {
  const line = { at: Math.round(performance.now()), level, text: printable(text) };
  lines.push(line);
  if (lines.length > KEPT_LINES) lines.splice(0, lines.length - KEPT_LINES);
  for (const sink of sinks) sink(line);
}

export const log = {
  error: (text: string): void => write(3, text),
  warn: (text: string): void => write(4, text),
  info: (text: string): void => write(6, text),
  debug: (text: string): void => write(7, text),
};
