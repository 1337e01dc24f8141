/** Loop devices: who may write through them. */

import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { isReadOnly, setReadOnly } from "../../src/linux/blkdev.ts";
import { attachFile, attachReadOnly, detachFile } from "../../src/linux/loopdevice.ts";
import { withoutRoot } from "./loop.ts";

const folder = mkdtempSync(join(tmpdir(), "baton-loop-"));
after(() => rmSync(folder, { recursive: true }));

test("a read-only loop device refuses to be written, and the next user of the same one can write", {
  skip: withoutRoot,
}, async () => {
  const file = join(folder, "image");
  writeFileSync(file, Buffer.alloc(1 << 20));
  const first = await attachReadOnly(file, 512, 4096);
  try {
    assert.ok(await isReadOnly(first));
    assert.throws(() => writeFileSync(first, "changed"), /EPERM|EROFS|EACCES/);
  } finally {
    detachFile(first);
  }
  const second = attachFile(file);
  try {
    await setReadOnly(second, false);
    writeFileSync(second, "changed", { flush: true });
  } finally {
    detachFile(second);
  }
  assert.equal(readFileSync(file).toString("latin1", 0, 7), "changed");
});
