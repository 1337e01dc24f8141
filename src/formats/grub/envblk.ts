/** The environment block, `grubenv`: 1,024 bytes (or a multiple) that GRUB can rewrite in place. */

const SIGNATURE = "# GRUB Environment Block\n";

/** What a block holds, or why it can't be used. */
export type EnvironmentBlock =
  | { readonly variables: ReadonlyMap<string, string>; readonly problem: null }
  | { readonly variables: null; readonly problem: string };

/**
 * Reads a block: after the signature, lines of `name=value`, in which a backslash makes the next character part of
 * the value (a newline too); the rest is filled up with `#`.
 */
export function parseEnvironmentBlock(bytes: Uint8Array): EnvironmentBlock {
  const text = new TextDecoder().decode(bytes);
  if (!text.startsWith(SIGNATURE)) {
    return {
      variables: null,
      problem: "it does not begin with '# GRUB Environment Block'; grub-editenv makes a new one",
    };
  }
  const variables = new Map<string, string>();
  let at = SIGNATURE.length;
  while (at < text.length) {
    if (text[at] === "#") {
      at = endOfLine(text, at);
      continue;
    }
    let name = "";
    let at2 = at;
    while (at2 < text.length && text[at2] !== "=" && text[at2] !== "\n" && text[at2] !== "\0") name += text[at2++];
    if (text[at2] !== "=") {
      at = endOfLine(text, at2);
      continue;
    }
    let value = "";
    at = at2 + 1;
    while (at < text.length && text[at] !== "\n") {
      if (text[at] === "\\") at++;
      value += text[at] ?? "";
      at++;
    }
    // The same name twice: the later one counts, as GRUB sets them in order.
    variables.set(name, value);
    at++;
  }
  return { variables, problem: null };
}

function endOfLine(text: string, from: number): number {
  const end = text.indexOf("\n", from);
  return end === -1 ? text.length : end + 1;
}
