/**
 * KEXEC_PRESERVE_CONTEXT: a jump into other code and back again, the old system going on where it was. Needs a kernel with
 * CONFIG_KEXEC_JUMP, which is built first (`npm run test:jump`).
 */

import assert from "node:assert/strict";
import { before, test } from "node:test";
import { cpioFile } from "../../src/binary/cpio.ts";
import { initramfsWith } from "./baton.ts";
import { jumpKernel } from "./jumpkernel.ts";
import { withMachine } from "./machine.ts";

let kernel = "";
before(async () => {
  kernel = await jumpKernel((text) => console.log(`# ${text}`));
});

/**
 * What Linux before 6.14 wants of whoever it calls: it has thrown its own descriptor table away, loads segments from what
 * it finds when it is back, and finds the table again where every such kernel maps its first processor's
 * (Documentation/x86/x86_64/mm.rst, "cpu_entry_area mapping").
 */
const KERNEL_GDT = 0xffff_fe00_0000_1000n;
const GDT_LIMIT = 16 * 8 - 1;

/** A 64-bit ELF executable that says a word on the first serial line, and returns to whoever called it. */
function callee(word: string): Buffer {
  const address = 0x200_0000n;
  const says = [...word].flatMap((letter) => {
    // Wait until the line takes another byte: in $0x3fd; then out $0x3f8.
    const wait = [0x66, 0xba, 0xfd, 0x03, 0xec, 0xa8, 0x20, 0x74, 0xfb];
    return [...wait, 0x66, 0xba, 0xf8, 0x03, 0xb0, letter.charCodeAt(0), 0xee];
  });
  const table = Buffer.alloc(10);
  table.writeUInt16LE(GDT_LIMIT);
  table.writeBigUInt64LE(KERNEL_GDT, 2);
  // lgdt 1(%rip); ret
  const code = Buffer.from([...says, 0x0f, 0x01, 0x15, 1, 0, 0, 0, 0xc3, ...table]);
  const head = Buffer.alloc(4096);
  head.write("\x7fELF", 0, "latin1");
  head.set([2, 1, 1], 4);
  head.writeUInt16LE(2, 16);
  head.writeUInt16LE(62, 18);
  head.writeBigUInt64LE(address, 24);
  head.writeBigUInt64LE(64n, 32);
  head.writeUInt16LE(56, 54);
  head.writeUInt16LE(1, 56);
  head.writeUInt32LE(1, 64);
  const fields = [4096n, address, address, BigInt(code.length), BigInt(code.length)];
  for (const [index, value] of fields.entries()) head.writeBigUInt64LE(value, 72 + index * 8);
  return Buffer.concat([head, code]);
}

const SCRIPT = `
export PATH=/bin:/sbin:/usr/bin:/usr/sbin
/bin/busybox mkdir -p /proc /sys /dev /tmp
# The shell finds busybox's other programs by way of /proc.
/bin/busybox mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t devtmpfs dev /dev; mount -t tmpfs tmp /tmp
exec >/dev/console 2>&1
echo "jump: begin"
head -c 40000000 /dev/urandom >/tmp/memory; sum=$(sha256sum /tmp/memory)
(while :; do sleep 1; done) & other=$!
kexec -S -l; echo "jump: loaded $?"
kexec --load-preserve-context --mem-max=0x7ffffff -l /callee
echo "jump: load $?"
kexec -S -l; echo "jump: loaded $?"
kexec -x -y -e; echo "jump: back $?"
[ "$sum" = "$(sha256sum /tmp/memory)" ] && echo "jump: memory as it was"
kill -0 $other && echo "jump: the other process goes on"
kexec -u; kexec --load-preserve-context --mem-max=0x7ffffff -l /callee && kexec -x -y -e; echo "jump: again $?"
echo "jump: end"
while :; do sleep 1; done
`;

test("code that returns is entered, and the old system goes on behind the call, its memory and processes as they were", async () => {
  const initrd = await initramfsWith("baton-jump", SCRIPT, [cpioFile("callee", callee("<over there>"), 0o644)]);
  const cmdline = "console=ttyS0 quiet no_console_suspend";
  await withMachine({ name: "kexec-jump", kernel, initrd, cmdline, memoryMiB: 2048 }, async (machine) => {
    const { match } = await machine.serial.waitFor(/jump: begin([\s\S]*?)jump: end/, { timeoutMs: 300_000 });
    const said = match[1]!;
    assert.match(said, /jump: load 0\r?\n/, said);
    assert.match(said, /<over there>[\s\S]*jump: back 0[\s\S]*<over there>[\s\S]*jump: again 0/, said);
    assert.match(said, /jump: memory as it was/, said);
    assert.match(said, /jump: the other process goes on/, said);
  });
});
