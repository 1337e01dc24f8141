/**
 * The trampoline: the first instructions after the jump. It puts the processor into the state that the new kernel's boot
 * protocol demands, and jumps to the kernel.
 *
 * Before it runs, the old kernel (arch/x86/kernel/relocate_kernel_64.S) has moved all segments to their places, turned
 * interrupts off, and switched to page tables that map memory to itself; its GDT and IDT are gone. Those page tables may
 * lie in memory that the new kernel writes to before it has its own. A kernel for 64 bits therefore gets tables of
 * Baton's, within a segment (pagetables.ts).
 */

import { BatonError } from "../errors.ts";
import type { Start } from "../images/segment.ts";
import type { Memory } from "./memory.ts";
import { FOUR_LEVELS_AT, identityTables } from "./pagetables.ts";
import { Range } from "./ranges.ts";

/** One page: code at its start, the stack for the switch to 32-bit mode at its end. */
const SIZE = 4096;

/**
 * Puts the trampoline for a start into memory.
 * @returns the entry for kexec_load
 * @throws BatonError `refused` where there is no room, or where a 32-bit address is needed and isn't one
 */
export function addStart(memory: Memory, start: Start): bigint {
  const { content, address, tables } = addCodePage(memory, start, "trampoline");
  startCode(start, address, { tables }).copy(content);
  return address;
}

/** Page tables that the trampoline's own page adds at most: where nothing else lies near it, or it crosses a border. */
const MAX_OWN_TABLES = 3;

/**
 * Puts an empty page for code into memory, and behind it the page tables that a kernel for 64 bits is entered with. All
 * other segments must be in memory already, since the tables map them.
 * @returns the bytes that are loaded, of which the caller fills the first page; the tables' address, null where there are
 *   none
 */
export function addCodePage(
  memory: Memory,
  start: Start,
  name: string,
): { content: Buffer; address: bigint; tables: bigint | null } {
  const withTables = start.cpu === "x86_64" && !memory.wholeRooms;
  const reads = (start.reads ?? []).map((span) => Range.ofSize(span.start, span.size));
  const mapped = [...memory.taken, ...reads];
  const tablesSize = withTables ? identityTables(mapped, 0n).length + MAX_OWN_TABLES * SIZE : 0;
  const content = Buffer.alloc(SIZE + tablesSize);
  // 32-bit code must lie below 4 GiB.
  const limit = start.cpu === "i386" ? { maximum: 0xffff_ffffn } : {};
  const address = memory.add(content, { name, fromTop: true, ...limit });
  if (!withTables) return { content, address, tables: null };
  const tables = address + BigInt(SIZE);
  identityTables([...mapped, Range.ofSize(address, BigInt(content.length))], tables).copy(content, SIZE);
  return { content, address, tables };
}

export interface CodePlace {
  /** Bytes from the first one on that are the code's own; the stack for the switch to 32-bit mode is at their end. */
  readonly room?: number;
  /** Address of the page tables that a kernel for 64 bits gets; null keeps the old kernel's. */
  readonly tables?: bigint | null;
}

/**
 * The trampoline's bytes.
 * @param at physical address of its first byte
 */
export function startCode(start: Start, at: bigint, { room = SIZE, tables = null }: CodePlace = {}): Buffer {
  switch (start.cpu) {
    case "x86_64":
      return start64(start, tables);
    case "i386":
      return start32(start, at, room);
    case "aarch64":
      return startArm64(start);
  }
}

/** Numbers of the registers in an instruction. */
const REGISTERS: Readonly<Record<string, number>> = { ax: 0, cx: 1, dx: 2, bx: 3, si: 6, di: 7 };

/** The value of each register, by its number; registers that the image's loader doesn't name are 0. */
function registerValues({ registers }: Start, prefix: string): [number: number, value: bigint][] {
  const known = new Set(Object.keys(REGISTERS).map((name) => prefix + name));
  const unknown = Object.keys(registers).find((name) => !known.has(name));
  if (unknown !== undefined) throw new BatonError("usage", `the trampoline can't set the register ${unknown}`);
  return Object.entries(REGISTERS).map(([name, number]) => [number, registers[prefix + name] ?? 0n]);
}

