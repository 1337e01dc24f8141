/**
 * Bytes from a terminal, read as keys. A key's sequence may come in several reads (serial lines deliver a byte at a
 * time), so the decoder keeps what is unfinished; the caller says with `flush` when it has waited long enough, and a
 * lone ESC then is the Escape key. Sequences: ECMA-48 section 5.4, xterm's ctlseqs, the Linux console, VT220.
 */

export type TerminalEvent =
  /**
   * A key: `up` `down` `left` `right` `home` `end` `pageup` `pagedown` `insert` `delete` `enter` `escape` `tab`
   * `backspace` `f1`…`f12`, a printable character as itself, with `C-` for Control and `M-` for Alt before it.
   */
  | { readonly type: "key"; readonly name: string /** What typing it inserts, else "". */; readonly text: string }
  /** The terminal's answer to a cursor position query (DSR 6); from 1. */
  | { readonly type: "cursor"; readonly row: number; readonly column: number }
  /** The terminal's answer to a size query (CSI 18 t). */
  | { readonly type: "size"; readonly rows: number; readonly columns: number }
  /** Text that was pasted, from a terminal that says so (bracketed paste, DEC mode 2004). */
  | { readonly type: "paste"; readonly text: string }
  /** The LF of a CR LF: of the Enter before it, or of a line that a program prints. */
  | { readonly type: "linefeed" }
  /** Bytes that no key sends: line noise, a break, a wrong baud rate. */
  | { readonly type: "noise" };

/** What has the terminal mark pasted text; terminals that don't know the mode ignore it. */
export const PASTE_ON = "\x1b[?2004h";
export const PASTE_OFF = "\x1b[?2004l";
const PASTE_END = "\x1b[201~";
/** A paste that is longer is cut; one that never ends must not use up the memory. */
const MAX_PASTE_LENGTH = 8192;

/** No key's sequence is longer. */
const MAX_SEQUENCE_LENGTH = 64;

const CSI_FINAL: Readonly<Record<string, string>> = {
  A: "up",
  B: "down",
  C: "right",
  D: "left",
  E: "begin",
  F: "end",
  H: "home",
  M: "enter",
  P: "f1",
  Q: "f2",
  R: "f3",
  S: "f4",
};

const CSI_TILDE: Readonly<Record<number, string>> = {
  1: "home",
  2: "insert",
  3: "delete",
  4: "end",
  5: "pageup",
  6: "pagedown",
  7: "home",
  8: "end",
  11: "f1",
  12: "f2",
  13: "f3",
  14: "f4",
  15: "f5",
  17: "f6",
  18: "f7",
  19: "f8",
  20: "f9",
  21: "f10",
  23: "f11",
  24: "f12",
};

/** The keypad in application mode (SS3 and a letter): j is `*`, k `+`, … p to y are the digits. */
const KEYPAD = "*+,-./0123456789";

const NOISE: TerminalEvent = { type: "noise" };
const LINE_FEED: TerminalEvent = { type: "linefeed" };

const key = (name: string, text = ""): TerminalEvent => ({ type: "key", name, text });

export class KeyDecoder {
  /** Bytes of a sequence that isn't finished. */
  #held: number[] = [];
  #afterReturn = false;
  /** Bytes of a paste that hasn't ended. */
  #pasted: { readonly bytes: number[]; tail: string } | null = null;
  /**
   * Set while an answer to a cursor position query is to come: F3 with a modifier (`CSI 1 ; 2 R`) looks just like the
   * answer of a terminal whose cursor is in the first row.
   */
  cursorExpected = false;

  /** True where a sequence has begun and not ended: call {@link flush} if nothing follows within a moment. */
  get pending(): boolean {
    return this.#held.length > 0 || this.#pasted !== null;
  }

  /** What these bytes finish. */
  push(bytes: Uint8Array): TerminalEvent[] {
    const out: TerminalEvent[] = [];
    for (const byte of bytes) this.#byte(byte, out);
    return out;
  }

  /** Nothing more comes: a lone ESC is the Escape key, anything else unfinished is noise. */
  flush(): TerminalEvent[] {
    if (this.#pasted !== null) {
      // The end of the paste was lost: what follows are keys again.
      this.#pasted = null;
      return [NOISE];
    }
    const held = this.#held;
    this.#held = [];
    if (held.length === 0) return [];
    if (held.length === 1 && held[0] === 0x1b) return [key("escape")];
    if (held.length === 2 && held[0] === 0x1b) return [key(`M-${String.fromCharCode(held[1]!)}`)];
    return [NOISE];
  }

