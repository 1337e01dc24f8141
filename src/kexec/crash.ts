/**
 * What a crash kernel is told beside what every kernel is told: where the memory and the registers of the one that
 * panicked are (an ELF core header, from which it makes /proc/vmcore), and that it may use nothing but what was kept for
 * it (Documentation/admin-guide/kdump/kdump.rst). As arch/x86/kernel/crash.c does for kexec_file_load.
 *
 * The first MiB is the crash kernel's too: kernels since 5.5 keep off it where crashkernel= is given.
 */

import { open, readdir, readFile } from "node:fs/promises";
import { BatonError, describeError } from "../errors.ts";
import type { SegmentMemory } from "../images/segment.ts";
import { E820, type E820Entry } from "../images/x86boot.ts";
import { Range, Ranges } from "./ranges.ts";

const LOW_MEMORY = new Range(0n, 0x100000n);
const PT_LOAD = 1;
const PT_NOTE = 4;
const EHDR_SIZE = 64;
const PHDR_SIZE = 56;
/** Linux' own text mapping begins here; /proc/kcore's other ranges are the direct mapping. */
const TEXT_MAP = 0xffff_ffff_8000_0000n;

/** A note in the memory of this kernel: registers of a processor, or what names its structures. */
interface Note {
  readonly address: bigint;
  readonly size: bigint;
}

interface CrashFacts {
  /** One for each processor, then the kernel's own (VMCOREINFO). */
  readonly notes: readonly Note[];
  /** All RAM, whatever it is used for. */
  readonly ram: Ranges;
  /** What is kept for the crash kernel. */
  readonly crash: Ranges;
  /** RAM that isn't for it, tables and reservations. */
  readonly others: readonly E820Entry[];
  /** The kernel's text: virtual address, physical address, bytes; null where that is hidden. */
  readonly text: { readonly virtual: bigint; readonly physical: bigint; readonly size: bigint } | null;
  /** Where the direct mapping begins; 0 where that is hidden. */
  readonly pageOffset: bigint;
}

/** Names of /proc/iomem that the crash kernel must know of, besides RAM. */
const TABLES: Readonly<Record<string, number>> = {
  "ACPI Tables": E820.acpi,
  "ACPI Non-volatile Storage": E820.nvs,
  Reserved: E820.reserved,
};

/** The parts of {@link CrashFacts} that /proc/iomem tells. */
function parseCrashMap(iomem: string): Pick<CrashFacts, "ram" | "crash" | "others"> & { code: Range | null } {
  const ram: Range[] = [];
  const crash: Range[] = [];
  const others: E820Entry[] = [];
  let code: Range | null = null;
  for (const line of iomem.split("\n")) {
    const found = /^( *)([0-9a-f]+)-([0-9a-f]+) : (.*)$/.exec(line);
    if (found === null) continue;
    const range = new Range(BigInt(`0x${found[2]}`), BigInt(`0x${found[3]}`) + 1n);
    const name = found[4]!.trim();
    const type = TABLES[name];
    if (name === "Crash kernel") crash.push(range);
    else if (name === "Kernel code") code = range;
    else if (found[1] !== "") continue;
    else if (name === "System RAM") ram.push(range);
    else if (type !== undefined) others.push({ start: range.start, size: range.size, type });
  }
  return { ram: new Ranges(ram), crash: new Ranges(crash), others, code };
}

/**
 * Reads this machine's facts.
 * @throws BatonError `unsupported` where the kernel doesn't show where its notes are
 */
export async function readCrashFacts(): Promise<CrashFacts> {
  const map = parseCrashMap(await readFile("/proc/iomem", "latin1"));
  const { code, ...ranges } = map;
  const symbols = await readSymbols();
  const [first, end] = [symbols.get("_text"), symbols.get("_end")];
  const text =
    code === null || !first || !end || end <= first
      ? null
      : { virtual: first, physical: code.start, size: end - first };
  return { ...ranges, text, notes: await readNotes(), pageOffset: await readPageOffset() };
}

async function readNotes(): Promise<Note[]> {
  const folder = "/sys/devices/system/cpu";
  const read = async (path: string): Promise<string> => (await readFile(path, "latin1")).trim();
  try {
    const names = (await readdir(folder)).filter((name) => /^cpu\d+$/.test(name));
    names.sort((a, b) => Number(a.slice(3)) - Number(b.slice(3)));
    const notes: Note[] = [];
    for (const name of names) {
      const address = await read(`${folder}/${name}/crash_notes`).catch(() => null);
      // A processor that isn't there has none.
      if (address === null) continue;
      const size = BigInt(await read(`${folder}/${name}/crash_notes_size`));
      notes.push({ address: BigInt(`0x${address.replace(/^0x/, "")}`), size });
    }
    const [address, size] = (await read("/sys/kernel/vmcoreinfo")).split(/\s+/);
    const hex = (digits: string | undefined): bigint => BigInt(`0x${(digits ?? "").replace(/^0x/, "")}`);
    notes.push({ address: hex(address), size: hex(size) });
    return notes;
  } catch (cause) {
    throw new BatonError(
      "unsupported",
      `This kernel doesn't say where a crash would leave its traces, so no crash kernel could read them: ${describeError(cause)}`,
      { cause },
    );
  }
}

