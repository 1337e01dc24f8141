import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, readlinkSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import {
  type CpioEntry,
  cpioChunks,
  cpioDevice,
  cpioDirectory,
  cpioFile,
  cpioSymlink,
  cpioType,
  readCpio,
  writeCpio,
} from "../../src/binary/cpio.ts";

const text = (s: string): Uint8Array => Buffer.from(s);
const SAMPLE: readonly CpioEntry[] = [
  cpioDirectory("bin"),
  cpioFile("bin/sh", text("#!"), 0o755),
  cpioSymlink("init", "bin/sh"),
  cpioDirectory("dev"),
  cpioDevice("dev/console", "character", 5, 1),
  cpioDevice("dev/sda", "block", 8, 0, 0o660),
  cpioFile("empty", new Uint8Array(0)),
];

function read(bytes: Uint8Array): CpioEntry[] {
  return [...readCpio(bytes)];
}

function plain(entries: readonly CpioEntry[]): unknown[] {
  return entries.map((entry) => ({ ...entry, data: Buffer.from(entry.data).toString("hex") }));
}

test("a header is what the kernel's buffer format says, field by field", () => {
  const bytes = Buffer.from(writeCpio([cpioFile("b", text("hello"))]));
  const expected =
    "070701" +
    ["00000001", "000081a4", "00000000", "00000000", "00000001", "00000000", "00000005"].join("") +
    ["00000000", "00000000", "00000000", "00000000", "00000002", "00000000"].join("");
  assert.equal(bytes.toString("latin1", 0, 110), expected);
  assert.equal(bytes.toString("latin1", 110, 112), "b\0");
  assert.equal(bytes.toString("latin1", 112, 120), "hello\0\0\0");
  assert.match(bytes.toString("latin1", 120), /^0707010{8}.*TRAILER!!!\0*$/s);
  assert.equal(bytes.length % 4, 0);
});

test("what was written is read back", () => {
  assert.deepEqual(plain(read(writeCpio(SAMPLE))), plain(SAMPLE));
  assert.deepEqual(SAMPLE.map(cpioType), ["directory", "file", "symlink", "directory", "character", "block", "file"]);
});

test("the same entries give the same bytes, and the chunks are the whole", () => {
  assert.deepEqual(writeCpio(SAMPLE), writeCpio([...SAMPLE]));
  assert.deepEqual(Buffer.concat([...cpioChunks(SAMPLE)]), writeCpio(SAMPLE));
});

test("file contents are passed on without a copy", () => {
  const data = new Uint8Array(1000);
  assert.ok([...cpioChunks([cpioFile("f", data)])].includes(data));
});

test("two archives one after the other are read one after the other", () => {
  const first = writeCpio([cpioFile("a", text("1"))]);
  const both = Buffer.concat([first, writeCpio([cpioFile("b", text("22"))])]);
  const reader = readCpio(both);
  assert.equal((reader.next().value as CpioEntry).name, "a");
  const end = reader.next();
  assert.deepEqual(end, { done: true, value: first.length });
  assert.deepEqual(
    [...readCpio(both, first.length)].map((e) => e.name),
    ["b"],
  );
});

test("what the kernel would silently drop is refused", () => {
  const refused: readonly (readonly CpioEntry[])[] = [
    [cpioFile("/etc", text(""))],
    [cpioFile("", text(""))],
    [cpioDirectory("a"), cpioFile("a/../b", text(""))],
    [cpioFile("bin/sh", text(""))],
    [cpioFile("a", text("")), cpioFile("a", text(""))],
    [cpioFile("a\0b", text(""))],
    [cpioFile("TRAILER!!!", text(""))],
    [cpioFile("x".repeat(4096), text(""))],
  ];
  for (const entries of refused) assert.throws(() => writeCpio(entries), { code: "bad-format" });
});

test("damaged archives are refused with the place, whatever the damage", () => {
  const good = writeCpio(SAMPLE);
  fc.assert(
    fc.property(fc.nat(good.length - 1), fc.nat(255), (at, value) => {
      const bytes = Uint8Array.from(good);
      bytes[at] = value;
      try {
        read(bytes);
      } catch (error) {
        assert.equal((error as { code?: string }).code, "bad-format");
        assert.match((error as Error).message, /at byte \d+/);
      }
    }),
    { numRuns: 300 },
  );
  for (let length = 0; length < good.length - 8; length += 7) {
    assert.throws(() => read(good.subarray(0, length)), { code: "bad-format" });
  }
});

const hasCpio = spawnSync("cpio", ["--version"]).status === 0;
test("cpio(1) unpacks it", { skip: hasCpio ? false : "there is no cpio here" }, () => {
  const folder = mkdtempSync(join(tmpdir(), "baton-cpio-"));
  try {
    const input = writeCpio(SAMPLE.filter((entry) => entry.device === null));
    const { status, stderr } = spawnSync("cpio", ["-i", "--quiet"], { cwd: folder, input });
    assert.equal(status, 0, String(stderr));
    assert.equal(readFileSync(join(folder, "bin/sh"), "utf8"), "#!");
    assert.equal(statSync(join(folder, "bin/sh")).mode & 0o777, 0o755);
    assert.equal(readlinkSync(join(folder, "init")), "bin/sh");
  } finally {
    rmSync(folder, { recursive: true });
  }
});
