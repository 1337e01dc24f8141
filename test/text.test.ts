import assert from "node:assert/strict";
import { test } from "node:test";
import { log, logLines } from "../src/log.ts";
import { confirmBox, promptBox } from "../src/menu/dialogs.ts";
import { editLine } from "../src/menu/editline.ts";
import { EditHistory, EntryEditor } from "../src/menu/entryeditor.ts";
import type { Row } from "../src/menu/frame.ts";
import { askPassword, type PromptPage } from "../src/menu/prompt.ts";
import { makeLook } from "../src/menu/style.ts";
import { printable, printableJson } from "../src/text.ts";
import { sampleEntry } from "./menu/samples.ts";

/** What a terminal obeys, what turns a line around, and what nobody sees. */
const HOSTILE = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/u;

const EVERY = Array.from({ length: 0x110000 }, (_, point) => point)
  .map((point) => String.fromCodePoint(point))
  .filter((char) => HOSTILE.test(char));

test("no control, mark of direction, tag or invisible character of Unicode is left in text that is shown", () => {
  assert.ok(EVERY.length > 6000);
  for (const char of EVERY) {
    const shown = printable(`a${char}b`);
    assert.ok(!HOSTILE.test(shown), `U+${char.codePointAt(0)!.toString(16)}`);
    assert.match(shown, /^a[ \ufffd]?b$/);
  }
  // A sequence is shown for what it is; nothing behind it is swallowed.
  assert.equal(printable("\x1b]2;T\x07x\x9b31mred"), "\ufffd]2;T\ufffdx\ufffd31mred");
  assert.equal(printable("Débian 日本 ё"), "Débian 日本 ё");
});

test("JSON says the same text, and no terminal obeys it", () => {
  for (const char of EVERY) {
    const json = printableJson(JSON.stringify({ title: `a${char}"b` }, null, 2));
    assert.ok(!HOSTILE.test(json.replaceAll("\n", "")), `U+${char.codePointAt(0)!.toString(16)}`);
    assert.deepEqual(JSON.parse(json), { title: `a${char}"b` });
  }
  assert.equal(printableJson('"\u{e0041}\x7f"'), '"\\udb40\\udc41\\u007f"');
  assert.equal(printableJson('["é 日"]'), '["é 日"]');
});

const text = (rows: readonly Row[]): string => rows.map((row) => row.map((part) => part.text).join("")).join("\n");

test("titles of boxes and prompts, questions and the log obey nothing", () => {
  const evil = "a\x1b[2J\u202eb\u{e0041}";
  const look = makeLook("xterm", true, true);
  log.info(evil);
  const pages: PromptPage[] = [];
  const show = (page: PromptPage): void => void pages.push(page);
  askPassword({ what: evil, users: evil, attempt: async () => null }, show, () => {});
  pages[0]!.line = editLine(evil);
  pages[0]!.enter();
  const [userPage, wordPage] = pages;
  const shown = [
    text(promptBox(userPage!, 80, look).rows),
    text(promptBox(wordPage!, 80, look).rows),
    text(confirmBox({ title: evil, question: `Boot ${evil}?` }, 80, look)),
    logLines().at(-1)!.text,
  ];
  for (const part of shown) {
    assert.match(part, /a\ufffd\[2J\ufffdb\ufffd/);
    assert.doesNotMatch(part.replaceAll("\n", ""), HOSTILE);
  }
});

test("a command line that nobody changed in the editor is booted as it came, whatever is shown of it", () => {
  const options = "root=/dev/sda1 word=\u202e\u200d\tend";
  const editor = new EntryEditor(sampleEntry({ title: "one", options }), new EditHistory());
  assert.equal(editor.edited()?.options, options);
  editor.key("x", "x", 80);
  assert.equal(editor.edited()?.options, "root=/dev/sda1 word=\ufffd endx");
});
