import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { BatonError } from "../../../src/errors.ts";
import { Regex } from "../../../src/formats/grub/regex.ts";
import { memoryVolume, problems, read, titles } from "./support.ts";

const GOOD = 'menuentry "Good" { linux /good }\n';

test("an endless loop in an entry costs that entry", async () => {
  const result = await read(`menuentry "Loop" { while true; do x=1; done; linux /a }\n${GOOD}`, {
    limits: { entrySteps: 1000 },
  });
  assert.deepEqual(titles(result), ["Loop", "Good"]);
  assert.match(result.entries[0]!.reason ?? "", /looks like an endless loop/);
  assert.match(problems(result)[0]!, /^1:1: menuentry "Loop": more than 1000 commands/);
  assert.equal(result.entries[1]!.reason, null);
});

test("an endless loop outside of entries leaves what was read before", async () => {
  const result = await read(`${GOOD}while true; do x=1; done\nmenuentry "Never" { linux /n }\n`, {
    limits: { steps: 5000 },
  });
  assert.deepEqual(titles(result).slice(0, 1), ["Good"]);
  assert.match(problems(result).join(), /what was read before is listed/);
});

test("more variables than any configuration sets end what sets them", async () => {
  const names = ["a", "b", "c", "e", "f"];
  const loops = `${names.map((name) => `for ${name} in $d; do `).join("")}set v$a$b$c$e$f=1${"; done".repeat(5)}\n`;
  const result = await read(`${GOOD}set d="1 2 3 4 5 6 7 8 9 0"\n${loops}menuentry "Never" { linux /n }\n`);
  assert.deepEqual(titles(result), ["Good"]);
  assert.match(problems(result).join(), /more than 10000 variables were set; what was read before is listed/);
});

test("functions that call each other without end are stopped", async () => {
  const result = await read(`function a {\n b\n}\nfunction b {\n a\n}\nmenuentry "R" { a }\n${GOOD}`);
  assert.deepEqual(titles(result), ["R", "Good"]);
  assert.match(result.entries[0]!.reason ?? "", /more than 50 deep/);
});

test("a value that doubles without end is stopped", async () => {
  const result = await read(`menuentry "D" { x=aaaaaaaaaa; while true; do x=$x$x; done }\n${GOOD}`);
  assert.deepEqual(titles(result), ["D", "Good"]);
  assert.match(result.entries[0]!.reason ?? "", /longer than/);
});

test("submenus that open themselves without end are stopped", async () => {
  const result = await read(`submenu "S" { submenu "S" --source "configfile /loop.cfg" }\n${GOOD}`, {
    files: { "/loop.cfg": 'submenu "L" --source "configfile /loop.cfg"\nmenuentry "E" { linux /e }\n' },
  });
  assert.equal(titles(result).at(-1), "Good");
  assert.ok(result.entries.length < 100);
  const deep = await read(`function s { submenu "S" { s; }; menuentry "E" { linux /e }; }\ns\n${GOOD}`);
  assert.equal(titles(deep).at(-1), "Good");
  assert.ok(deep.entries.length < 100);
  assert.match(problems(deep).join(), /submenus more than 16 deep/);
});

test("a configuration that sources others again and again is stopped", async () => {
  const files = {
    "/a.cfg": "source /b.cfg\nsource /b.cfg\n",
    "/b.cfg": "source /c.cfg\nsource /c.cfg\n",
    "/c.cfg": "x=1\n",
  };
  const result = await read(`${GOOD}for i in ${"1 ".repeat(50)}; do source /a.cfg; done\n`, {
    files,
    limits: { files: 20 },
  });
  assert.deepEqual(titles(result), ["Good"]);
  assert.match(problems(result).join(), /more than 20 files were read/);
});

test("more entries than anybody has are cut off, and said so", async () => {
  const result = await read(`for i in ${"1 ".repeat(60)}; do menuentry "$i" { true }; done\n`, {
    limits: { entries: 50 },
  });
  assert.equal(result.entries.length, 50);
  assert.match(problems(result).join(), /more than 50 entries/);
});

