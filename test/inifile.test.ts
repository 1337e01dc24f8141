/** INI as Baton reads it, beside the package `ini`: the same where people write what both know, and where not, why not. */

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parse, stringify } from "ini";
import { decodeIni, decodeLiteral, parseIni } from "../src/inifile.ts";

/** Key → value or values, section → the same: as the package answers. */
async function asObject(text: string): Promise<Record<string, unknown>> {
  const [globals, ...sections] = (await parseIni(text)).sections.map(({ name, lines }) => {
    const values: Record<string, unknown> = {};
    for (const { key, value, isItem } of lines) {
      const before = values[key];
      values[key] = isItem ? [...(Array.isArray(before) ? before : []), value] : value;
    }
    return [name, values] as const;
  });
  return { ...globals![1], ...Object.fromEntries(sections) };
}

const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

test("quotes, escapes, lists and comments are the package's", async () => {
  const text = [
    "; a comment",
    "  # another",
    "title = Debian GNU/Linux",
    "spaces =   around   ",
    'quoted = "  kept  "',
    'escaped = "dyndbg=\\"file drivers/usb/* +p\\""',
    "semicolon = a\\;b\\#c",
    "backslash = a\\\\b",
    "other = a\\tb",
    "half = \"it's",
    "equals = root=UUID=1 ro",
    "empty =",
    "list[] = one",
    "list[] = two",
    "[A section]",
    "key = value",
    "",
  ].join("\r\n");
  assert.deepEqual(await asObject(text), plain(parse(text)));
});

test("what the package writes is read as the package reads it", async () => {
  const name = fc.stringMatching(/^[A-Za-z][A-Za-z0-9 _-]{0,8}[a-z]$/);
  // Those in DIFFERENT are left out, and a backslash before ; or #, which the package itself does not read as it writes.
  const value = fc
    .stringMatching(/^[ -~]{0,20}$/)
    .filter((text) => !/^['"]$|\\$|\\[;#]|^(true|false|null)$/.test(text));
  const values = fc.dictionary(name, fc.oneof(value, fc.array(value, { minLength: 1, maxLength: 3 })), {
    noNullPrototype: true,
    maxKeys: 4,
  });
  await fc.assert(
    fc.asyncProperty(
      values,
      fc.dictionary(name, values, { noNullPrototype: true, maxKeys: 3 }),
      async (globals, sections) => {
        const named = Object.entries(sections).filter(
          ([key, inside]) => !(key in globals) && Object.keys(inside).length > 0,
        );
        const text = stringify({ ...globals, ...Object.fromEntries(named) });
        assert.deepEqual(await asObject(text), plain(parse(text)));
      },
    ),
    { numRuns: 300 },
  );
});

/** [what, text, ours, the package's, why ours differs] */
const DIFFERENT: readonly (readonly [string, string, unknown, unknown, string])[] = [
  [
    "; and # within a value",
    "linux = http://h/vmlinuz#sha256=00ff;x",
    { linux: "http://h/vmlinuz#sha256=00ff;x" },
    { linux: "http://h/vmlinuz" },
    "a digest that is cut off would never be checked, and nobody would hear of it",
  ],
  ["words that JSON has", "title = true", { title: "true" }, { title: true }, "a title is a text, whatever it says"],
  ["single quotes", "title = '1e3'", { title: "1e3" }, { title: 1000 }, "what is quoted is a text"],
  ["objects in quotes", `title = '{"a":1}'`, { title: '{"a":1}' }, { title: { a: 1 } }, "what is quoted is a text"],
  [
    "quotes that are no JSON",
    'title = "C:\\x"',
    { title: "C:\\x" },
    { title: '"C:\\x"' },
    "people quote texts, not JSON",
  ],
  [
    "a key that comes twice",
    "[a]\ninitrd = one\ninitrd = two",
    { a: { initrd: "two" } },
    { a: { initrd: "two" } },
    "as an object they are alike; the lines keep both, which is how an entry lists its initrds",
  ],
  [
    "dots in a section",
    "[v1.2]\nx = 1",
    { "v1.2": { x: "1" } },
    { v1: { 2: { x: "1" } } },
    "an entry's name is one name",
  ],
  [
    "a blank before the bracket",
    " [a]\nx = 1",
    { a: { x: "1" } },
    { "[a]": true, x: "1" },
    "to people it is a section all the same",
  ],
  ["a line without =", "nonsense", {}, { nonsense: true }, "most likely a slip; it is told with its place"],
  ["a line that goes on", "x = a \\\n  b", { x: "a   b" }, { x: "a \\", b: true }, "command lines are long"],
];

for (const [what, text, ours, theirs, why] of DIFFERENT) {
  test(`the package answers otherwise: ${what} (${why})`, async () => {
    assert.deepEqual(await asObject(text), ours);
    assert.deepEqual(plain(parse(text)), theirs);
  });
}

test("repeated keys and sections keep their order, and each its line and columns", async () => {
  const { sections, wrong } = await parseIni("  a =  1\nnonsense\n[2]\nx = y \\\n z\n x[] = 3\n[1]\n= 4\n");
  assert.deepEqual(
    sections.map(({ name, line }) => [name, line]),
    [
      [null, 1],
      ["2", 3],
      ["1", 7],
    ],
  );
  assert.deepEqual(sections[0]!.lines, [{ key: "a", value: "1", isItem: false, line: 1, keyColumn: 3, column: 8 }]);
  assert.deepEqual(
    sections[1]!.lines.map(({ key, value, isItem, line }) => [key, value, isItem, line]),
    [
      ["x", "y  z", false, 4],
      ["x", "3", true, 6],
    ],
  );
  assert.deepEqual(wrong, [
    { line: 2, column: 1, text: "nonsense" },
    { line: 8, column: 1, text: "= 4" },
  ]);
});

test("petitboot's values are what is written, but for a pair of quotes", () => {
  const values = ['"a"', "'b'", "\\;c", '"d\\"', '"', "e # f"].map((text) => decodeLiteral(text));
  assert.deepEqual(values, ["a", "b", "\\;c", "d\\", '"', "e # f"]);
});

test("names that mean something to JavaScript are names like others", async () => {
  const text = "__proto__ = 1\nconstructor = 2\n[__proto__]\npolluted = yes\n[a.__proto__]\npolluted = yes\n";
  const { sections } = await parseIni(text);
  assert.deepEqual(
    sections.map(({ name, lines }) => [name, lines.map(({ key }) => key)]),
    [
      [null, ["__proto__", "constructor"]],
      ["__proto__", ["polluted"]],
      ["a.__proto__", ["polluted"]],
    ],
  );
  assert.equal(({} as Record<string, unknown>).polluted, undefined);
});

test("whatever the text, every value is a text, and time grows as the text does", async () => {
  await fc.assert(
    fc.asyncProperty(fc.string({ unit: "binary", maxLength: 40 }), async (text) => {
      assert.equal(typeof decodeIni(text), "string");
      for (const { lines } of (await parseIni(text)).sections) {
        for (const { key, value } of lines) assert.deepEqual([typeof key, typeof value], ["string", "string"]);
      }
    }),
    { numRuns: 500 },
  );
  const size = 1 << 20;
  const hostile = [`a${" ".repeat(size)}b`, "\\\n".repeat(size / 2), `x = ${"\\".repeat(size)}`, "[".repeat(size)];
  for (const text of hostile) {
    const start = process.cpuUsage().user;
    await parseIni(text);
    assert.ok(process.cpuUsage().user - start < 5_000_000, `${text.slice(0, 5)}… takes more than 5 s`);
  }
});
