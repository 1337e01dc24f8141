import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { COMMAND, type Command } from "../../../src/formats/grub/ast.ts";
import { plainBodyEnd } from "../../../src/formats/grub/fastpath.ts";
import { blockCommands, MAX_TOKENS, Parser } from "../../../src/formats/grub/parser.ts";
import { SourceText } from "../../../src/formats/grub/source.ts";

interface Parsed {
  readonly commands: readonly Command[];
  /** `LINE:COLUMN: message` */
  readonly faults: readonly string[];
}

function parse(text: string): Parsed {
  const source = SourceText.file("vda1:/grub.cfg", text);
  const faults: string[] = [];
  const parser = new Parser(source, (offset, message) => {
    const { line, column } = source.position(offset);
    faults.push(`${line}:${column}: ${message}`);
  });
  const commands: Command[] = [];
  for (let next = parser.nextStatement(); next !== null; next = parser.nextStatement()) commands.push(...next);
  return { commands, faults };
}

/** The words of a script's only command. */
function words(text: string): unknown {
  const { commands, faults } = parse(text);
  assert.deepEqual(faults, []);
  assert.equal(commands.length, 1);
  const [command] = commands;
  return command?.kind === COMMAND.simple ? command.words : null;
}

/** The first words of the commands, those of entries' titles with them. */
function outline(commands: readonly Command[]): unknown[] {
  return commands.map((command) => {
    if (command.kind !== COMMAND.simple) return command.kind;
    const title = command.words.slice(0, command.block === null ? 1 : 2).join(" ");
    return command.block === null ? title : [title, ...outline(blockCommands(command.block))];
  });
}

test("words are taken apart at blanks, and quotes and escapes keep them together", () => {
  assert.deepEqual(words("echo a  b\tc"), ["echo", "a", "b", "c"]);
  assert.deepEqual(words(`echo 'a b' "c d" e\\ f g'h'"i"`), ["echo", "a b", "c d", "e f", "ghi"]);
  assert.deepEqual(words(`echo '' ""`), ["echo", "", ""]);
  assert.deepEqual(words(`echo "a\\nb \\" \\\\ \\$" 'a\\b'`), ["echo", 'a\\nb " \\ $', "a\\b"]);
});

test("a backslash at the end of a line joins it with the next", () => {
  assert.deepEqual(words("echo con\\\ntinued"), ["echo", "continued"]);
  assert.deepEqual(words('echo "con\\\ntinued"'), ["echo", "continued"]);
});

test("comments begin only where a word could begin", () => {
  assert.deepEqual(words("echo a#b # it's a comment"), ["echo", "a#b"]);
});

test("a line that begins with # is skipped even in the middle of a quoted text", () => {
  assert.deepEqual(words('echo "a\n# it\'s nothing\nb"'), ["echo", "a\nb"]);
  assert.deepEqual(words("echo 'a\n# nothing\nb'"), ["echo", "a\nb"]);
});

test("reserved words are words where no command can begin", () => {
  assert.deepEqual(
    words("echo if then fi do done for in function"),
    "echo if then fi do done for in function".split(" "),
  );
});

test("variables, patterns and translated texts are left for expansion", () => {
  assert.deepEqual(words(`echo $a\${b}"$c d"`), [
    "echo",
    [
      { kind: 2, text: "a" },
      { kind: 2, text: "b" },
      { kind: 3, text: "c" },
      { kind: 1, text: " d" },
    ],
  ]);
  assert.deepEqual(words('ls /boot/*.img $"hello"'), [
    "ls",
    [{ kind: 0, text: "/boot/*.img" }],
    [{ kind: 4, text: "hello" }],
  ]);
});

test("compound commands of every kind are read, in one line and in many", () => {
  const script = `
if [ a = b ]; then echo 1; elif true; then echo 2; else echo 3; fi
for i in a "b c" $d; do echo $i; done
while true
do
  break
done
until false; do break; done
function f {
  echo "$1"
}
menuentry "x" --class y { echo 1; echo 2 }
`;
  const { commands, faults } = parse(script);
  assert.deepEqual(faults, []);
  assert.deepEqual(
    commands.map(({ kind }) => kind),
    [COMMAND.if, COMMAND.for, COMMAND.while, COMMAND.until, COMMAND.function, COMMAND.simple],
  );
});

for (const [script, fault] of [
  ["echo a | b", "1:8: unexpected '|' where GRUB expects a new line or ';'"],
  ["echo a && b", "1:8: unexpected '&&' where GRUB expects a new line or ';'"],
  ["fi", "1:1: unexpected 'fi' where GRUB expects a command"],
  ["menuentry x { }", "1:15: unexpected '}' where GRUB expects a command"],
  ["if true; then fi", "1:15: unexpected 'fi' where GRUB expects a command"],
  ["if true then echo; fi", "1:20: unexpected 'fi' where GRUB expects 'then'"],
  ["for 1 in a; do echo; done", "1:5: unexpected '1' where GRUB expects a variable's name after 'for'"],
  ["function if { echo; }", "1:10: unexpected 'if' where GRUB expects the function's name"],
  ["function f { echo }", "1:19: unexpected '}' where GRUB expects a new line or ';' before '}'"],
  [
    'echo "a $ b"',
    "1:9: '$' must be followed by a variable's name; write \\$ for a dollar sign, or put the text in single quotes",
  ],
  [
    `echo $\{a-b}`,
    "1:6: after '$' and '{' GRUB takes only a variable's name and '}'; it has no other forms of expansion",
  ],
] as const) {
  test(`a fault is told with its place: ${script}`, () => {
    assert.deepEqual(parse(`${script}\necho good\n`).faults, [fault]);
    assert.deepEqual(outline(parse(`${script}\necho good\n`).commands), ["echo"]);
  });
}