test("entries that take more memory together than a configuration may are left out, and said so once", async () => {
  const script = `${GOOD}set b=${"x".repeat(10_000)}\nfor i in ${"1 ".repeat(100)}; do menuentry "$i" { linux /k $b }; done\n`;
  const result = await read(script, { limits: { listBytes: 1_000_000 } });
  assert.equal(titles(result)[0], "Good");
  assert.ok(result.entries.length > 20 && result.entries.length < 30, String(result.entries.length));
  assert.equal(problems(result).length, 1);
  assert.match(problems(result)[0]!, /take more than 1 MiB of memory; those before this one are listed/);
});

test("submenus that are many rather than deep are cut off too", async () => {
  const script = `${GOOD}\nfunction m { submenu a { m; }; submenu b { m; }; }\nm`;
  const result = await read(script, { limits: { submenus: 20 } });
  assert.deepEqual(titles(result), ["Good"]);
  assert.match(problems(result).join(), /more than 20 submenus/);
});

test("a file that reads itself by another spelling of its path ends there too", async () => {
  const result = await read(`${GOOD}\nsource /boot//grub/../grub/./grub.cfg\nsource (hd0,gpt9)/boot/grub/grub.cfg`);
  assert.deepEqual(titles(result), ["Good"]);
  assert.equal(problems(result).filter((text) => text.includes("reads itself again")).length, 2);
});

test("of a file that is too long the beginning is read", async () => {
  const entry = 'menuentry "First" { linux /k }\n';
  const result = await read(`${entry}${"# nothing\n".repeat(1_800_000)}menuentry "Last" { linux /k }\n`);
  assert.deepEqual(titles(result), ["First"]);
  assert.match(problems(result).join(), /longer than 16 MiB/);
});

test("on a stick less is read than on a disk that is built in, of what it sources, too", async () => {
  const entry = 'menuentry "First" { linux /k }\n';
  const long = `${"# nothing\n".repeat(60_000)}menuentry "Last" { linux /k }\n`;
  const files = { "/long.cfg": long };
  const builtIn = await read(`source /long.cfg\n${entry}${long}`, { files });
  assert.deepEqual(titles(builtIn), ["Last", "First", "Last"]);
  const stick = await read(`source /long.cfg\n${entry}${long}`, { files, volume: { removable: true } });
  assert.deepEqual(titles(stick), ["First"]);
  assert.match(problems(stick).join(), /longer than 512 KiB/);
});

test("an entry of more files than any loads isn't bootable; the others are", async () => {
  const modules = "module /m\n".repeat(1001);
  const result = await read(
    `menuentry "I" { linux /k\ninitrd ${"/i ".repeat(1001)}\n}\nmenuentry "M" { multiboot /k\n${modules}}\n${GOOD}`,
  );
  assert.deepEqual(
    result.entries.map(({ reason }) => reason),
    ["it loads more than 1000 files", "it loads more than 1000 files", null],
  );
});

test("paths that are looked for are counted, those that were looked for before aren't", async () => {
  const looks = (names: string): string => `for a in ${names}; do if [ -f /x$a ]; then true; fi; done\n`;
  const again = await read(`${looks("1 2 1 2 1 2 1 2 1 2")}${GOOD}`, { limits: { looks: 5 } });
  assert.deepEqual([titles(again), problems(again)], [["Good"], []]);
  const many = await read(`${GOOD}${looks("1 2 3 4 5 6 7 8")}menuentry "Never" { linux /n }\n`, {
    limits: { looks: 5 },
  });
  assert.deepEqual(titles(many), ["Good"]);
  assert.match(problems(many).join(), /more than 5 paths were looked for; what was read before is listed/);
});

