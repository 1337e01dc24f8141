import assert from "node:assert/strict";
import { test } from "node:test";
import { rowWidth } from "../../src/menu/frame.ts";
import { cutBytes, loadQr, QR_BYTES, qrRows } from "../../src/menu/qr.ts";

/** The modules that a terminal would show: true for dark. */
function modules(text: string, unicode: boolean): boolean[][] {
  const rows = qrRows(text, unicode)!;
  if (!unicode) return rows.map((row) => row.map(({ style }) => style === "normal"));
  return rows.flatMap((row) => {
    const characters = [...row.map((part) => part.text).join("")];
    return [characters.map((c) => c === "█" || c === "▀"), characters.map((c) => c === "█" || c === "▄")];
  });
}

test("the largest code fits the page of an 80x24 terminal, whatever the text", async () => {
  await loadQr();
  const rows = qrRows("é".repeat(500), true)!;
  assert.ok(rows.length <= 22, `${rows.length} rows`);
  assert.ok(rowWidth(rows[0]!) <= 50);
});

test("both ways of drawing show the same modules, with the three finder patterns and light around them", async () => {
  await loadQr();
  const blocks = modules("Baton 0.1.0\nid\nreason", true);
  const spaces = modules("Baton 0.1.0\nid\nreason", false);
  assert.deepEqual(blocks.slice(0, spaces.length), spaces);
  const size = spaces.length;
  // ISO/IEC 18004, 6.3.3: dark, light, three dark, light, dark.
  const finder = [true, false, true, true, true, false, true];
  const row = (y: number, x: number) => spaces[y]!.slice(x, x + 7);
  assert.deepEqual([row(5, 2), row(5, size - 9), row(size - 6, 2)], [finder, finder, finder]);
  assert.ok(spaces[0]!.every((dark) => !dark) && spaces.every((line) => !line[0] && !line.at(-1)));
});

test("text is cut between characters", () => {
  assert.equal(cutBytes("aé日", 3), "aé");
  assert.equal(cutBytes("aé日", 5), "aé");
  assert.equal(Buffer.byteLength(cutBytes("日".repeat(100), QR_BYTES)) <= QR_BYTES, true);
});
