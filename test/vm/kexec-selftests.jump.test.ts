/**
 * The kernel's own selftests of kexec (tools/testing/selftests/kexec), with `kexec` ours, under Secure Boot, where they
 * expect something. They come with the source that `npm run test:jump` needs anyway.
 */

import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { before, test } from "node:test";
import { debianPackages } from "../../initramfs/debian.ts";
import { cpioDirectory, cpioFile } from "../../src/binary/cpio.ts";
import { initramfsWith, inside } from "./baton.ts";
import { kernelSource } from "./jumpkernel.ts";
import { withMachine } from "./machine.ts";
import { imageKernel, imageSuite, KERNEL } from "./payload.ts";
import { signed, withoutSignature } from "./signing.ts";

const FOLDER = "tools/testing/selftests/kexec";
const SCRIPTS = ["kexec_common_lib.sh", "test_kexec_load.sh", "test_kexec_file_load.sh"];

let source = "";
before(async () => {
  source = await kernelSource();
});

test("kexec_load is refused under Secure Boot, kexec_file_load takes the signed kernel and refuses the unsigned one", async () => {
  const { release } = await imageKernel();
  const { root } = await debianPackages([`linux-image-${release}`], { suite: imageSuite() });
  const config = (await readdir(join(root, "boot"))).find((name) => name.startsWith("config-"))!;
  const unsigned = withoutSignature(await readFile(KERNEL));
  const own = await signed(unsigned, "owner");
  const script = (text: string) => Buffer.from(`#!/bin/sh\n${text}\n`);
  const entries = [
    cpioDirectory("selftests"),
    cpioDirectory("bin"),
    ...(await Promise.all(
      SCRIPTS.map(async (name) => {
        const text = await readFile(join(source, FOLDER, name), "latin1");
        // busybox's shell prefers its own hexdump, which takes their format '/1 "%d\\ "' another way.
        return cpioFile(
          `selftests/${name}`,
          Buffer.from(text.replaceAll("$(hexdump ", "$(/bin/hexdump "), "latin1"),
          0o755,
        );
      }),
    )),
    cpioFile("selftests/config", await readFile(join(root, "boot", config)), 0o644),
    // They ask these for the kernel's configuration, its signature, and extended attributes.
    cpioFile("selftests/extract-ikconfig", script("cat /selftests/config"), 0o755),
    cpioFile("bin/pesign", script('grep -q "$2" /selftests/signed || echo "No signatures found."'), 0o755),
    cpioFile("bin/getfattr", script("exit 1"), 0o755),
    cpioFile("bin/hexdump", script('set -- $(busybox od -An -v -tu1 "$4"); echo "$@"'), 0o755),
    cpioFile("selftests/own", await readFile(own), 0o644),
    cpioFile("selftests/unsigned", unsigned, 0o644),
  ];
  const shell = "while :; do setsid sh -i </dev/ttyS1 >/dev/ttyS1 2>&1; done";
  const wait = "while ! [ -c /dev/ttyS1 ]; do /bin/busybox sleep 0.1; done";
  const initrd = await initramfsWith("baton-selftests", `(${wait}; ${shell}) &`, entries);
  const machine = { kernel: own, initrd, cmdline: "console=ttyS0 quiet baton.timeout=-1", secondSerial: true } as const;
  await withMachine({ name: "kexec-selftests", firmware: "secureboot", memoryMiB: 3072, ...machine }, async (vm) => {
    await vm.serial.waitFor(/baton: menu ready/, { timeoutMs: 400_000 });
    const prepare = [
      "stty -echo; cd /selftests; r=$(uname -r); k=/boot/vmlinuz-$r",
      "mkdir -p /boot /lib/modules/$r/source/scripts; cp extract-ikconfig /lib/modules/$r/source/scripts/",
      "e=/sys/firmware/efi/efivars; grep -q $e /proc/mounts || { modprobe efivarfs; mount -t efivarfs efivarfs $e; }",
      "echo /boot/vmlinuz-$r >signed",
    ];
    await inside(vm, prepare.join("; "));
    const run = (words: string): Promise<string> => inside(vm, `${words}; echo "exit $?"`);
    // Made for a kexec whose -l is kexec_load, as kexec-tools' was before 2.0.26.
    const load = await run("cp own $k; BATON_KEXEC_SYSCALL=c ./test_kexec_load.sh");
    assert.match(load, /secure boot mode enabled[\s\S]*kexec_load failed \[PASS\]\s+exit 0/);
    const file = await run("./test_kexec_file_load.sh");
    assert.match(file, /kexec_file_load succeeded \[PASS\]\s+exit 0/);
    const missing = await run("cp unsigned $k; >signed; ./test_kexec_file_load.sh");
    assert.match(missing, /kexec_file_load failed \(missing PE sig\) \[PASS\]\s+exit 0/);
  });
});