/**
 * With page tables:
 *
 *     0f 20 e0          mov %cr4, %rax
 *     0f ba e0 0c       bt $12, %eax                LA57: five levels
 *     48 b8    imm64    movabs $four, %rax
 *     73 06             jnc 1f
 *     48 2d 00 10 00 00 sub $0x1000, %rax           five levels' top table is a page before
 *     0f 22 d8       1: mov %rax, %cr3
 *
 * For each range to be cleared:
 *
 *     fc                cld
 *     48 bf    imm64    movabs $start, %rdi
 *     48 b9    imm64    movabs $size / 8, %rcx
 *     31 c0             xor %eax, %eax
 *     f3 48 ab          rep stosq
 *
 * and then:
 *
 *     48 b8+r  imm64    movabs $value, %reg         rax, rcx, rdx, rbx, rsi, rdi
 *     49 bb    imm64    movabs $address, %r11
 *     31 ed             xor %ebp, %ebp
 *     fc                cld
 *     41 ff e3          jmp *%r11
 */
function start64(start: Start, tables: bigint | null): Buffer {
  const four = tables === null ? 0n : tables + BigInt(FOUR_LEVELS_AT);
  const pages =
    tables === null
      ? []
      : bytes(
          [0x0f, 0x20, 0xe0, 0x0f, 0xba, 0xe0, 0x0c, 0x48, 0xb8],
          quad(four),
          [0x73, 0x06, 0x48, 0x2d],
          long(FOUR_LEVELS_AT),
          [0x0f, 0x22, 0xd8],
        );
  const loads = registerValues(start, "r").map(([number, value]) => bytes([0x48, 0xb8 + number], quad(value)));
  const clears = (start.clear ?? []).map(({ start: from, size }) =>
    bytes([0xfc, 0x48, 0xbf], quad(from), [0x48, 0xb9], quad(size / 8n), [0x31, 0xc0, 0xf3, 0x48, 0xab]),
  );
  return bytes(pages, ...clears, ...loads, [0x49, 0xbb], quad(start.address), [0x31, 0xed, 0xfc, 0x41, 0xff, 0xe3]);
}

const CODE32 = 0x10;
const DATA32 = 0x18;

/**
 * Switches to 32-bit mode without paging, by way of compatibility mode (a 32-bit code segment):
 *
 *     .code64
 *     00  fc                       cld
 *     01  0f 01 15  rel32          lgdt   gdtr(%rip)
 *     08  ff 2d     rel32          ljmp   *target(%rip)      CS = 0x10, EIP = 0x10 from here
 *     0e  90 90                    nop; nop
 *     .code32
 *     10  b8 18 00 00 00           mov    $0x18, %eax
 *     15  8e d8                    mov    %eax, %ds
 *     17  8e c0                    mov    %eax, %es
 *     19  8e d0                    mov    %eax, %ss
 *     1b  8e e0                    mov    %eax, %fs
 *     1d  8e e8                    mov    %eax, %gs
 *     1f  bc  imm32                mov    $stack, %esp
 *     24  0f 20 c0                 mov    %cr0, %eax
 *     27  25 ff ff ff 7f           and    $0x7fffffff, %eax   PG off
 *     2c  0f 22 c0                 mov    %eax, %cr0
 *     2f  b9 80 00 00 c0           mov    $0xc0000080, %ecx   EFER
 *     34  0f 32                    rdmsr
 *     36  25 ff fe ff ff           and    $0xfffffeff, %eax   LME off
 *     3b  0f 30                    wrmsr
 *     3d  31 c0                    xor    %eax, %eax
 *     3f  0f 22 e0                 mov    %eax, %cr4          PAE and all else off
 *     42  31 ed                    xor    %ebp, %ebp
 *     44  66 c7 05 addr32 imm16    movw   $value, address     for each word; none or few
 *         b8+r  imm32              mov    $value, %reg        eax, ecx, edx, ebx, esi, edi
 *         68  imm32                push   $address
 *         c3                       ret
 *     a0  gdt: null, null, code (base 0, 4 GiB, 32 bits), data (the same)
 *     c0  gdtr: limit 0x1f, address of gdt
 *     ca  target: offset 0x10, selector 0x10
 */
