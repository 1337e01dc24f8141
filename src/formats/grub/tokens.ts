/** The tokens of GRUB's scripting language (grub-core/script/yylex.l). */

export const TOKEN = {
  end: 0,
  newline: 1,
  semicolon: 2,
  open: 3,
  close: 4,
  /** A word that could also be a variable's or function's name. */
  name: 5,
  word: 6,
  /** `|` `&` `<` `>` `&&` `||` `;;` `[[` `]]`: known to the lexer, used nowhere in the grammar. */
  operator: 7,
  /** Not a token at all; `problem` says why. */
  bad: 8,
  /** The text ended inside a quote; `problem` says which. */
  unterminated: 9,
  // Reserved words: only where a command may begin; words everywhere else.
  do: 20,
  done: 21,
  elif: 22,
  else: 23,
  fi: 24,
  for: 25,
  function: 26,
  if: 27,
  in: 28,
  thenWord: 29,
  until: 30,
  while: 31,
  case: 32,
  esac: 33,
  select: 34,
} as const;

export type Token = (typeof TOKEN)[keyof typeof TOKEN];

/** From here on, tokens are reserved words. */
export const FIRST_RESERVED = TOKEN.do;

export const RESERVED: ReadonlyMap<string, Token> = new Map<string, Token>([
  ["do", TOKEN.do],
  ["done", TOKEN.done],
  ["elif", TOKEN.elif],
  ["else", TOKEN.else],
  ["fi", TOKEN.fi],
  ["for", TOKEN.for],
  ["function", TOKEN.function],
  ["if", TOKEN.if],
  ["in", TOKEN.in],
  ["then", TOKEN.thenWord],
  ["until", TOKEN.until],
  ["while", TOKEN.while],
  ["case", TOKEN.case],
  ["esac", TOKEN.esac],
  ["select", TOKEN.select],
  ["[[", TOKEN.operator],
  ["]]", TOKEN.operator],
]);

// What a character can be part of. Everything above ASCII is plain.
export const PLAIN = 1;
export const NAME_START = 2;
export const NAME_PART = 4;
/** `*` and `?` make a pattern. */
export const PATTERN = 8;

export const CLASS = new Uint8Array(128).fill(PLAIN);
for (const c of "{}|&$;<> \t\n'\"\\") CLASS[c.charCodeAt(0)] = 0;
for (let c = 0; c < 128; c++) {
  if (/[A-Za-z_]/.test(String.fromCharCode(c))) CLASS[c] = PLAIN | NAME_START | NAME_PART;
  if (/[0-9]/.test(String.fromCharCode(c))) CLASS[c] = PLAIN | NAME_PART;
}
CLASS[0x2a] = PLAIN | PATTERN;
CLASS[0x3f] = PLAIN | PATTERN;