test("a fault in an entry costs that entry and no other", () => {
  const { commands, faults } = parse(`menuentry A { linux /a }
menuentry B {
  linux /b "$"
  initrd /b
}
menuentry C { linux /c }
`);
  assert.deepEqual(faults, [
    "3:13: '$' must be followed by a variable's name; write \\$ for a dollar sign, or put the text in single quotes",
  ]);
  assert.deepEqual(outline(commands), [
    ["menuentry A", "linux"],
    ["menuentry C", "linux"],
  ]);
});

test("a fault in a submenu's entry leaves the submenu's other entries", () => {
  const { commands, faults } = parse(`submenu S {
  menuentry A { linux /a }
  menuentry B {
    if [ x ]; then
    linux /b
  }
  nonsense | more
  if [ x ] | y
  menuentry C { linux /c }
}
menuentry D { linux /d }
`);
  assert.equal(faults.length, 3);
  assert.deepEqual(outline(commands), [
    ["submenu S", ["menuentry A", "linux"], ["menuentry C", "linux"]],
    ["menuentry D", "linux"],
  ]);
});

test("a missing } is told with the entry that lacks it, and the entries after it are read", () => {
  const { commands, faults } = parse(`menuentry "Debian" {
  linux /a

menuentry "Arch" {
  linux /b
}
menuentry "Void" { linux /c }
`);
  assert.deepEqual(faults, [`1:1: missing '}' to close menuentry "Debian"`]);
  assert.deepEqual(outline(commands), [
    ["menuentry Arch", "linux"],
    ["menuentry Void", "linux"],
  ]);
});

test("a missing } of a submenu keeps the entries that it has", () => {
  const { commands, faults } = parse(`submenu "More" {
  menuentry "A" { linux /a }
menuentry "B" { linux /b }
`);
  assert.deepEqual(faults, [`1:1: missing '}' to close submenu "More"`]);
  assert.deepEqual(outline(commands), [
    ["submenu More", ["menuentry A", "linux"]],
    ["menuentry B", "linux"],
  ]);
});

test("a missing } at the end of the file costs the last entry only", () => {
  const { commands, faults } = parse(`menuentry "A" { linux /a }
menuentry "B" {
  linux /b
`);
  assert.deepEqual(faults, [`2:1: missing '}' to close menuentry "B"`]);
  assert.deepEqual(outline(commands), [["menuentry A", "linux"]]);
});

for (const quote of ["'", '"']) {
  test(`a missing ${quote} is told where the text begins, and the entries after it are read`, () => {
    const { commands, faults } = parse(`menuentry ${quote}Debian {
  linux /a
}
menuentry ${quote}Arch${quote} {
  linux /b
}
`);
    assert.equal(faults[0], `1:11: missing ${quote} to end the text that begins here`);
    assert.deepEqual(outline(commands).at(-1), ["menuentry Arch", "linux"]);
  });
}

test("an entry inside an entry that is not less indented is taken as it is", () => {
  const { commands, faults } = parse(`menuentry a {
menuentry b { linux /b }
}
`);
  assert.deepEqual(faults, []);
  assert.deepEqual(outline(commands), [["menuentry a", ["menuentry b", "linux"]]]);
});

test("a missing } of a function is told, and the entries after it are read", () => {
  const { commands, faults } = parse("function f {\n  echo x\nmenuentry A { linux /a }\nmenuentry B { linux /b }\n");
  assert.deepEqual(faults, ["1:1: missing '}' to close function \"f\""]);
  assert.deepEqual(outline(commands), [
    ["menuentry A", "linux"],
    ["menuentry B", "linux"],
  ]);
});

test("a backslash at the end of the file continues nothing: GRUB drops the statement", () => {
  assert.deepEqual(parse("echo a\necho b\\\n").faults, ["2:7: the line that this backslash continues is missing"]);
});

test("a missing fi is told where its if begins, and what it holds is read all the same", () => {
  const { commands, faults } = parse(`if [ "$x" ]; then
menuentry A { linux /a }
menuentry B { linux /b }
`);
  assert.deepEqual(faults, ["1:1: missing 'fi' to end the 'if' that begins here"]);
  assert.deepEqual(outline(commands), [
    ["menuentry A", "linux"],
    ["menuentry B", "linux"],
  ]);
});

test("thousands of ifs without fi are given up after a few looks", () => {
  const { faults } = parse("if a; then\n".repeat(300));
  assert.ok(faults.length < 30);
});

