/** Where Baton's lines go besides its own screen. */

import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { KernelLog } from "../../src/init/kernellog.ts";

test("a line is one record of the kernel log with its priority, and one of pstore's user messages", () => {
  const folder = mkdtempSync(join(tmpdir(), "baton-kmsg-"));
  try {
    const [kmsg, pmsg] = [join(folder, "kmsg"), join(folder, "pmsg")];
    writeFileSync(kmsg, "");
    writeFileSync(pmsg, "");
    const log = new KernelLog(kmsg, pmsg);
    log.milestone("baton: start");
    log.write(6, "two\nlines \x1b[31m");
    log.write(4, "x".repeat(2000));
    const [first, second, third] = readFileSync(kmsg, "utf8").split("\n");
    assert.deepEqual([first, second], ["<3>baton: start", "<6>two lines  [31m"]);
    assert.equal(third?.length, 904, "the kernel cuts records that are longer");
    assert.equal(readFileSync(pmsg, "utf8").split("\n")[0], "baton: start");
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("without a kernel log or pstore nothing fails", () => {
  new KernelLog("/nowhere/kmsg", "/nowhere/pmsg").milestone("baton: start");
});
