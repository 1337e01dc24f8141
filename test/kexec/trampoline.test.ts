import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { Memory } from "../../src/kexec/memory.ts";
import { MemoryMap } from "../../src/kexec/memorymap.ts";
import { Range } from "../../src/kexec/ranges.ts";
import { addStart, startCode } from "../../src/kexec/trampoline.ts";
import { translate } from "./pagewalk.ts";

/** The bytes that the GNU assembler makes of a program. */
function assemble(program: string): Buffer {
  const folder = mkdtempSync(join(tmpdir(), "baton-trampoline-"));
  try {
    const [source, object, binary] = ["code.S", "code.o", "code.bin"].map((name) => join(folder, name)) as [
      string,
      string,
      string,
    ];
    writeFileSync(source, program);
    execFileSync("as", ["--64", "-o", object, source]);
    execFileSync("objcopy", ["-O", "binary", "-j", ".text", object, binary]);
    return readFileSync(binary);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function hasAssembler(): boolean {
  try {
    for (const tool of ["as", "objcopy"]) execFileSync(tool, ["--version"], { stdio: "ignore" });
    return process.arch === "x64";
  } catch {
    return false;
  }
}
const skip = hasAssembler() ? false : "needs as and objcopy for x86-64";

/** The end of the way to a kernel for 64 bits: its registers, and the jump. */
const ENTER_64 = `
	movabs	$0x11, %rax
	movabs	$0, %rcx
	movabs	$0, %rdx
	movabs	$0, %rbx
	movabs	$0x123456789000, %rsi
	movabs	$0, %rdi
	movabs	$0x123456789abc, %r11
	xor	%ebp, %ebp
	cld
	jmp	*%r11
`;
const START_64 = {
  cpu: "x86_64",
  address: 0x1234_5678_9abcn,
  registers: { rsi: 0x1234_5678_9000n, rax: 0x11n },
} as const;

test("64 bits: registers are set, those that nobody names to 0, and the kernel is jumped to", { skip }, () => {
  assert.deepEqual(startCode(START_64, 0x1000n), assemble(ENTER_64));
});

test("64 bits: page tables of its own come first, with as many levels as the processor has on", { skip }, () => {
  const expected = assemble(`
	mov	%cr4, %rax
	bt	$12, %eax		# LA57
	movabs	$0x70002000, %rax	# four levels' top table is the second
	jnc	1f
	sub	$0x1000, %rax
1:	mov	%rax, %cr3
	${ENTER_64}`);
  assert.deepEqual(startCode(START_64, 0x7000_0000n, { tables: 0x7000_1000n }), expected);
});

test("64 bits: memory is cleared before the registers are set", { skip }, () => {
  const expected = assemble(`
	cld
	movabs	$0x200000, %rdi
	movabs	$0x600, %rcx		# quad words
	xor	%eax, %eax
	rep stosq
	cld
	movabs	$0x12345600000, %rdi
	movabs	$1, %rcx
	xor	%eax, %eax
	rep stosq
	${ENTER_64}`);
  const clear = [
    { start: 0x200000n, size: 0x3000n },
    { start: 0x123_4560_0000n, size: 8n },
  ];
  assert.deepEqual(startCode({ ...START_64, clear }, 0n), expected);
});

const MEMORY = new MemoryMap([
  { range: new Range(0x100000n, 0x4000_0000n), type: "ram" },
  { range: new Range(1n << 32n, 5n << 30n), type: "ram" },
]);

test("64 bits: the tables lie behind the trampoline, and map it, the segments, their room and what is read early", () => {
  const memory = new Memory(MEMORY);
  const kernel = 9n << 29n;
  memory.add(Buffer.alloc(1), { name: "kernel", minimum: kernel, room: 1n << 20n });
  const reads = [{ start: 40n << 30n, size: 0x1000n }];
  const entry = addStart(memory, { cpu: "x86_64", address: kernel, registers: {}, reads });
  const own = memory.segments.find(({ name }) => name === "trampoline")!;
  assert.equal(own.range.start, entry);
  assert.ok(own.range.end === 5n << 30n, "at the top");
  const tables = (own.parts[0] as Buffer).subarray(4096);
  for (const address of [entry, own.range.end - 1n, kernel, kernel + (1n << 20n) - 1n, 0x1000n, 40n << 30n]) {
    assert.equal(translate(tables, entry + 4096n, address), address);
  }
  assert.equal(translate(tables, entry + 4096n, 41n << 30n), null, "what nobody needs may be no memory");
});

test("where rooms are whole the old page tables do; 32 bits need none", () => {
  const whole = new Memory(MEMORY, { wholeRooms: true });
  addStart(whole, { cpu: "x86_64", address: 0x100000n, registers: {} });
  assert.equal(whole.segments[0]!.range.size, 4096n);
  const narrow = new Memory(MEMORY);
  addStart(narrow, { cpu: "i386", address: 0x100000n, registers: {} });
  assert.equal(narrow.segments[0]!.range.size, 4096n);
});

test("32 bits: down to protected mode without paging, with a GDT of its own", { skip }, () => {
  const start = {
    cpu: "i386",
    address: 0x100000n,
    registers: { eax: 0x36d7_6289n, ebx: 0x8000n },
    words: [{ address: 0x413, value: 636 }],
  } as const;
  const expected = assemble(`
	.set	AT, 0x70000000
	.code64
start:	cld
	lgdt	gdtr(%rip)
	ljmp	*target(%rip)
	nop
	nop
	.code32
narrow:	mov	$0x18, %eax
	mov	%eax, %ds
	mov	%eax, %es
	mov	%eax, %ss
	mov	%eax, %fs
	mov	%eax, %gs
	mov	$AT + 0x1000, %esp	# the end of its page
	mov	%cr0, %eax
	and	$0x7fffffff, %eax	# PG
	mov	%eax, %cr0
	mov	$0xc0000080, %ecx	# EFER
	rdmsr
	and	$0xfffffeff, %eax	# LME
	wrmsr
	xor	%eax, %eax
	mov	%eax, %cr4
	xor	%ebp, %ebp
	movw	$636, 0x413
	mov	$0x36d76289, %eax
	mov	$0, %ecx
	mov	$0, %edx
	mov	$0x8000, %ebx
	mov	$0, %esi
	mov	$0, %edi
	push	$0x100000
	ret
	.org	0xa0
gdt:	.quad	0, 0
	.quad	0x00cf9b000000ffff	# 0x10: code, 4 GiB, 32 bits
	.quad	0x00cf93000000ffff	# 0x18: data, the same
gdtr:	.word	0x1f
	.quad	AT + (gdt - start)
target:	.long	AT + (narrow - start)
	.word	0x10
`);
  assert.deepEqual(startCode(start, 0x7000_0000n), expected);
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