test("a disk that can't be read rejects when it is the configuration's own, and is told when it is another", async () => {
  const failing = memoryVolume({}, { name: "vdb1" });
  const fail = async () => Promise.reject(new BatonError("io", "vdb1: input/output error"));
  const other = { ...failing, reader: { read: fail, readAt: fail, list: fail, stat: fail } };
  const result = await read(`search --file --set=root /x\n${GOOD}`, { others: [other] });
  assert.deepEqual(titles(result), ["Good"]);
  assert.match(problems(result).join(), /vdb1 can't be read/);
});

for (const [name, bytes] of [
  ["a byte order mark", Buffer.from(`\ufeff${GOOD}`)],
  ["UTF-16", Buffer.from(`\ufeff${GOOD}`, "utf16le")],
  ["big-endian UTF-16", Buffer.from(`\ufeff${GOOD}`, "utf16le").swap16()],
  ["UTF-16 without a mark", Buffer.from(GOOD, "utf16le")],
  ["NUL bytes", Buffer.from(`echo a\0b\n${GOOD}`)],
] as const) {
  test(`${name} is read with a warning`, async () => {
    const result = await read(bytes);
    assert.deepEqual(titles(result), ["Good"]);
    assert.equal(result.diagnostics.length, 1);
  });
}

test("carriage returns are no part of anything", async () => {
  const result = await read('if [ a = a ]; then\r\nmenuentry "Good" {\r\n linux /good a\r\n}\r\nfi\r\n');
  assert.deepEqual(titles(result), ["Good"]);
  assert.equal(result.entries[0]!.options, "BOOT_IMAGE=/good a");
  assert.deepEqual(result.diagnostics, []);
});

test("a regular expression takes no more time than pattern times text", () => {
  const text = "a".repeat(2000);
  assert.equal(new Regex("(a+)+$").exec(`${text}b`), null);
  assert.equal(new Regex("(a|aa|a*)*b").exec(text), null);
  assert.equal(new Regex("(a?){50}a{50}").exec("a".repeat(50))?.[0]?.end, 50);
});

test("regular expressions find what JavaScript's own find, on patterns that mean the same in both", () => {
  const atom = fc.constantFrom("a", "b", "[ab]", ".", "(a|b)", "(ab)", "[^a]");
  const piece = fc.tuple(atom, fc.constantFrom("", "*", "+", "?", "{1,2}")).map(([a, b]) => a + b);
  const pattern = fc.array(piece, { minLength: 1, maxLength: 5 }).map((pieces) => pieces.join(""));
  fc.assert(
    fc.property(pattern, fc.stringMatching(/^[abc]{0,12}$/), (source, text) => {
      const own = new Regex(source).exec(text);
      const other = new RegExp(source, "s").exec(text);
      assert.equal(own === null ? null : text.slice(own[0]!.start, own[0]!.end), other === null ? null : other[0]);
    }),
    { numRuns: 500 },
  );
});

/** Pieces of scripts, well and badly formed. */
const piece = fc.constantFrom(
  ..."menuentry submenu if then else elif fi for in do done while until function { } ; linux initrd echo set".split(
    " ",
  ),
  ...[
    "\n",
    "\n",
    '"',
    "'",
    "$",
    "$x",
    '"$y"',
    `$\{z}`,
    "'a b'",
    "[ a = b ]",
    "\\",
    "\\\n",
    "#",
    "source /a",
    "/boot/*",
  ],
  ...[
    "search --set=root --label L",
    "configfile /b",
    "eval",
    "x=$x$x",
    "regexp (a+)+ b",
    "blscfg",
    "\0",
    "\ufeff",
    "\r",
  ],
);

test("nothing that a file says makes reading it fail, and good entries before it are listed", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(piece, { maxLength: 40 }), async (pieces) => {
      const result = await read(`${GOOD}${pieces.join(" ")}`, {
        files: { "/a": pieces.join("\n"), "/b": 'menuentry "B" { linux /b }' },
        limits: { steps: 3000, entrySteps: 1000, milliseconds: 2000 },
      });
      assert.ok(result.entries.some(({ title }) => title === "Good"));
      for (const { line, column } of result.diagnostics) assert.ok(line === null || (line > 0 && column! > 0));
    }),
    { numRuns: 400 },
  );
});
