import assert from "node:assert/strict";
import * as fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { mapFile } from "../../src/linux/filemap.ts";

const folder = fs.mkdtempSync(join(tmpdir(), "baton-filemap-"));
after(() => fs.rmSync(folder, { recursive: true }));

/** Maps `size` bytes from `offset` of a file of `length` bytes; resolves with what was told of the reading. */
async function read(length: number, offset: number, size: number): Promise<number[]> {
  const path = join(folder, `${length}`);
  fs.writeFileSync(path, Buffer.alloc(length, "x"));
  const fd = fs.openSync(path, "r");
  const told: number[] = [];
  try {
    const options = { timeoutMs: 10_000, onRead: (bytes: number) => void told.push(bytes) };
    const { address, unmap } = await mapFile(fd, offset, size, "a file", options);
    assert.equal(Number(address % 4096n), offset % 4096);
    unmap();
  } finally {
    fs.closeSync(fd);
  }
  return told;
}

test("a part of a file is read in pieces, each of which is told", async () => {
  const told = await read(9 << 20, 5000, (9 << 20) - 5000);
  assert.equal(
    told.reduce((sum, bytes) => sum + bytes, 0),
    (9 << 20) - 5000,
  );
  assert.equal(told.length, 3);
});

test("a file that ends before the place where it was said to end is refused", async () => {
  await assert.rejects(read(10_000, 0, 100_000), /EFAULT|EIO/);
});

test("what nobody wants any more is not read", async () => {
  const path = join(folder, "unwanted");
  fs.writeFileSync(path, Buffer.alloc(9 << 20));
  const fd = fs.openSync(path, "r");
  let pieces = 0;
  const options = { timeoutMs: 10_000, onRead: () => void pieces++, isWanted: () => pieces === 0 };
  const { unmap } = await mapFile(fd, 0, 9 << 20, "a file", options);
  assert.equal(pieces, 1);
  unmap();
  fs.closeSync(fd);
});