function start32(start: Start, at: bigint, room: number): Buffer {
  const limit = 0xffff_ffffn;
  const values = registerValues(start, "e");
  if (at + BigInt(room) > limit || start.address > limit || values.some(([, value]) => value > limit)) {
    throw new BatonError(
      "refused",
      "A kernel that is entered in 32-bit mode must lie below 4 GiB, with all it is given.",
    );
  }
  const [gdt, gdtr, target] = [0xa0, 0xc0, 0xca];
  const code = bytes(
    [0xfc, 0x0f, 0x01, 0x15],
    long(gdtr - 0x08),
    [0xff, 0x2d],
    long(target - 0x0e),
    [0x90, 0x90, 0xb8],
    long(DATA32),
    [0x8e, 0xd8, 0x8e, 0xc0, 0x8e, 0xd0, 0x8e, 0xe0, 0x8e, 0xe8, 0xbc],
    long(Number(at) + room),
    [0x0f, 0x20, 0xc0, 0x25, 0xff, 0xff, 0xff, 0x7f, 0x0f, 0x22, 0xc0],
    [0xb9, 0x80, 0x00, 0x00, 0xc0, 0x0f, 0x32, 0x25, 0xff, 0xfe, 0xff, 0xff, 0x0f, 0x30],
    [0x31, 0xc0, 0x0f, 0x22, 0xe0, 0x31, 0xed],
    ...(start.words ?? []).map(({ address, value }) =>
      bytes([0x66, 0xc7, 0x05], long(address), [value & 0xff, value >> 8]),
    ),
    ...values.map(([number, value]) => bytes([0xb8 + number], long(Number(value)))),
    [0x68],
    long(Number(start.address)),
    [0xc3],
  );
  if (code.length > gdt) throw new BatonError("usage", "the trampoline has no room for so many words");
  const whole = Buffer.alloc(target + 6);
  code.copy(whole);
  // Accessed, present, ring 0; 4 KiB granularity, 32 bits.
  whole.writeBigUInt64LE(0x00cf_9b00_0000_ffffn, gdt + CODE32);
  whole.writeBigUInt64LE(0x00cf_9300_0000_ffffn, gdt + DATA32);
  whole.writeUInt16LE(0x1f, gdtr);
  whole.writeBigUInt64LE(at + BigInt(gdt), gdtr + 2);
  whole.writeUInt32LE(Number(at) + 0x10, target);
  whole.writeUInt16LE(CODE32, target + 4);
  return whole;
}

/**
 *     00  580000d1   ldr x17, 0x18
 *     04  580000e0   ldr x0, 0x20
 *     08  aa1f03e1   mov x1, xzr
 *     0c  aa1f03e2   mov x2, xzr
 *     10  aa1f03e3   mov x3, xzr
 *     14  d61f0220   br  x17
 *     18  the kernel's first instruction
 *     20  the devicetree
 */
function startArm64(start: Start): Buffer {
  const code = [0x580000d1, 0x580000e0, 0xaa1f03e1, 0xaa1f03e2, 0xaa1f03e3, 0xd61f0220];
  return bytes(...code.map(long), quad(start.address), quad(start.registers.x0 ?? 0n));
}

function bytes(...parts: readonly (readonly number[] | Uint8Array)[]): Buffer {
  return Buffer.concat(parts.map((part) => Buffer.from(part)));
}

function long(value: number): Buffer {
  const buffer = Buffer.alloc(4);
  buffer.writeUInt32LE(value >>> 0);
  return buffer;
}

function quad(value: bigint): Buffer {
  const buffer = Buffer.alloc(8);
  buffer.writeBigUInt64LE(value);
  return buffer;
}
