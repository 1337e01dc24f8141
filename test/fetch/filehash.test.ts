import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { FileHash } from "../../src/fetch/filehash.ts";
import { addLogSink } from "../../src/log.ts";

const MIB = 1024 * 1024;
const noise = randomBytes(MIB + 1);
const sha256 = (pieces: readonly Uint8Array[]): string => {
  const hash = createHash("sha256");
  for (const piece of pieces) hash.update(piece);
  return hash.digest("hex");
};

function temporary(t: TestContext): { fd: number; hash: FileHash } {
  const directory = mkdtempSync(join(tmpdir(), "baton-hash-"));
  const fd = openSync(join(directory, "file"), "w+");
  const hash = new FileHash(fd);
  t.after(() => {
    hash.stop();
    closeSync(fd);
    rmSync(directory, { recursive: true });
  });
  return { fd, hash };
}

test("the digest is right for files of every size, whoever computes it", async (t) => {
  for (const lengths of [[], [5], [MIB, 3], Array.from({ length: 20 }, (_, index) => MIB - 7 * index)]) {
    const { fd, hash } = temporary(t);
    const pieces = lengths.map((length, index) => noise.subarray(index % 2, length + (index % 2)));
    for (const piece of pieces) {
      writeSync(fd, piece);
      hash.append(piece);
    }
    assert.equal(await hash.digest(), sha256(pieces));
  }
});

test("where the thread fails the digest is computed without it", async (t) => {
  const { fd, hash } = temporary(t);
  const failed = new Promise<void>((resolve) => {
    const remove = addLogSink(({ text }) => {
      if (text.includes("hashing in a thread failed")) resolve();
    });
    t.after(remove);
  });
  const pieces = Array.from({ length: 12 }, () => noise);
  // It is told of bytes that are not there yet.
  for (const piece of pieces) hash.append(piece);
  if (availableParallelism() > 1) await failed;
  for (const piece of pieces) writeSync(fd, piece);
  assert.equal(await hash.digest(), sha256(pieces));
});