  #byte(byte: number, out: TerminalEvent[]): void {
    if (this.#pasted !== null) {
      this.#paste(byte, this.#pasted, out);
      return;
    }
    const held = this.#held;
    if (held.length === 0) {
      this.#first(byte, out);
      return;
    }
    if (held[0] !== 0x1b) {
      this.#utf8(byte, out);
      return;
    }
    if (byte === 0x1b && !isString(held[1])) {
      // A new sequence begins: what was before it has ended.
      if (held.length === 1) out.push(key("escape"));
      else out.push(...this.flush());
      this.#held = [0x1b];
      return;
    }
    held.push(byte);
    if (held.length > MAX_SEQUENCE_LENGTH) {
      this.#held = [];
      out.push(NOISE);
      return;
    }
    const event = decodeEscape(held, this.cursorExpected);
    if (event === "more") return;
    this.#held = [];
    if (event === "paste") {
      this.#pasted = { bytes: [], tail: "" };
      return;
    }
    if (event !== null) out.push(event);
  }

  #paste(byte: number, pasted: { readonly bytes: number[]; tail: string }, out: TerminalEvent[]): void {
    if (pasted.bytes.length < MAX_PASTE_LENGTH) pasted.bytes.push(byte);
    pasted.tail = (pasted.tail + String.fromCharCode(byte)).slice(-PASTE_END.length);
    if (pasted.tail !== PASTE_END) return;
    this.#pasted = null;
    const whole = pasted.bytes.length < MAX_PASTE_LENGTH;
    const bytes = whole ? pasted.bytes.slice(0, -PASTE_END.length) : pasted.bytes;
    out.push({ type: "paste", text: Buffer.from(bytes).toString("utf8") });
  }

  #first(byte: number, out: TerminalEvent[]): void {
    const afterReturn = this.#afterReturn;
    this.#afterReturn = byte === 0x0d;
    if (byte >= 0x20 && byte <= 0x7e) out.push(key(String.fromCharCode(byte), String.fromCharCode(byte)));
    else if (byte === 0x1b || (byte >= 0xc2 && byte <= 0xf4)) this.#held = [byte];
    else if (byte === 0x0d) out.push(key("enter"));
    // Some terminals and most scripts send CR LF for one Enter.
    else if (byte === 0x0a) out.push(afterReturn ? LINE_FEED : key("enter"));
    else if (byte === 0x09) out.push(key("tab"));
    else if (byte === 0x7f || byte === 0x08) out.push(key("backspace"));
    else if (byte >= 0x01 && byte <= 0x1a) out.push(key(`C-${String.fromCharCode(byte + 0x60)}`));
    else out.push(NOISE);
  }

  #utf8(byte: number, out: TerminalEvent[]): void {
    const held = this.#held;
    if ((byte & 0xc0) !== 0x80) {
      this.#held = [];
      out.push(NOISE);
      this.#first(byte, out);
      return;
    }
    held.push(byte);
    const length = held[0]! >= 0xf0 ? 4 : held[0]! >= 0xe0 ? 3 : 2;
    if (held.length < length) return;
    this.#held = [];
    const text = Buffer.from(held).toString("utf8");
    const point = text.codePointAt(0)!;
    // Overlong forms and surrogates decode to U+FFFD; C1 controls are no keys.
    out.push(text.includes("\ufffd") || point < 0xa0 ? NOISE : key(text, text));
  }
}

/** True for the second byte of a string (DCS, SOS, OSC, PM, APC), which only BEL or ST ends. */
function isString(second: number | undefined): boolean {
  return second === 0x50 || second === 0x58 || second === 0x5d || second === 0x5e || second === 0x5f;
}

/** @returns "more" while unfinished; null for a finished one that means nothing here. */
function decodeEscape(held: readonly number[], cursorExpected: boolean): TerminalEvent | "more" | "paste" | null {
  const second = held[1]!;
  const last = held.at(-1)!;
  if (second === 0x5b) return held.length === 2 ? "more" : decodeCsi(held, cursorExpected);
  if (second === 0x4f) return held.length === 2 ? "more" : decodeSs3(last);
  if (isString(second)) return last === 0x07 || (last === 0x5c && held.at(-2) === 0x1b) ? null : "more";
  if (second === 0x0d) return key("M-enter");
  if (second === 0x7f || second === 0x08) return key("M-backspace");
  if (second >= 0x20 && second <= 0x7e) return key(`M-${String.fromCharCode(second)}`);
  return NOISE;
}

function decodeSs3(last: number): TerminalEvent {
  const letter = String.fromCharCode(last);
  const name = CSI_FINAL[letter];
  if (name !== undefined) return key(name);
  const digit = KEYPAD[last - 0x6a];
  return digit === undefined ? NOISE : key(digit, digit);
}

function decodeCsi(held: readonly number[], cursorExpected: boolean): TerminalEvent | "more" | "paste" | null {
  const last = held.at(-1)!;
  // The Linux console sends F1 to F5 as CSI [ A to CSI [ E.
  if (held[2] === 0x5b) {
    if (held.length === 3) return "more";
    return last >= 0x41 && last <= 0x45 ? key(`f${last - 0x40}`) : NOISE;
  }
  if (last >= 0x20 && last <= 0x3f) return "more";
  if (last < 0x40 || last > 0x7e) return NOISE;
  const body = String.fromCharCode(...held.slice(2, -1));
  const final = String.fromCharCode(last);
  // Mouse reports and answers to queries that we don't send (`ESC [ ? …`) mean nothing here.
  if (!/^[0-9;]*$/.test(body)) return null;
  const numbers = body.split(";").map((part) => (part === "" ? 0 : Number.parseInt(part, 10)));
  const [first = 0, secondNumber = 0, third = 0] = numbers;
  if (final === "R" && numbers.length === 2 && (cursorExpected || first > 1 || secondNumber > 16)) {
    return { type: "cursor", row: first, column: secondNumber };
  }
  if (final === "t") return first === 8 ? { type: "size", rows: secondNumber, columns: third } : null;
  if (final === "~" && first === 200) return "paste";
  if (final === "~" && first === 201) return null;
  if (final === "Z") return key("S-tab");
  const name = final === "~" ? CSI_TILDE[first] : CSI_FINAL[final];
  if (name === undefined) return NOISE;
  const modifiers = Math.max(0, (secondNumber || 1) - 1);
  return key(`${modifiers & 4 ? "C-" : ""}${modifiers & 2 ? "M-" : ""}${name}`);
}
