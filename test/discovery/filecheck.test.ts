import assert from "node:assert/strict";
import { test } from "node:test";
import { checkFiles } from "../../src/discovery/filecheck.ts";
import { BatonError } from "../../src/errors.ts";
import type { DirectoryItem, Reader } from "../../src/formats/reader.ts";

const MANY = Array.from({ length: 40 }, (_, i) => `/boot/vmlinuz-${i}`);

/** A tree whose `/boot` holds `items`; counts what it was asked. */
function tree(items: readonly DirectoryItem[], list?: () => never): Reader & { asked: string[] } {
  const asked: string[] = [];
  const stat: Reader["stat"] = async (path) => {
    asked.push(path);
    const item = items.find(({ name }) => path.toLowerCase() === `/boot/${name}`.toLowerCase());
    if (item === undefined) throw new BatonError("not-found", `${path}: no such file`);
    return { type: item.type === "directory" ? "directory" : "file", size: 1, mtime: 0 };
  };
  const unused = async (): Promise<never> => {
    throw new Error("nothing is read");
  };
  return {
    asked,
    stat,
    read: unused,
    readAt: unused,
    list: async (path) => {
      asked.push(path);
      if (list !== undefined) list();
      return items;
    },
  };
}

async function reasons(reader: Reader, paths: readonly string[]): Promise<Map<string, string | null>> {
  const found = new Map<string, string | null>();
  await checkFiles(reader, paths, (path, reason) => found.set(path, reason));
  return found;
}

test("many files of one folder are looked for by one look at it", async () => {
  const reader = tree(MANY.slice(0, 10).map((path) => ({ name: path.slice(6), type: "file" })));
  const found = await reasons(reader, MANY);
  assert.equal(found.size, MANY.length);
  assert.equal(found.get("/boot/vmlinuz-9"), null);
  assert.equal(found.get("/boot/vmlinuz-10"), "the file is missing");
  assert.deepEqual(reader.asked, ["/boot/"]);
});

test("a few are asked for one by one", async () => {
  const reader = tree([{ name: "vmlinuz-0", type: "file" }]);
  const found = await reasons(reader, MANY.slice(0, 2));
  assert.deepEqual([...found.values()], [null, "the file is missing"]);
  assert.deepEqual(reader.asked, ["/boot/vmlinuz-0", "/boot/vmlinuz-1"]);
});

test("links, folders and names that a filesystem might know by another spelling are asked for", async () => {
  const reader = tree([
    { name: "vmlinuz-0", type: "symlink" },
    { name: "vmlinuz-1", type: "directory" },
    { name: "VMLINUZ-2", type: "file" },
  ]);
  const found = await reasons(reader, [...MANY, "/boot/VMLINU~1", "/boot/kernel."]);
  assert.equal(found.get("/boot/vmlinuz-0"), null);
  assert.equal(found.get("/boot/vmlinuz-1"), "it is a directory, not a file");
  assert.equal(found.get("/boot/vmlinuz-2"), null);
  const folded = ["vmlinuz-0", "vmlinuz-1", "vmlinuz-2", "VMLINU~1", "kernel."].map((name) => `/boot/${name}`);
  assert.deepEqual(reader.asked.slice(1), folded);
});

test("a folder that is missing has none of them, and one that can't be listed leaves each to say why", async () => {
  const missing = await reasons(
    tree([], () => {
      throw new BatonError("not-found", "/boot: no such directory");
    }),
    MANY,
  );
  assert.deepEqual([...new Set(missing.values())], ["the file is missing"]);
  const reader = tree([{ name: "vmlinuz-3", type: "file" }], () => {
    throw new BatonError("too-large", "/boot holds more than 100000 names");
  });
  const found = await reasons(reader, MANY);
  assert.equal(found.get("/boot/vmlinuz-3"), null);
  assert.equal(reader.asked.length, 1 + MANY.length);
});
