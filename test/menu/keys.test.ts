import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { KeyDecoder, type TerminalEvent } from "../../src/menu/keys.ts";

/** Names of the keys; other events in brackets. */
function names(events: readonly TerminalEvent[]): string[] {
  return events.map((event) => (event.type === "key" ? event.name : `[${event.type}]`));
}

function decode(text: string): string[] {
  const decoder = new KeyDecoder();
  return names([...decoder.push(Buffer.from(text)), ...decoder.flush()]);
}

test("letters, controls and Enter", () => {
  assert.deepEqual(decode("jK?"), ["j", "K", "?"]);
  assert.deepEqual(decode("\r\n\x7f\t\x18\x0c"), ["enter", "[linefeed]", "backspace", "tab", "C-x", "C-l"]);
  assert.deepEqual(decode("\n"), ["enter"]);
  assert.deepEqual(decode("\r\r"), ["enter", "enter"]);
});

test("arrows and their like as xterm, the VT220, rxvt and the Linux console send them", () => {
  assert.deepEqual(decode("\x1b[A\x1bOB\x1b[C\x1b[D"), ["up", "down", "right", "left"]);
  assert.deepEqual(decode("\x1b[1~\x1b[7~\x1b[H\x1bOH"), ["home", "home", "home", "home"]);
  assert.deepEqual(decode("\x1b[4~\x1b[F\x1b[5~\x1b[6~\x1b[3~"), ["end", "end", "pageup", "pagedown", "delete"]);
  assert.deepEqual(decode("\x1b[[A\x1bOP\x1b[11~\x1b[24~"), ["f1", "f1", "f1", "f12"]);
  assert.deepEqual(decode("\x1b[1;5C\x1b[1;3D"), ["C-right", "M-left"]);
  assert.deepEqual(decode("\x1bOM\x1bOp\x1bOy"), ["enter", "0", "9"]);
});

test("a sequence that comes byte by byte is one key", () => {
  const decoder = new KeyDecoder();
  assert.deepEqual(decoder.push(Buffer.from("\x1b")), []);
  assert.ok(decoder.pending);
  assert.deepEqual(decoder.push(Buffer.from("[")), []);
  assert.deepEqual(names(decoder.push(Buffer.from("A"))), ["up"]);
  assert.ok(!decoder.pending);
});

test("ESC alone is the Escape key once the wait is over, and ESC twice is two", () => {
  const decoder = new KeyDecoder();
  assert.deepEqual(decoder.push(Buffer.from("\x1b")), []);
  assert.deepEqual(names(decoder.flush()), ["escape"]);
  assert.deepEqual(decode("\x1b\x1b"), ["escape", "escape"]);
  assert.deepEqual(decode("\x1b\x1b[A"), ["escape", "up"]);
});

test("Alt and a letter", () => {
  assert.deepEqual(decode("\x1bb\x1bf\x1b\x7f\x1b["), ["M-b", "M-f", "M-backspace", "M-["]);
});

test("UTF-8 is one key each, also when split", () => {
  assert.deepEqual(decode("é日🐧"), ["é", "日", "🐧"]);
  const decoder = new KeyDecoder();
  const bytes = Buffer.from("日");
  assert.deepEqual(decoder.push(bytes.subarray(0, 2)), []);
  assert.deepEqual(names(decoder.push(bytes.subarray(2))), ["日"]);
});

test("bytes that no key sends are noise, and the key after them is read", () => {
  const bytes = Buffer.from([0x00, 0xff, 0xc3, 0x41, 0xed, 0xa0, 0x80, 0x6a]);
  assert.deepEqual(names(new KeyDecoder().push(bytes)), ["[noise]", "[noise]", "[noise]", "A", "[noise]", "j"]);
});

test("answers of a terminal are no keys; F3 with a modifier is no answer", () => {
  assert.deepEqual(new KeyDecoder().push(Buffer.from("\x1b[24;80R\x1b[8;50;132t")), [
    { type: "cursor", row: 24, column: 80 },
    { type: "size", rows: 50, columns: 132 },
  ]);
  assert.deepEqual(decode("\x1b[1;2R"), ["f3"]);
  const asked = new KeyDecoder();
  asked.cursorExpected = true;
  assert.deepEqual(asked.push(Buffer.from("\x1b[1;2R")), [{ type: "cursor", row: 1, column: 2 }]);
  assert.deepEqual(decode("\x1b[?62;1c\x1b]0;title\x07j"), ["j"]);
});

test("any bytes, split anywhere, give the same events as in one piece and never more than bytes", () => {
  const keyish = fc.array(
    fc.oneof(
      fc.uint8Array({ maxLength: 6 }),
      fc
        .constantFrom("\x1b[A", "\x1bOB", "\x1b", "\x1b[3~", "é", "\r\n", "q", "\x1b[24;80R")
        .map((s) => Buffer.from(s)),
    ),
    { maxLength: 20 },
  );
  fc.assert(
    fc.property(keyish, fc.infiniteStream(fc.nat(3)), (parts, cuts) => {
      const bytes = Buffer.concat(parts);
      const whole = new KeyDecoder();
      const expected = [...whole.push(bytes), ...whole.flush()];
      const decoder = new KeyDecoder();
      const events: TerminalEvent[] = [];
      for (let at = 0; at < bytes.length; ) {
        const length = 1 + cuts.next().value!;
        events.push(...decoder.push(bytes.subarray(at, at + length)));
        at += length;
      }
      events.push(...decoder.flush());
      assert.deepEqual(events, expected);
      assert.ok(events.length <= bytes.length);
    }),
  );
});