test("a stray closing word after a broken statement is not reported again", () => {
  const { faults } = parse("if [ x ] | y; then\n  echo a\nfi\necho b\n");
  assert.equal(faults.length, 1);
});

test("blocks nested without end are refused, not followed", () => {
  const { faults } = parse(`${"if true; then ".repeat(5000)}\necho\n`);
  assert.match(faults[0] ?? "", /more than 400 blocks inside one another/);
});

test("a statement of too many words ends the reading; what stood before it stays, in an open submenu, too", () => {
  const good = "menuentry A { linux /a }\n";
  const words = "x ".repeat(MAX_TOKENS);
  const modules = "module /m x\n".repeat(MAX_TOKENS / 4 + 1);
  const inSubmenu = parse(`${good}submenu S {\n${good}menuentry B {\n${modules}}\n}\n${good}`);
  assert.deepEqual(outline(inSubmenu.commands), [
    ["menuentry A", "linux"],
    ["submenu S", ["menuentry A", "linux"]],
  ]);
  for (const long of [`echo ${words}\n`, `menuentry B {\n${modules}}\n`, `menuentry B { initrd ${words}}\n`]) {
    const { commands, faults } = parse(`${good}${long}${good}`);
    assert.deepEqual(outline(commands), [["menuentry A", "linux"]]);
    assert.match(
      faults.join("\n"),
      /^\d+:\d+: a statement of more than 50000 words; what stands from here on is not read$/,
    );
  }
  assert.equal(parse(good.repeat(MAX_TOKENS / 4)).commands.length, MAX_TOKENS / 4);
});

test("after each fault, and after some thousand lines of nothing, others may run", () => {
  const pauses = (text: string): number => {
    const parser = new Parser(SourceText.file("vda1:/grub.cfg", text), () => {});
    let count = 0;
    for (let next = parser.nextStatement(); next !== null; next = parser.nextStatement())
      if (next.length === 0) count++;
    return count;
  };
  assert.equal(pauses("}\n".repeat(100)), 100);
  assert.equal(pauses("# nothing\n".repeat(20_000)), 3);
  assert.equal(pauses("echo\n".repeat(1000)), 0);
});

test("after a thousand faults a text is read no further", () => {
  const { commands, faults } = parse(`echo\n${"}\n".repeat(2000)}echo\n`);
  assert.equal(commands.length, 1);
  assert.equal(faults.length, 1001);
  assert.match(faults.at(-1)!, /more than 1000 faults; what stands from here on is not read/);
});

test("faults that each look for an end which isn't there are given up sooner", () => {
  const { faults } = parse(`${") {\n".repeat(200)}${"# nothing\n".repeat(100_000)}`);
  assert.ok(faults.length < 10);
});

test("a body that is found plain at a glance is one that the grammar takes, a command a line", () => {
  const good = fc.constantFrom("linux", "/boot/vmlinuz", "root=LABEL=a", "quiet", "initrd");
  const any = fc.constantFrom(
    ...[
      "linux",
      "/boot/vmlinuz-6.1",
      "root=UUID=ab-12",
      "if",
      "fi",
      "for",
      "in",
      "then",
      "x'y'",
      "'a b'",
      '"c d"',
      '"$v"',
    ],
    ...["a#b", "#", "[", "]", "[[", "{", "}", ";", "\\", "$a", "é", "|", "\t", "do", "doable", "'", '"', "*", "if'x'"],
  );
  const word = fc.oneof({ arbitrary: good, weight: 4 }, any);
  const line = fc.array(word, { maxLength: 4 }).map((words) => words.join(" "));
  const body = fc.tuple(
    fc.constantFrom("{\n", "{ \n", "{"),
    fc.array(line, { maxLength: 4 }),
    fc.constantFrom("\n}", "}"),
  );
  let plain = 0;
  fc.assert(
    fc.property(body, ([open, lines, close]) => {
      const text = `${open}${lines.join("\n")}${close}\n`;
      const end = plainBodyEnd(text, 0);
      if (end === -1) return;
      plain++;
      const commands = new Parser(SourceText.file("x", text), () => assert.fail(text)).readBlock(0);
      assert.equal(
        commands.length,
        text
          .slice(1, end - 1)
          .split("\n")
          .filter((one) => one.trim() !== "").length,
      );
      assert.equal(text[end - 1], "}");
    }),
    { numRuns: 3000 },
  );
  assert.ok(plain > 50, `${plain} of them were plain`);
});

test("bodies with anything but plain commands are read word by word", () => {
  const body = "{\n\tlinux /k 'a }' \"b\"\n\n\tinitrd /i\n}";
  assert.equal(plainBodyEnd(`${body}\n`, 0), body.length);
  for (const body of [
    "{\n}",
    "{\n\n}",
    "{ linux /k\n}",
    "{\nif true\n}",
    "{\n\tif\n}",
    "{\nlinux $a\n}",
    "{\n[ a ]\n}",
    "{\na 'b\n'\n}",
  ]) {
    assert.equal(plainBodyEnd(body, 0), -1, body);
  }
});
