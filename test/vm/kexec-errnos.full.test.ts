/** The kernel's refusals, provoked for real: each errno of the man pages that can be, and the sentence that goes with it. */

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { bundle } from "../../initramfs/build.ts";
import { cpioDirectory, cpioFile } from "../../src/binary/cpio.ts";
import { initramfsWith, inside, menuReady } from "./baton.ts";
import { ROOT } from "./host.ts";
import { withMachine } from "./machine.ts";
import { KERNEL } from "./payload.ts";

/** Case, errno, sentence. */
const EXPECTED: readonly (readonly [name: string, errno: string, sentence: RegExp])[] = [
  ["file, closed", "EBADF", /kernel's file or its initrd's was closed/],
  ["file, initrd closed", "EBADF", /kernel's file or its initrd's was closed/],
  ["file, text", "ENOEXEC", /doesn't know this kind of file as a kernel/],
  ["file, empty", "EINVAL", /kernel file is empty/],
  ["file, folder", "EINVAL", /refuses what it was given/],
  ["file, flags", "EINVAL", /knows no such flags \(0x80\)/],
  ["file, command line", "EINVAL", /command line has 2500 bytes, and this kernel takes 2016/],
  ["file, crash", "EADDRNOTAVAIL", /memory that is kept for a crash kernel is too small for it, or none is kept/],
  ["file, larger than memory", "ENOMEM", /not enough free memory .* 3072 MiB/],
  ["file, written", "ETXTBSY", /being written to by another program/],
  ["file, kernel", "none", /taken/],
  ["segments, flags", "EINVAL", /knows no such flags \(0x40\)/],
  ["segments, another architecture", "EINVAL", /another architecture's \(KEXEC_ARCH_AARCH64\)/],
  ["segments, context", "EINVAL", /built without CONFIG_KEXEC_JUMP/],
  ["segments, crash", "EADDRNOTAVAIL", /outside of the memory that is kept for a crash kernel/],
  [
    "segments, over half of memory",
    "EINVAL",
    /segments take 1200 MiB; the kernel takes no more than half of the memory/,
  ],
  ["segments, seventeen", "EINVAL", /has 17 segments, and the kernel takes 16/],
  ["segments, overlapping", "EINVAL", /segments that overlap/],
  ["segments, half a page", "EADDRNOTAVAIL", /doesn't begin or end at a page/],
  ["segments, unreadable", "EFAULT", /could not read a segment/],
  ["segments, taken", "none", /taken/],
  ["busy", "EBUSY", /Another load of a kernel is going on right now/],
  ["jump, nothing loaded", "EINVAL", /No kernel is loaded to jump into/],
  ["switched off", "EPERM", /switched off on this system \(sysctl kernel.kexec_load_disabled=1\)/],
  ["not root", "EPERM", /Only root may load a kernel/],
  ["not root, file", "EPERM", /Only root may load a kernel/],
  ["not root, jump", "EPERM", /Only root may start another kernel/],
];

test("each refusal of the kernel comes with its errno and its own sentence", async () => {
  const { code } = await bundle(join(ROOT, "test/vm/programs/kexec-errnos.ts"));
  const shell = "while :; do setsid sh -i </dev/ttyS1 >/dev/ttyS1 2>&1; done";
  const wait = "while ! [ -c /dev/ttyS1 ]; do /bin/busybox sleep 0.1; done";
  const initrd = await initramfsWith("baton-errnos", `(${wait}; ${shell}) &`, [
    cpioDirectory("usr"),
    cpioDirectory("usr/lib"),
    cpioDirectory("usr/lib/baton"),
    // koffi.node lies beside it.
    cpioFile("usr/lib/baton/errnos.cjs", Buffer.from(code), 0o644),
    cpioFile("vmlinuz", await readFile(KERNEL), 0o644),
  ]);
  const machine = {
    kernel: KERNEL,
    initrd,
    cmdline: "console=ttyS0 quiet baton.timeout=-1",
    secondSerial: true,
  } as const;
  await withMachine({ name: "kexec-errnos", ...machine }, async (vm) => {
    await menuReady(vm);
    const said = await inside(vm, "node /usr/lib/baton/errnos.cjs /vmlinuz");
    const cases = new Map([...said.matchAll(/^case (.*?): (\w+): (.*?)\r?$/gm)].map((found) => [found[1], found]));
    for (const [name, errno, sentence] of EXPECTED) {
      const [, , gotErrno, gotSentence = ""] = cases.get(name) ?? [];
      assert.equal(gotErrno, errno, `${name}: ${gotSentence}\n${said}`);
      assert.match(gotSentence, sentence, name);
    }
    assert.match(said, /cases: all/);
  });
});
