import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { Memory, type Segment } from "../../src/kexec/memory.ts";
import { MemoryMap } from "../../src/kexec/memorymap.ts";
import { digestOf, purgatoryPage, sealSegments } from "../../src/kexec/purgatory.ts";
import { Range } from "../../src/kexec/ranges.ts";
import { translate } from "./pagewalk.ts";

const START = { cpu: "x86_64", address: 0x200000n, registers: { rsi: 0x1000n } } as const;
const segment = (start: bigint, pages: number, part: Uint8Array): Segment => ({
  name: "test",
  range: Range.ofSize(start, BigInt(pages) * 4096n),
  parts: [part],
});

function hasTools(): boolean {
  try {
    for (const tool of ["as", "objcopy", "gcc"]) execFileSync(tool, ["--version"], { stdio: "ignore" });
    return process.arch === "x64";
  } catch {
    return false;
  }
}
const skip = hasTools() ? false : "needs as, objcopy and gcc for x86-64";

test("the purgatory's bytes are what purgatory.S assembles to", { skip }, () => {
  const folder = mkdtempSync(join(tmpdir(), "baton-purgatory-"));
  try {
    const object = join(folder, "purgatory.o");
    execFileSync("as", ["--64", "-o", object, "src/kexec/purgatory.S"]);
    execFileSync("objcopy", ["-O", "binary", "-j", ".text", object, join(folder, "purgatory.bin")]);
    const assembled = readFileSync(join(folder, "purgatory.bin"));
    const page = purgatoryPage(0n, START, []);
    assert.deepEqual(page.subarray(0, assembled.length), assembled);
    assert.ok(assembled.length <= 0x200, "code runs into the data behind it");
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("the digest is of whole pages: contents, then zeros", () => {
  const segments = [segment(0x100000n, 1, Buffer.from("abc")), segment(0x300000n, 2, Buffer.alloc(5000, 7))];
  const memory = Buffer.alloc(3 * 4096);
  memory.write("abc");
  memory.fill(7, 4096, 4096 + 5000);
  assert.deepEqual(digestOf(segments), createHash("sha256").update(memory).digest());
});

/** Runs a purgatory in a process of its own: its tail is an exit with 7, an injured one faults. */
const HARNESS = `
#include <sys/mman.h>
#include <stdio.h>
#include <string.h>
int main(int argc, char **argv) {
  FILE *f = fopen(argv[1], "rb");
  char *page = mmap((void *)0x10000000, 4096, 7, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  char *data = mmap((void *)0x20000000, 3 * 4096, 3, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  fread(page, 1, 4096, f);
  strcpy(data, "abc");
  memset(data + 4096, 7, 5000);
  if (argc > 2) data[4096 + 4999] ^= 1;
  /* mov $60, %eax; mov $7, %edi; syscall */
  memcpy(page + 0xa00, "\\xb8\\x3c\\0\\0\\0\\xbf\\x07\\0\\0\\0\\x0f\\x05", 12);
  ((void (*)(void))page)();
  return 1;
}
`;

test("it goes on to the kernel where memory is what was loaded, and never where one bit differs", { skip }, () => {
  const folder = mkdtempSync(join(tmpdir(), "baton-purgatory-"));
  try {
    const segments = [segment(0x20000000n, 1, Buffer.from("abc")), segment(0x20001000n, 2, Buffer.alloc(5000, 7))];
    const page = join(folder, "page");
    const program = join(folder, "harness");
    execFileSync("dd", ["status=none", `of=${page}`], { input: purgatoryPage(0x10000000n, START, segments) });
    execFileSync("gcc", ["-x", "c", "-w", "-o", program, "-"], { input: HARNESS });
    const outcome = (args: string[]): { status: number | null; signal: string | null } => {
      try {
        execFileSync(program, args, { stdio: "ignore" });
        return { status: 0, signal: null };
      } catch (error) {
        return error as { status: number | null; signal: string | null };
      }
    };
    assert.equal(outcome([page]).status, 7);
    // It would speak to the serial line's ports, which a process may not.
    assert.equal(outcome([page, "injured"]).signal, "SIGSEGV");
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("sealing puts the purgatory's page among the segments, as their entry", () => {
  const memory = new Memory(new MemoryMap([{ range: new Range(0x100000n, 0x4000000n), type: "ram" }]));
  memory.addAt(0x200000n, Buffer.alloc(9000, 1), "kernel");
  const { entry, segments } = sealSegments(memory, START);
  const own = segments.find(({ range }) => range.start === entry)!;
  assert.equal(own.name, "purgatory");
  const kernel = segments.find(({ name }) => name === "kernel")!;
  const content = own.parts[0] as Buffer;
  const tables = entry + 4096n;
  assert.deepEqual(content.subarray(0, 4096), purgatoryPage(entry, START, [kernel], { tables }));
  for (const address of [entry, 0x200000n, 0xffff_ffffn]) {
    assert.equal(translate(content.subarray(4096), tables, address), address);
  }
});
