/** Bodies of entries that hold nothing but plain commands, as most do: found well-formed at a glance. */

/**
 * Where such a body begins with its `{`, to its `}`: one command a line, without blocks, variables, escapes, comments or
 * compound commands; quoted texts end in their line. The parser takes it for well-formed without reading its words,
 * which are read when the entry is run. Bounded, as what repeats costs stack: longer ones are read.
 */
const PLAIN_BODY =
  /\{[ \t]*\n(?![ \t]*[\n}])(?:(?![ \t]*(?:do|done|elif|else|fi|for|function|if|in|then|until|while|case|esac|select)(?:[ \t\n'"]))[^{}|&$;<>\n'"\\#[\]]*(?:(?:'[^'\n]*'|"[^"$\\\n]*")[^{}|&$;<>\n'"\\#[\]]*){0,64}\n){1,64}[ \t]*\}/y;

/** @returns the offset after the `}`; -1 where the body is none of these. */
export function plainBodyEnd(text: string, start: number): number {
  PLAIN_BODY.lastIndex = start;
  return PLAIN_BODY.test(text) ? PLAIN_BODY.lastIndex : -1;
}
