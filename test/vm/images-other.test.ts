/** Kernels that are no Linux: multiboot 1, Plan 9's, one that says its page tables, and Memtest86+ with either entry of a bzImage. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { debianPackages } from "../../initramfs/debian.ts";
import { assemble } from "./assemble.ts";
import { inside, menuReady, withBaton } from "./baton.ts";
import { disk, loadedBy } from "./images.ts";
import type { Machine } from "./machine.ts";
import { imageSuite } from "./payload.ts";

/** What a kernel of ours said on the serial line, from the first word to its end, by names. */
async function report(machine: Machine, first: string): Promise<Map<string, string>> {
  const { match } = await machine.serial.waitFor(new RegExp(`^${first} [\\s\\S]*?^end$`, "m"));
  const lines = match[0].split("\n").map((line) => /^(\w+) (.*?)\r?$/.exec(line.trim()) ?? []);
  return new Map(lines.map(([, name = "", value = ""]) => [name, value]));
}

/** Protected mode without paging. */
function assertProtectedMode(said: Map<string, string>): void {
  assert.equal(Number.parseInt(said.get("cr0")!, 16) & 0x80000001, 1);
}

test("a multiboot 1 kernel is entered as its specification says, and told of its modules and the memory", async () => {
  const { text } = await assemble("multiboot1", 0x200000, ["text"]);
  const commands = ["multiboot /boot/kernel one two", "module /boot/module three four"];
  const files = { "/boot/kernel": text, "/boot/module": "the module's bytes" };
  const disks = await disk("multiboot1", commands, files);
  await withBaton({ name: "images-multiboot1", words: "baton.timeout=0", disks }, async (machine) => {
    const said = await report(machine, "magic");
    assert.equal(said.get("magic"), "2badb002");
    assertProtectedMode(said);
    assert.deepEqual([said.get("cs"), said.get("ss")], ["00000010", "00000018"]);
    assert.equal(Number.parseInt(said.get("eflags")!, 16) & 0x200, 0, "interrupts are off");
    assert.equal(Number.parseInt(said.get("flags")!, 16) & 0x4d, 0x4d, "memory, command line, modules, map");
    assert.ok(Number.parseInt(said.get("upper")!, 16) > 1900 << 10);
    assert.equal(said.get("cmdline"), "<one two>");
    assert.equal(said.get("modules"), "00000001");
    assert.equal(said.get("module"), "<three four> <the module's bytes>");
    assert.match(said.get("loader")!, /^<GRUB/);
    assert.match(said.get("region")!, /type 0000000[12]$/);
    await machine.ended;
  });
});

test("a Plan 9 kernel is entered with its data where it looks for them, loaded by the command", async () => {
  const { text, data } = await assemble("plan9", 0x100020, ["text", "data"]);
  const header = Buffer.alloc(32);
  for (const [index, word] of [0x1eb, text.length, data.length, 8192, 0, 0xf0100020, 0, 0].entries())
    header.writeUInt32BE(word, index * 4);
  const disks = await disk("plan9", [], { "/9pc": Buffer.concat([header, text, data]) });
  await withBaton({ name: "images-plan9", words: "baton.timeout=-1", shell: true, disks }, async (machine) => {
    await menuReady(machine);
    await inside(machine, "mkdir -p /mnt; mount -o ro,noload /dev/vda1 /mnt");
    assert.match(await inside(machine, "kexec -c -l /mnt/9pc; echo exit $?"), /exit 0$/);
    machine.serial2!.write("kexec -e\n");
    const said = await report(machine, "data");
    assert.equal(said.get("data"), "<plan nine>");
    assert.equal(said.get("bss"), "00000000");
    assertProtectedMode(said);
    await machine.ended;
  });
});

/** An ELF file for x86-64 with one piece, at whose start it is entered. */
function elf64(address: number, text: Uint8Array): Buffer {
  const header = Buffer.alloc(4096);
  header.write("\x7fELF\x02\x01\x01", "latin1");
  for (const [at, value] of [
    [0x10, 2], // executable
    [0x12, 62], // x86-64
    [0x34, 64], // bytes of this header
    [0x36, 56], // of a program header
    [0x38, 1], // program headers
  ] as const)
    header.writeUInt16LE(value, at);
  header.writeUInt32LE(1, 0x14);
  header.writeBigUInt64LE(BigInt(address), 0x18);
  header.writeBigUInt64LE(64n, 0x20);
  header.writeUInt32LE(1, 64); // PT_LOAD
  header.writeUInt32LE(7, 68);
  const fields = [header.length, address, address, text.length, text.length, 4096];
  for (const [index, value] of fields.entries()) header.writeBigUInt64LE(BigInt(value), 72 + index * 8);
  return Buffer.concat([header, text]);
}

test("a 64-bit kernel is entered on page tables within what was loaded, which nothing that it unpacks lies over", async () => {
  const { text } = await assemble("tables", 0x1000000, ["text"]);
  const disks = await disk("tables", [], { "/kernel": elf64(0x1000000, text) });
  await withBaton({ name: "images-tables", words: "baton.timeout=-1", shell: true, disks }, async (machine) => {
    await menuReady(machine);
    await inside(machine, "mkdir -p /mnt; mount -o ro,noload /dev/vda1 /mnt");
    const loaded = await inside(machine, "kexec -c -i -d -l /mnt/kernel; echo exit $?");
    assert.match(loaded, /exit 0$/);
    const [, start, size] = /= trampoline\n.*\n.*mem {3}= (0x\w+)\n.*memsz = (0x\w+)/.exec(loaded)!;
    machine.serial2!.write("kexec -e\n");
    const tables = Number.parseInt((await report(machine, "cr3")).get("cr3")!, 16);
    assert.ok(tables > Number(start) && tables < Number(start) + Number(size), `${tables} of ${start} and ${size}`);
    await machine.ended;
  });
});

for (const [file, mode] of [
  ["memtest86+ia32.bin", "a 32-bit entry alone"],
  ["memtest86+x64.bin", "a 64-bit entry, too,"],
] as const) {
  test(`Memtest86+, a bzImage with ${mode} and one place to lie at, starts testing memory`, async () => {
    const { root } = await debianPackages(["memtest86+"], { suite: imageSuite() });
    const disks = await disk(file, ["linux /boot/memtest console=ttyS0,115200"], {
      "/boot/memtest": { host: join(root, "boot", file) },
    });
    // Before anything else it measures each cache's speed, for half a minute and more where there is a third level.
    const extra = ["-cpu", "max,l3-cache=off"];
    await withBaton({ name: `images-${file}`, words: "baton.timeout=0", disks, extra }, async (machine) => {
      await loadedBy(machine, "kexec_load");
      await machine.serial.waitForScreen(/Memtest86\+ v\d[\s\S]*Pass/);
    });
  });
}
