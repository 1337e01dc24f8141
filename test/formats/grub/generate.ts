/** Scripts in GRUB's language, well formed and spoilt, for property tests and the fuzzer. */

import fc from "fast-check";

const SEPARATORS = ["\n", "; ", " ;\n", "\n\n"];

const word = fc.oneof(
  fc.constantFrom(
    "a",
    "b1",
    "x=y",
    "if",
    "done",
    "in",
    "-n",
    "[",
    "]",
    "=",
    "!",
    "5",
    "/boot/vmlinuz",
    "a#b",
    "~",
    "[[x",
  ),
  fc.constantFrom("'q w'", "'it\\'", '"d q"', '"$x"', `"\${y}z"`, '""', "''", "\\$", "a\\ b", '"\\""', "con\\\ntinued"),
  fc.constantFrom("$x", `\${y}`, "$1", "$@", '"$*"', "$#", "$?", "a$x'b'", '$"t $x"', "$x$y", "/boot/*", "*"),
);

const simple = fc
  .tuple(
    fc.constantFrom("echo", "true", "false", "set", "test", "[", "f", "! true", "x=1", "unset x", "regexp a b"),
    fc.array(word, { maxLength: 4 }),
  )
  .map(([command, words]) => [command, ...words].join(" "));

/** One statement, with others inside it. */
export const statement = fc.letrec<{ list: string; statement: string }>((tie) => ({
  list: fc
    .tuple(fc.array(tie("statement"), { minLength: 1, maxLength: 3 }), fc.constantFrom(...SEPARATORS))
    .map(([statements, separator]) => statements.join(separator)),
  statement: fc.oneof(
    { maxDepth: 4, depthSize: "small" },
    simple,
    fc
      .tuple(tie("list"), tie("list"), fc.option(tie("list")), fc.constantFrom(...SEPARATORS))
      .map(([condition, yes, no, end]) =>
        no === null
          ? `if ${condition}${end}then ${yes}${end}fi`
          : `if ${condition}${end}then ${yes}${end}else ${no}${end}fi`,
      ),
    fc
      .tuple(fc.array(word, { maxLength: 3 }), tie("list"), fc.constantFrom(...SEPARATORS))
      .map(([words, body, end]) => `for i in ${words.join(" ")}${end}do ${body}${end}done`),
    fc
      .tuple(fc.constantFrom("while", "until"), tie("list"), tie("list"), fc.constantFrom(...SEPARATORS))
      .map(([kind, condition, body, end]) => `${kind} ${condition}${end}do ${body}${end}done`),
    fc
      .tuple(fc.constantFrom("menuentry", "submenu", "f"), word, tie("list"), fc.constantFrom(" ", "\n", ";"))
      .map(([kind, title, body, end]) => `${kind} ${title} { ${body}${end}}`),
  ),
})).statement;

const script = fc
  .array(
    fc.oneof(
      { weight: 5, arbitrary: statement },
      { weight: 1, arbitrary: statement.map((body) => `function g {\n${body}\n}`) },
    ),
    {
      minLength: 1,
      maxLength: 4,
    },
  )
  .map((statements) => `${statements.join("\n")}\n`);

const TOKENS = [
  ..."menuentry submenu if then elif else fi for in do done while until function case esac select [[ ]] { } ; ;; | || & && < >".split(
    " ",
  ),
  ...["\n", "\\\n", "\\", '"', "'", "$", "$x", "${", "#", " ", "echo", "a", "'b c'", '"d $x"'],
];

/** Pieces in any order. */
const soup = fc
  .tuple(fc.array(fc.constantFrom(...TOKENS), { minLength: 1, maxLength: 15 }), fc.constantFrom("", " "))
  .map(([pieces, glue]) => `${pieces.join(glue)}\n`);

/** A script with something put in or left out. */
const spoilt = fc
  .tuple(
    script,
    fc.array(fc.tuple(fc.nat(), fc.constantFrom(...TOKENS, ""), fc.nat({ max: 2 })), { minLength: 1, maxLength: 3 }),
  )
  .map(([text, changes]) => {
    let result = text;
    for (const [where, piece, removed] of changes) {
      const at = where % (result.length + 1);
      result = result.slice(0, at) + piece + result.slice(at + removed);
    }
    return result;
  });

export const anyScript = fc.oneof(script, soup, spoilt);
export const goodScript = script;
