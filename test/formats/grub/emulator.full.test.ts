import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import fc from "fast-check";
import { echoes } from "./support.ts";
import { emulate, hasTool } from "./tools.ts";

// The same scripts in GRUB itself (grub-emu) and here: what `echo` prints must be the same.

const skip = !hasTool("grub-emu") && "no grub-emu here (Debian package grub-emu)";
const directory = mkdtempSync(join(tmpdir(), "baton-grub-emu-"));
after(() => rmSync(directory, { recursive: true }));

/** Prints its arguments, each between brackets. */
const HELPER = 'function f {\n  echo "$#:"\n  for a in "$@"; do echo " <$a>"; done\n}\n';

function marked(scripts: readonly string[]): string {
  return HELPER + scripts.map((script, i) => `echo "@@${i}"\n${script}\n`).join("");
}

/** What each script printed, without GRUB's messages. */
function parts(lines: readonly string[]): Map<number, string[]> {
  const found = new Map<number, string[]>();
  let current: string[] = [];
  for (const line of lines) {
    const mark = /^@@([0-9]+)$/.exec(line);
    if (mark !== null) {
      current = [];
      found.set(Number(mark[1]), current);
    } else if (!/^error: |^\s*$/.test(line)) {
      current.push(line.trimEnd());
    }
  }
  return found;
}

async function compare(
  scripts: readonly string[],
  files: Record<string, string> = {},
  inOrder = (lines: readonly string[] = []) => lines,
): Promise<void> {
  const all = marked(scripts);
  const theirs = parts(emulate(join(directory, "grub"), all).split("\n"));
  const ours = parts(await echoes(all, files));
  for (const [i, script] of scripts.entries()) assert.deepEqual(inOrder(ours.get(i)), inOrder(theirs.get(i)), script);
}

test("scripts about every part of the language print what they print in GRUB", { skip }, async () => {
  const scripts = readFileSync(join(import.meta.dirname, "emulator-scripts.txt"), "utf8").split("\n%%\n");
  assert.ok(scripts.length > 90);
  await compare(scripts);
});

test("patterns and file tests answer as in GRUB", { skip }, async () => {
  const tree = join(directory, "tree");
  const files: Record<string, string> = {};
  for (const name of ["a/one.cfg", "a/two.cfg", "b/one.img", "b/.hidden", "empty"]) {
    const content = name === "empty" ? "" : name;
    mkdirSync(join(tree, name, ".."), { recursive: true });
    writeFileSync(join(tree, name), content);
    files[`${tree}/${name}`] = content;
  }
  const question = (text: string) => `if [ ${text} ]; then echo yes; else echo no; fi`;
  await compare(
    [
      `f ${tree}/a/one*`,
      `f ${tree}/*/one.* ${tree}/?/nothing`,
      `f ${tree}/no* "${tree}/*" ${tree}/\\*`,
      `set p=${tree}/b/*.img\nf $p "$p"`,
      `f ${tree}/*/two.cfg`,
      ...["-f", "-d", "-e"].flatMap((test) =>
        ["a", "a/", "empty", "a/one.cfg", "none", ""].map((name) => question(`${test} ${tree}/${name}`)),
      ),
      // Only the host's own files let GRUB open a directory.
      ...["empty", "a/one.cfg", "none"].map((name) => question(`-s ${tree}/${name}`)),
    ],
    files,
    // The names in a directory come in whatever order the filesystem has them.
    (lines = []) => [...lines].sort(),
  );
});

test("files that read themselves and one another run as in GRUB", { skip }, async () => {
  const tree = join(directory, "reading");
  mkdirSync(tree, { recursive: true });
  const files: Record<string, string> = {};
  for (const [name, text] of Object.entries({
    "again.cfg": `if [ "$n" = aaaa ]; then echo last "$n"; else n=a$n; source ${tree}/again.cfg; echo back "$n"; fi\n`,
    "ping.cfg": `echo ping $q; if [ "$q" != bb ]; then q=b$q; . ${tree}/pong.cfg; echo after ping; fi\n`,
    "pong.cfg": `echo pong $q; source ${tree}/ping.cfg; echo after pong\n`,
    "own.cfg": "set inside=yes; export kept; kept=changed; echo own $kept $other\n",
  })) {
    writeFileSync(join(tree, name), text);
    files[`${tree}/${name}`] = text;
  }
  await compare(
    [
      `n=\nsource ${tree}/again.cfg\necho end $n $?`,
      `q=\nsource ${tree}/ping.cfg\necho $q`,
      `kept=first; other=x; export kept\nconfigfile ${tree}/own.cfg\necho "[$inside]" $kept $other $?`,
      `if source ${tree}/again.cfg; then echo yes; else echo no; fi`,
      `if [ -e ()${tree}/again.cfg ]; then echo yes; else echo no; fi\nif [ -f ${tree}/again.cfg ]; then echo yes; fi`,
    ],
    files,
  );
});

