/** What holds of every format's result, whatever the input was. */

import assert from "node:assert/strict";
import type { FileRef } from "../../src/entry.ts";
import type { FormatResult } from "../../src/formats/format.ts";

export function assertWellFormed(result: FormatResult): void {
  const { entries, defaultIndex, defaultIsExplicit, fallback, timeout, diagnostics } = result;
  const isIndex = (index: number): boolean => Number.isInteger(index) && index >= 0 && index < entries.length;
  assert.ok(defaultIndex === null || isIndex(defaultIndex), `default ${defaultIndex} of ${entries.length} entries`);
  assert.ok(defaultIndex !== null || !defaultIsExplicit, "no default, and yet an explicit one");
  assert.ok(fallback.every(isIndex), `fallback ${fallback.join(", ")} of ${entries.length} entries`);
  assert.ok(timeout === null || timeout >= 0, `timeout ${timeout}`);
  for (const entry of entries) {
    assert.notEqual(entry.title, "", "an entry without a title");
    assert.ok(
      entry.linux !== null || entry.modules.length > 0 || entry.reason !== null,
      `${entry.title}: nothing to boot, and no reason`,
    );
    for (const ref of [entry.linux, entry.devicetree, ...entry.initrd, ...entry.modules.map((m) => m.file)]) {
      if (ref !== null) assertInside(ref);
    }
    assert.ok(!entry.options.includes("\n"), `${entry.title}: a command line of several lines`);
  }
  for (const { message, line, column } of diagnostics) {
    assert.notEqual(message, "");
    assert.ok((line === null || line >= 1) && (column === null || column >= 1), `${message}: ${line}:${column}`);
  }
}

/** A path never leaves the volume. */
function assertInside(ref: FileRef): void {
  if ("path" in ref) assert.match(ref.path, /^\/(?!(.*\/)?\.\.(\/|$))/s, `the path ${ref.path}`);
}
