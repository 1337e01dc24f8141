/** Lines that a person types on the terminal from which a command was started. */

import { BatonError } from "../../errors.ts";
import { printable } from "../../text.ts";

/**
 * Asks one question after the other on standard error.
 * @param questions each with what stands before the line; one that is hidden isn't shown as it is typed
 * @throws BatonError `cancelled` at Ctrl-C
 */
export async function typeLines(
  questions: readonly { readonly text: string; readonly isHidden: boolean }[],
): Promise<string[]> {
  const { stdin, stderr } = process;
  const lines: string[] = [];
  let text = "";
  stderr.write(questions[0]?.text ?? "");
  stdin.setRawMode(true);
  stdin.setEncoding("utf8");
  try {
    for await (const piece of stdin) {
      for (const char of String(piece)) {
        const isHidden = questions[lines.length]!.isHidden;
        if (char === "\u0003") throw new BatonError("cancelled", "Ctrl-C was pressed");
        if (char === "\r" || char === "\n" || char === "\u0004") {
          lines.push(text);
          text = "";
          if (lines.length === questions.length) return lines;
          stderr.write(`\n${questions[lines.length]!.text}`);
        } else if (char === "\u007f" || char === "\b") {
          if (!isHidden && text !== "") stderr.write("\b \b");
          text = [...text].slice(0, -1).join("");
        } else if (char >= " ") {
          text += char;
          if (!isHidden) stderr.write(printable(char));
        }
      }
    }
    throw new BatonError("cancelled", "the terminal was closed");
  } finally {
    stdin.setRawMode(false);
    stderr.write("\n");
  }
}
