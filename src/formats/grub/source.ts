/** The text of a GRUB configuration: from bytes to the lines that GRUB's reader hands to its parser. */

/** One file (or a string given to `eval`) while it is being read. */
export class SourceText {
  /** `vda1:/boot/grub/grub.cfg`. */
  readonly name: string;
  /** Without carriage returns and without what follows a NUL in its line; lines end in `\n`. */
  readonly text: string;
  /**
   * True for a file: GRUB's reader skips every line that begins with `#`, even in the middle of a quoted text.
   * False for a string, which goes to the parser as it is.
   */
  readonly skipsHashLines: boolean;
  /** Where a string given to `eval` came from: what is wrong in it is shown there. */
  readonly #origin: { readonly source: SourceText; readonly at: number } | null;
  #lineStarts: number[] | null = null;

  private constructor(name: string, text: string, origin: { source: SourceText; at: number } | null) {
    this.name = name;
    this.text = text;
    this.skipsHashLines = origin === null;
    this.#origin = origin;
  }

  /** A file; `name` is its FileRef. */
  static file(name: string, text: string): SourceText {
    return new SourceText(name, text, null);
  }

  /** A string that a command at `at` in `source` runs as a script. */
  static string(text: string, source: SourceText, at: number): SourceText {
    return new SourceText(source.name, text, { source, at });
  }

  /** Line and column, both from 1, of an offset in the text. */
  position(offset: number): { line: number; column: number } {
    if (this.#origin !== null) return this.#origin.source.position(this.#origin.at);
    if (this.#lineStarts === null) {
      const starts = [0];
      for (let at = this.text.indexOf("\n"); at !== -1; at = this.text.indexOf("\n", at + 1)) starts.push(at + 1);
      this.#lineStarts = starts;
    }
    const starts = this.#lineStarts;
    let low = 0;
    let high = starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (starts[middle]! <= offset) low = middle;
      else high = middle - 1;
    }
    return { line: low + 1, column: offset - starts[low]! + 1 };
  }
}

/** What {@link decodeSource} found. */
interface DecodedSource {
  readonly text: string;
  /** What a person should know about the encoding. */
  readonly warnings: readonly string[];
}

/**
 * Decodes a configuration file. GRUB reads UTF-8 and drops every carriage return; a NUL ends its line. A byte
 * order mark and UTF-16 break the first command or all of them in GRUB itself: those are read all the same, with
 * a warning, since what the person meant is plain.
 */
export function decodeSource(bytes: Uint8Array): DecodedSource {
  const warnings: string[] = [];
  const encoding = utf16Encoding(bytes);
  let text: string;
  if (encoding !== null) {
    warnings.push(`the file is in UTF-16, of which GRUB itself reads nothing; save it as UTF-8`);
    text = decodeUtf16(bytes, encoding);
  } else {
    text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
  }
  if (text.charCodeAt(0) === 0xfeff) {
    if (encoding === null) {
      warnings.push(
        "the file begins with a byte order mark, which GRUB takes for part of the first command; remove it",
      );
    }
    text = text.slice(1);
  }
  if (text.includes("\r")) text = text.replaceAll("\r", "");
  if (text.includes("\0")) {
    warnings.push("the file has NUL bytes, at which GRUB ends the line; what follows them in a line is not read");
    text = text.replace(/\0[^\n]*/g, "");
  }
  return { text, warnings };
}

function utf16Encoding(bytes: Uint8Array): "le" | "be" | null {
  const [first, second, third, fourth] = bytes;
  if (first === 0xff && second === 0xfe) return "le";
  if (first === 0xfe && second === 0xff) return "be";
  if (bytes.length < 4) return null;
  // Without a mark: letters of ASCII with a NUL beside each.
  if (first !== 0 && second === 0 && third !== 0 && fourth === 0) return "le";
  if (first === 0 && second !== 0 && third === 0 && fourth !== 0) return "be";
  return null;
}

function decodeUtf16(bytes: Uint8Array, encoding: "le" | "be"): string {
  const even = bytes.subarray(0, bytes.length & ~1);
  if (encoding === "le") return new TextDecoder("utf-16le", { ignoreBOM: true }).decode(even);
  const swapped = new Uint8Array(even.length);
  for (let i = 0; i + 1 < even.length; i += 2) {
    swapped[i] = even[i + 1]!;
    swapped[i + 1] = even[i]!;
  }
  return new TextDecoder("utf-16le", { ignoreBOM: true }).decode(swapped);
}