async function readSymbols(): Promise<Map<string, bigint>> {
  const text = await readFile("/proc/kallsyms", "latin1").catch(() => "");
  const found = text.matchAll(/^([0-9a-f]{16}) \w (_text|_end)$/gm);
  return new Map([...found].map(([, address, name]) => [name!, BigInt(`0x${address}`)]));
}

/** From the program headers of /proc/kcore. */
async function readPageOffset(): Promise<bigint> {
  const file = await open("/proc/kcore", "r").catch(() => null);
  if (file === null) return 0n;
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(8192), 0, 8192, 0);
    const count = bytesRead < EHDR_SIZE ? 0 : buffer.readUInt16LE(56);
    for (let index = 0; index < count && EHDR_SIZE + (index + 1) * PHDR_SIZE <= bytesRead; index++) {
      const at = EHDR_SIZE + index * PHDR_SIZE;
      const [virtual, physical] = [buffer.readBigUInt64LE(at + 16), buffer.readBigUInt64LE(at + 24)];
      const known = buffer.readUInt32LE(at) === PT_LOAD && physical < 1n << 52n;
      if (known && virtual < TEXT_MAP && virtual > physical) return virtual - physical;
    }
    return 0n;
  } catch {
    return 0n;
  } finally {
    await file.close();
  }
}

/** The ELF core header: notes, then the kernel's text, then all RAM but the crash kernel's own and the first MiB. */
function coreHeader(facts: CrashFacts): Buffer {
  const rows: { type: number; physical: bigint; virtual: bigint; size: bigint; flags: number; offset: bigint }[] = [];
  for (const { address, size } of facts.notes) {
    rows.push({ type: PT_NOTE, physical: address, virtual: 0n, size, flags: 0, offset: address });
  }
  if (facts.text !== null) {
    const { physical, virtual, size } = facts.text;
    rows.push({ type: PT_LOAD, physical, virtual, size, flags: 7, offset: physical });
  }
  for (const { start, size } of facts.ram.minus([LOW_MEMORY, ...facts.crash])) {
    rows.push({ type: PT_LOAD, physical: start, virtual: start + facts.pageOffset, size, flags: 7, offset: start });
  }
  const bytes = Buffer.alloc(EHDR_SIZE + rows.length * PHDR_SIZE);
  // 64 bits, little-endian, version 1; a core file for x86-64.
  bytes.writeUInt32BE(0x7f454c46, 0);
  bytes.set([2, 1, 1], 4);
  bytes.writeUInt16LE(4, 16);
  bytes.writeUInt16LE(62, 18);
  bytes.writeUInt32LE(1, 20);
  bytes.writeBigUInt64LE(BigInt(EHDR_SIZE), 32);
  bytes.writeUInt16LE(EHDR_SIZE, 52);
  bytes.writeUInt16LE(PHDR_SIZE, 54);
  bytes.writeUInt16LE(rows.length, 56);
  for (const [index, row] of rows.entries()) {
    const at = EHDR_SIZE + index * PHDR_SIZE;
    bytes.writeUInt32LE(row.type, at);
    bytes.writeUInt32LE(row.flags, at + 4);
    bytes.writeBigUInt64LE(row.offset, at + 8);
    bytes.writeBigUInt64LE(row.virtual, at + 16);
    bytes.writeBigUInt64LE(row.physical, at + 24);
    bytes.writeBigUInt64LE(row.size, at + 32);
    bytes.writeBigUInt64LE(row.size, at + 40);
  }
  return bytes;
}

/** What a crash kernel's loader needs beside the rest. */
export interface CrashLayout {
  /** The command line with the word that says where the core header is. */
  readonly cmdline: string;
  /** All memory that the crash kernel may know of. */
  readonly e820: readonly E820Entry[];
}

/**
 * Puts the core header into memory.
 * @param memory made for a crash kernel (`MemoryOptions.crash`)
 */
export function layOutCrash(facts: CrashFacts, cmdline: string, memory: SegmentMemory): CrashLayout {
  const header = coreHeader(facts);
  const address = memory.add(header, { name: "elfcorehdr", fromTop: true });
  const own = Range.ofSize(address, BigInt(header.length)).alignPage();
  const usable = facts.ram.intersect([LOW_MEMORY]).plus(facts.crash.minus([own]));
  const ram = [...usable].map(({ start, size }) => ({ start, size, type: E820.ram as number }));
  const e820 = [...ram, ...facts.others].sort((a, b) => (a.start < b.start ? -1 : 1));
  return { cmdline: `${cmdline} elfcorehdr=0x${address.toString(16)}`.trimStart(), e820 };
}
