import assert from "node:assert/strict";
import { test } from "node:test";
import { formatFileRef } from "../../../src/entry.ts";
import { problems, read } from "./support.ts";

const MENU = `
menuentry "First" --id one { linux /1 }
submenu "More > than" --id more {
  menuentry "Second" --id two { linux /2 }
  submenu "Deep" { menuentry "Third" --id three { linux /3 } }
}
menuentry "5th" { linux /4 }
`;

async function defaultTitle(header: string, files: Record<string, string> = {}): Promise<string | null> {
  const result = await read(header + MENU, { files });
  return result.defaultIndex === null ? null : result.entries[result.defaultIndex]!.title;
}

for (const [value, title] of [
  ["0", "First"],
  ["2", "5th"],
  ["1", "Second"],
  ["1>0", "Second"],
  ["1>1", "Third"],
  ["1>1>0", "Third"],
  ["one", "First"],
  ["First", "First"],
  ["more>two", "Second"],
  ["more", "Second"],
  ["more>Deep>three", "Third"],
  ["More >> than>Second", "Second"],
  ["5th", "5th"],
] as const) {
  test(`default "${value}" is ${title}`, async () => {
    assert.equal(await defaultTitle(`set default="${value}"\n`), title);
    const result = await read(`set default="${value}"\n${MENU}`);
    assert.equal(result.defaultIsExplicit, true);
    assert.deepEqual(problems(result), []);
  });
}

test("a default that is no entry is the first one, and said so", async () => {
  for (const value of ["9", "nothing", "more>nothing"]) {
    const result = await read(`set default="${value}"\n${MENU}`);
    assert.equal(result.defaultIsExplicit, false);
    assert.match(problems(result).join(), /is no entry of the menu/);
  }
  assert.equal(await defaultTitle("set default=9\n"), "First");
});

test("without a default it is the first entry, not by the configuration's own word", async () => {
  const result = await read(MENU);
  assert.equal(result.defaultIndex, 0);
  assert.equal(result.defaultIsExplicit, false);
});

test("a default that can't be booted stays the default", async () => {
  const result = await read("set default=1\nmenuentry A { linux /a }\nmenuentry B { chainloader +1 }\n");
  assert.equal(result.defaultIndex, 1);
});

/** As Debian's grub-mkconfig writes it with GRUB_DEFAULT=saved and GRUB_SAVEDEFAULT=true. */
const HEADER = `
if [ -s $prefix/grubenv ]; then
  load_env
fi
if [ "\${next_entry}" ] ; then
  set default="\${next_entry}"
  set next_entry=
  save_env next_entry
  set boot_once=true
else
  set default="\${saved_entry}"
fi
if [ "\${prev_saved_entry}" ]; then
  set saved_entry="\${prev_saved_entry}"
  save_env saved_entry
  set prev_saved_entry=
  save_env prev_saved_entry
  set boot_once=true
fi
function savedefault {
  if [ -z "\${boot_once}" ]; then
    saved_entry="\${chosen}"
    save_env saved_entry
  fi
}
menuentry "A" --id a { savedefault; linux /a }
submenu "S" --id s { menuentry "B" --id b { savedefault; linux /b } }
`;

function grubenv(...lines: string[]): Record<string, string> {
  return { "/boot/grub/grubenv": `# GRUB Environment Block\n${lines.join("\n")}\n`.padEnd(1024, "#") };
}

async function writesOf(files: Record<string, string>, index: number): Promise<unknown> {
  const { entries } = await read(HEADER, { files });
  return entries[index]!.writes.map((write) =>
    "set" in write ? { file: formatFileRef(write.file), set: write.set, unset: write.unset } : write,
  );
}

test("saved_entry is the default, and booting an entry would save it", async () => {
  const files = grubenv("saved_entry=s>b");
  const result = await read(HEADER, { files });
  assert.equal(result.entries[result.defaultIndex!]?.title, "B");
  assert.deepEqual(await writesOf(files, 0), [
    { file: "vda1:/boot/grub/grubenv", set: { saved_entry: "a" }, unset: [] },
  ]);
});

test("next_entry counts once: it is cleared, and what is booted isn't saved", async () => {
  const files = grubenv("saved_entry=a", "next_entry=s>b");
  const result = await read(HEADER, { files });
  assert.equal(result.entries[result.defaultIndex!]?.title, "B");
  const file = "vda1:/boot/grub/grubenv";
  assert.deepEqual(await writesOf(files, 0), [{ file, set: { next_entry: "" }, unset: [] }]);
  // $boot_once isn't exported, so that in a submenu GRUB does save.
  assert.deepEqual(await writesOf(files, 1), [{ file, set: { next_entry: "", saved_entry: "s>b" }, unset: [] }]);
});