const quoted = fc.constantFrom("'a b'", '"c  d"', '"$v $w"', "'$v'", '"\\$v\\\\"', '""', "''", `"\${w}x"`);
const bare = fc.constantFrom(
  "a",
  "$v",
  `\${w}`,
  "-$v-",
  "$v$w",
  "e\\ f",
  "\\$v",
  "$1",
  "$#",
  "x=$v",
  "\\a",
  "$unset",
  "#",
  "a#",
);
const argument = fc.array(fc.oneof(quoted, bare), { minLength: 1, maxLength: 3 }).map((pieces) => pieces.join(""));
const value = fc.constantFrom("x", " lead", "trail ", "two words", "a   b  c", "", "st\\ar", "q'uote", 'd\\"q');

test("words made of every kind of piece are expanded as in GRUB", { skip }, async () => {
  const script = fc
    .tuple(value, value, fc.array(argument, { minLength: 1, maxLength: 4 }), fc.array(argument, { maxLength: 2 }))
    .map(
      ([v, w, words, params]) =>
        `set v="${v}"\nset w="${w}"\nfunction g {\n f ${words.join(" ")}\n f "$@"\n}\ng ${params.join(" ")}\nf ${words.join(" ")}`,
    );
  await compare(fc.sample(script, { numRuns: 400, seed: 1 }));
});

const operand = fc.constantFrom(
  "a",
  "b",
  "10",
  "9",
  "010",
  "0x1f",
  "-3",
  '""',
  "!",
  "(",
  ")",
  "-a",
  "-o",
  "=",
  "-n",
  "vmlinuz-2",
  "vmlinuz-10",
);
const operator = fc.constantFrom("=", "!=", "<", ">=", "-eq", "-lt", "-ge", "-pgt", "-plt", "-a", "-o", "!");

test("test expressions of every shape answer as in GRUB", { skip }, async () => {
  const expression = fc
    .array(fc.oneof({ weight: 3, arbitrary: operand }, { weight: 2, arbitrary: operator }), { maxLength: 8 })
    .map((pieces) => pieces.map((piece) => (/^[<>()]/.test(piece) ? `"${piece}"` : piece)).join(" "));
  const scripts = fc.sample(expression, { numRuns: 600, seed: 2 });
  await compare(scripts.map((text) => `if [ ${text} ]; then echo yes; else echo no; fi`));
});

/** True some times and then no more, so that every `while` ends. */
const NEXT = 'function next {\n if [ "$q" = aaaaa ]; then return 1; fi\n q=a$q\n return 0\n}\n';

test("loops, conditions and functions inside one another run as in GRUB", { skip }, async () => {
  const leaf = fc.constantFrom(
    "echo 1",
    "echo $i$j",
    "false",
    "true",
    "break",
    "continue",
    "break 2",
    "continue 2",
    "return",
    "return 3",
    "echo $?",
    "shift",
    "h",
  );
  const body = fc.letrec<{ body: string }>((tie) => ({
    body: fc.oneof(
      { maxDepth: 3, depthSize: "small" },
      leaf,
      fc.tuple(tie("body"), tie("body")).map(([a, b]) => `${a}\n${b}`),
      fc.tuple(tie("body"), tie("body"), tie("body")).map(([a, b, c]) => `if ${a}; then\n${b}\nelse\n${c}\nfi`),
      tie("body").map((a) => `for i in 1 2 3; do\n${a}\ndone`),
      tie("body").map((a) => `for j in x y; do\n${a}\ndone`),
      tie("body").map((a) => `while next; do\n${a}\ndone`),
    ),
  })).body;
  const script = fc
    .tuple(body, body)
    .map(
      ([inner, outer]) =>
        `unset i\nunset j\nq=\n${NEXT}function h {\n echo $#\n}\nfunction g {\n${inner}\n echo end\n}\ng a b\necho $?\n${outer}\necho done $?`,
    );
  await compare(fc.sample(script, { numRuns: 300, seed: 3 }));
});
