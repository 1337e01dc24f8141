import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import fc from "fast-check";
import { BatonError } from "../../src/errors.ts";
import { readAll, statAll } from "../../src/formats/readall.ts";
import type { Reader } from "../../src/formats/reader.ts";
import { openDirectory } from "../../src/volumes/directory.ts";
import { treeReader } from "../formats/tree.ts";

const base = fs.mkdtempSync(join(tmpdir(), "baton-many-"));
after(() => fs.rmSync(base, { recursive: true, force: true }));

const outside = join(base, "secret");
fs.writeFileSync(outside, "outside");
const tree = join(base, "tree");
for (const folder of ["loader/entries", "a/b"]) fs.mkdirSync(join(tree, folder), { recursive: true });
fs.writeFileSync(join(tree, "loader/entries/one.conf"), "linux /a\n");
fs.writeFileSync(join(tree, "a/Kernel"), "a kernel");
fs.writeFileSync(join(tree, "a/empty"), "");
fs.writeFileSync(join(tree, "a/large"), "x".repeat(2000));
fs.symlinkSync("Kernel", join(tree, "a/link"));
fs.symlinkSync("../../secret", join(tree, "a/escape"));
fs.symlinkSync(outside, join(tree, "a/absolute"));
fs.symlinkSync("loop", join(tree, "a/loop"));
fs.symlinkSync("a", join(tree, "c"));
execFileSync("mkfifo", [join(tree, "a/fifo")]);

const show = (value: unknown): unknown => {
  if (value instanceof BatonError) return `${value.code} ${value.message}`;
  return value instanceof Uint8Array ? Buffer.from(value).toString() : value;
};

const settled = (work: Promise<unknown>): Promise<unknown> => work.then(show, show);

test("many files of a directory are read and looked at as one after the other", async () => {
  const names = [
    "a",
    "b",
    "c",
    "A",
    "Kernel",
    "KERNEL",
    "empty",
    "large",
    "link",
    "escape",
    "absolute",
    "loop",
    "fifo",
  ];
  const part = fc.constantFrom(...names, "", ".", "..", "loader", "Entries", "entries", "one.conf", "missing", "\0");
  const path = fc.array(part, { minLength: 1, maxLength: 5 }).map((parts) => `/${parts.join("/")}`);
  await fc.assert(
    fc.asyncProperty(fc.array(path, { maxLength: 20 }), fc.boolean(), async (paths, caseInsensitive) => {
      const reader = openDirectory(tree, { caseInsensitive, name: "vda1" });
      assert.ok(reader.readAll && reader.statAll, "a plain directory has ways of its own");
      assert.deepEqual(
        (await readAll(reader, paths, 1000)).map(show),
        await Promise.all(paths.map((each) => settled(reader.read(each, 1000)))),
      );
      const stats = await Promise.all(paths.map((each) => settled(reader.stat(each))));
      assert.deepEqual(
        (await statAll(reader, paths)).map(show),
        stats.map((stat) => (typeof stat === "string" && stat.startsWith("not-found ") ? null : stat)),
      );
    }),
    { numRuns: 300 },
  );
});

test("a tree without a way of its own gives the same, and what doesn't answer at all rejects", async () => {
  const reader = treeReader({ "/a/b": "text", "/c": "more" });
  const paths = ["/a/b", "/a", "/none", ...Array.from({ length: 200 }, () => "/c")];
  const files = (await readAll(reader, paths, 100)).map(show);
  assert.deepEqual([files[0], files[200]], ["text", "more"]);
  assert.match(String(files[1]), /^not-a-file /);
  assert.match(String(files[2]), /^not-found /);
  const stats = await statAll(reader, paths);
  assert.deepEqual(stats.slice(1, 3), [{ type: "directory", size: 0, mtime: 0 }, null]);

  const silent = async (): Promise<never> => {
    throw new BatonError("timeout", "vda1 did not answer");
  };
  const hung: Reader = { ...reader, read: silent, stat: silent };
  await assert.rejects(readAll(hung, ["/a"], 1), /did not answer/);
  await assert.rejects(statAll(hung, ["/a"]), /did not answer/);
});