test("prev_saved_entry is put back", async () => {
  const files = grubenv("saved_entry=s>b", "prev_saved_entry=a");
  assert.deepEqual(await writesOf(files, 0), [
    { file: "vda1:/boot/grub/grubenv", set: { saved_entry: "a", prev_saved_entry: "" }, unset: [] },
  ]);
});

test("without an environment block nothing is written, and a broken one is told", async () => {
  assert.deepEqual(await writesOf({}, 0), []);
  const result = await read(HEADER, { files: { "/boot/grub/grubenv": "garbage" } });
  assert.match(problems(result)[0] ?? "", /environment block vda1:\/boot\/grub\/grubenv can't be used/);
  assert.equal(result.defaultIndex, 0);
});

test("recordfail and the like: what a body saves belongs to that entry alone", async () => {
  const config = `
function recordfail { set recordfail=1; save_env recordfail }
`
    .replace("; ", "\n  ")
    .replace("{ ", "{\n  ")
    .replace(" }", "\n}");
  const result = await read(
    `${config}
load_env
menuentry A { recordfail; linux /a }
menuentry B { unset recordfail; save_env recordfail; linux /b }
menuentry C { linux /c }
`,
    { files: grubenv("recordfail=1") },
  );
  const writes = result.entries.map(({ writes }) =>
    writes.map((write) => ("set" in write ? [write.set, write.unset] : [])),
  );
  assert.deepEqual(writes, [[[{ recordfail: "1" }, []]], [[{}, ["recordfail"]]], []]);
});

test("fallback names the entries to try after the default", async () => {
  const fallback = async (value: string) => {
    const { entries, fallback } = await read(`set fallback="${value}"\n${MENU}`);
    return fallback.map((index) => entries[index]!.title);
  };
  assert.deepEqual(await fallback("2 0"), ["5th", "First"]);
  assert.deepEqual(await fallback("one 1"), ["First", "Second"]);
  assert.deepEqual(await fallback("First"), ["First"]);
  assert.deepEqual(await fallback("7 0"), []);
});

for (const [header, timeout, style] of [
  ["", null, null],
  ["set timeout=5", 5, null],
  ["set timeout=0", 0, null],
  ["set timeout=-1", Number.POSITIVE_INFINITY, null],
  ["set timeout=", Number.POSITIVE_INFINITY, null],
  ["set timeout=10\nset timeout_style=menu", 10, "menu"],
  ["set timeout=10\nset timeout_style=hidden", 10, "hidden"],
  ["set timeout=10\nset timeout_style=countdown", 10, "hidden"],
  ["set timeout=-1\nset timeout_style=hidden", Number.POSITIVE_INFINITY, "menu"],
  ["if sleep --interruptible 4; then set timeout=0; fi", 4, "hidden"],
] as const) {
  test(`timeout: ${header.replaceAll("\n", "; ") || "nothing set"}`, async () => {
    const result = await read(`${header}\n${MENU}`);
    assert.equal(result.timeout, timeout);
    assert.equal(result.timeoutStyle, style);
  });
}

test("hidden entries are neither counted nor named by a default or a fallback", async () => {
  const menu = `
hiddenentry "Console" --hotkey c --id console { linux /serial }
menuentry "A" { linux /a }
hiddenentry "Text mode" --hotkey t { set textmode=true }
menuentry "B" { linux /b }
`;
  const chosen = async (header: string) => {
    const { entries, defaultIndex, fallback } = await read(header + menu);
    return [entries[defaultIndex!]!.title, ...fallback.map((index) => entries[index]!.title)];
  };
  assert.deepEqual(await chosen(""), ["A"]);
  assert.deepEqual(await chosen("set default=1\nset fallback=0"), ["B", "A"]);
  assert.deepEqual(await chosen("set default=console"), ["A"]);
});

test("the note that openSUSE puts before a snapshot's menu is not counted by a number", async () => {
  const menu =
    'submenu "Bootable snapshot #2" { menuentry "If OK" { true; } }\nmenuentry A { linux /a }\nmenuentry B { linux /b }';
  const chosen = async (header: string) => {
    const { entries, defaultIndex } = await read(header + menu);
    return entries[defaultIndex!]!.title;
  };
  assert.equal(await chosen(""), "A");
  assert.equal(await chosen("default=0\n"), "A");
  assert.equal(await chosen("default=1\n"), "B");
  assert.equal(await chosen("default=2\n"), "B");
  assert.equal(await chosen("default=B\n"), "B");
});
