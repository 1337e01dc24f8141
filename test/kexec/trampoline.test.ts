import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { Memory } from "../../src/kexec/memory.ts";
import { MemoryMap } from "../../src/kexec/memorymap.ts";
import { identityTables } from "../../src/kexec/pagetables.ts";
import { Range } from "../../src/kexec/ranges.ts";
import { addStart, startCode } from "../../src/kexec/trampoline.ts";

function disassemble(code: Uint8Array, machine: string): string {
  const folder = mkdtempSync(join(tmpdir(), "baton-trampoline-"));
  try {
    const file = join(folder, "code");
    writeFileSync(file, code);
    const text = execFileSync("objdump", ["-D", "-b", "binary", "-m", machine, file], { encoding: "latin1" });
    return text.replace(/^.*:\t(?:[0-9a-f]{2} )+\s*/gm, "").replace(/[ \t]+/g, " ");
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function hasObjdump(): boolean {
  try {
    return execFileSync("objdump", ["--info"], { encoding: "latin1" }).includes("i386");
  } catch {
    return false;
  }
}
const skip = hasObjdump() ? false : "needs objdump for x86";

test("64 bits: registers are set, and the kernel is jumped to", { skip }, () => {
  const code = startCode({ cpu: "x86_64", address: 0x1234_5678_9abcn, registers: { rsi: 0x9000n } }, 0x1000n);
  const text = disassemble(code, "i386:x86-64");
  assert.match(text, /movabs \$0x9000,%rsi/);
  assert.match(text, /movabs \$0x0,%rdi/);
  assert.match(text, /movabs \$0x123456789abc,%r11[\s\S]*jmp \*%r11/);
});

test("64 bits: page tables of its own, with as many levels as the processor has on", { skip }, () => {
  const start = { cpu: "x86_64", address: 0x1000n, registers: {} } as const;
  const text = disassemble(startCode(start, 0x7000_0000n, { tables: 0x7000_1000n }), "i386:x86-64");
  const levels =
    /mov %cr4,%rax\n.*bt \$0xc,%eax\n.*movabs \$0x70002000,%rax\n.*jae 0x19\n.*sub \$0x1000,%rax\n.*mov %rax,%cr3/;
  assert.match(text, levels);
  assert.ok(text.indexOf("%cr3") < text.indexOf("movabs $0x0,%rdi"), "before the registers are set");
  assert.doesNotMatch(disassemble(startCode(start, 0x7000_0000n), "i386:x86-64"), /cr3/);
});

const MEMORY = new MemoryMap([
  { range: new Range(0x100000n, 0x4000_0000n), type: "ram" },
  { range: new Range(1n << 32n, 5n << 30n), type: "ram" },
]);
const LOW_TABLES = 7 * 4096;

test("64 bits: the tables lie behind the trampoline, and map it, the segments and their room", () => {
  const memory = new Memory(MEMORY);
  memory.add(Buffer.alloc(1), { name: "kernel", minimum: 9n << 29n, room: 1n << 20n });
  const entry = addStart(memory, { cpu: "x86_64", address: 9n << 29n, registers: {} });
  const own = memory.segments.find(({ name }) => name === "trampoline")!;
  assert.equal(own.range.start, entry);
  assert.ok(own.range.end === 5n << 30n, "at the top");
  // The kernel and the trampoline lie in one GiB above the first four.
  const tables = (own.parts[0] as Buffer).subarray(4096);
  assert.deepEqual(
    tables.subarray(0, LOW_TABLES + 4096),
    identityTables(
      [memory.taken].flatMap((all) => [...all]),
      entry + 4096n,
    ),
  );
});

test("where rooms are whole the old page tables do; 32 bits need none", () => {
  const whole = new Memory(MEMORY, { wholeRooms: true });
  addStart(whole, { cpu: "x86_64", address: 0x100000n, registers: {} });
  assert.equal(whole.segments[0]!.range.size, 4096n);
  const narrow = new Memory(MEMORY);
  addStart(narrow, { cpu: "i386", address: 0x100000n, registers: {} });
  assert.equal(narrow.segments[0]!.range.size, 4096n);
});

test("64 bits: memory is cleared before the registers are set", { skip }, () => {
  const clear = [{ start: 0x200000n, size: 0x3000n }];
  const code = startCode({ cpu: "x86_64", address: 0x1000n, registers: {}, clear }, 0n);
  const text = disassemble(code, "i386:x86-64");
  assert.match(text, /cld[\s\S]*movabs \$0x200000,%rdi[\s\S]*movabs \$0x600,%rcx[\s\S]*rep stos %rax/);
});

test("32 bits: down to protected mode without paging, with a GDT of its own", { skip }, () => {
  const at = 0x7000_0000n;
  const start = {
    cpu: "i386",
    address: 0x100000n,
    registers: { eax: 0x36d7_6289n, ebx: 0x8000n },
    words: [{ address: 0x413, value: 636 }],
  } as const;
  const code = startCode(start, at);
  const wide = disassemble(code.subarray(0, 0x0e), "i386:x86-64");
  assert.match(wide, /lgdt 0xb8\(%rip\)/);
  assert.match(wide, /ljmp \*0xbc\(%rip\)/);
  const narrow = disassemble(code.subarray(0x10, 0xa0), "i386");
  assert.match(narrow, /mov \$0x70001000,%esp/);
  assert.match(narrow, /and \$0x7fffffff,%eax[\s\S]*wrmsr[\s\S]*mov %eax,%cr4/);
  assert.match(narrow, /movw \$0x27c,0x413[\s\S]*mov \$0x36d76289,%eax[\s\S]*mov \$0x8000,%ebx/);
  assert.match(narrow, /push \$0x100000[\s\S]*ret/);
  // The far jump's target, and the GDT that it is by.
  assert.equal(code.readUInt32LE(0xca), Number(at) + 0x10);
  assert.equal(code.readUInt16LE(0xce), 0x10);
  assert.equal(code.readBigUInt64LE(0xc2), at + 0xa0n);
  assert.equal(code.readBigUInt64LE(0xb0), 0x00cf9b000000ffffn);
});

test("32 bits: what 32 bits don't reach is refused", () => {
  const start = { cpu: "i386", address: 0x100000n, registers: {} } as const;
  assert.throws(() => startCode(start, 1n << 32n), /below 4 GiB/);
  assert.throws(() => startCode({ ...start, address: 1n << 32n }, 0x1000n), /below 4 GiB/);
  assert.throws(() => startCode({ ...start, registers: { ebx: 1n << 32n } }, 0x1000n), /below 4 GiB/);
});

test("arm64: the devicetree in x0, zeros in x1 to x3, and the branch", () => {
  const code = startCode({ cpu: "aarch64", address: 0x4020_0000n, registers: { x0: 0x4800_0000n } }, 0n);
  const words = Array.from({ length: 6 }, (_, index) => code.readUInt32LE(index * 4).toString(16));
  assert.deepEqual(words, ["580000d1", "580000e0", "aa1f03e1", "aa1f03e2", "aa1f03e3", "d61f0220"]);
  assert.equal(code.readBigUInt64LE(0x18), 0x4020_0000n);
  assert.equal(code.readBigUInt64LE(0x20), 0x4800_0000n);
});

test("a register that there isn't is refused", () => {
  assert.throws(() => startCode({ cpu: "x86_64", address: 0n, registers: { rsp: 1n } }, 0n), /register rsp/);
});
