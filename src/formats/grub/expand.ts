/** From words to arguments: variables, word splitting, patterns (grub-core/script/execute.c, commands/wildcard.c). */

import { PART, type Word, type WordPart } from "./ast.ts";

/** What expansion needs to know. */
interface ExpansionScope {
  /** A variable's value, `?` among them; undefined where it isn't set. */
  variable(name: string): string | undefined;
  /** `$1`, `$2`…; null outside of functions, entries and `setparams`. */
  readonly positional: readonly string[] | null;
  /** The names that a pattern matches; an empty list where there are none. */
  glob(pattern: string): Promise<readonly string[]>;
}

/** Expands words into arguments. A promise only where a pattern must be looked up in a directory. */
export function expandWords(words: readonly Word[], scope: ExpansionScope): string[] | Promise<string[]> {
  const args: string[] = [];
  let patterns = false;
  for (const word of words) {
    if (typeof word === "string") {
      args.push(word);
      continue;
    }
    for (const pattern of expandParts(word, scope)) {
      if (!patterns && isPattern(pattern)) patterns = true;
      args.push(pattern);
      // Patterns are escaped, plain words are not: remember by escaping only where there is something to escape.
      if (patterns) return expandWithPatterns(words, scope);
      args[args.length - 1] = unescapePattern(pattern);
    }
  }
  return args;
}

async function expandWithPatterns(words: readonly Word[], scope: ExpansionScope): Promise<string[]> {
  const args: string[] = [];
  for (const word of words) {
    if (typeof word === "string") {
      args.push(word);
      continue;
    }
    for (const pattern of expandParts(word, scope)) {
      const found = isPattern(pattern) ? await scope.glob(pattern) : [];
      if (found.length > 0) args.push(...found);
      else args.push(unescapePattern(pattern));
    }
  }
  return args;
}

/** Only these can match file names: GRUB looks no further than the first character. */
function isPattern(escaped: string): boolean {
  if (!/^[/(*]/.test(escaped)) return false;
  return /[*?]/.test(escaped.replace(/\\[\s\S]/g, ""));
}

/** The word's arguments, with a backslash before every character that isn't to be taken as part of a pattern. */
function expandParts(parts: readonly WordPart[], scope: ExpansionScope): string[] {
  const results: string[] = [];
  // undefined: nothing yet, which makes no argument; "" is one.
  let current: string | undefined;
  const append = (text: string) => {
    current = current === undefined ? text : current + text;
  };
  const next = () => {
    if (current !== undefined) results.push(current);
    current = undefined;
  };
  for (const part of parts) {
    switch (part.kind) {
      case PART.text:
        append(part.text);
        break;
      case PART.quoted:
        append(escapePattern(part.text));
        break;
      case PART.translated:
        append(escapePattern(expandTranslated(part.text, scope)));
        break;
      default: {
        const quoted = part.kind === PART.quotedVariable;
        const values = variableValues(part.text, quoted, scope);
        for (const [index, value] of values.entries()) {
          if (index > 0) next();
          append(
            quoted ? escapePattern(value) : value.replace(/\\(?=([?*]?))/g, (_, wild) => (wild ? "\\\\\\" : "\\\\")),
          );
        }
      }
    }
  }
  next();
  return results;
}

/** What `$name` stands for: no value, one, or several that become words of their own. */
function variableValues(name: string, quoted: boolean, scope: ExpansionScope): string[] {
  const { positional } = scope;
  const isPositional = /^[0-9]+$/.test(name);
  if (!isPositional && name !== "#" && name !== "*" && name !== "@") {
    const value = scope.variable(name) ?? "";
    if (value === "") return [];
    return quoted ? [value] : splitWords(value);
  }
  if (positional === null) return [];
  if (name === "#") return [String(positional.length)];
  if (isPositional) {
    const value = positional[Number(name) - 1];
    if (value === undefined) return [];
    return quoted ? [value] : splitWords(value);
  }
  if (!quoted) return positional.flatMap(splitWords);
  if (name === "@") return [...positional];
  return positional.length === 0 ? [] : [positional.join(" ")];
}

/** Splits at blanks, tabs and line ends. */
function splitWords(value: string): string[] {
  const words: string[] = [];
  let at = 0;
  for (;;) {
    while (at < value.length && isSpace(value.charCodeAt(at))) at++;
    if (at >= value.length) return words;
    const start = at;
    while (at < value.length && !isSpace(value.charCodeAt(at))) at++;
    words.push(value.slice(start, at));
  }
}

function isSpace(c: number): boolean {
  return c === 0x20 || c === 0x09 || c === 0x0a || c === 0x0d;
}

/** `$"…"`: no translation is loaded, so the text itself, with variables and backslashes taken out. */
function expandTranslated(text: string, scope: ExpansionScope): string {
  return text.replace(
    /\\([\s\S])|\$\{([^}]*)\}|\$([0-9]+|[A-Za-z_][A-Za-z0-9_]*|[?#])/g,
    (all, escaped: string | undefined, braced: string | undefined, bare: string | undefined) => {
      if (escaped !== undefined) return escaped === "\\" || escaped === "$" ? escaped : all;
      const name = (braced ?? bare)!;
      if (name === "#") return String(scope.positional?.length ?? "");
      return /^[0-9]+$/.test(name) ? "" : (scope.variable(name) ?? "");
    },
  );
}

function escapePattern(text: string): string {
  return /[\\*?]/.test(text) ? text.replace(/[\\*?]/g, "\\$&") : text;
}

function unescapePattern(pattern: string): string {
  return pattern.includes("\\") ? pattern.replace(/\\([\s\S])/g, "$1") : pattern;
}
