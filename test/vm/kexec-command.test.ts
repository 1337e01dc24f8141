/** `kexec` in Baton's image beside Debian's kexec-tools 2.0.25 in the same machine. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { initramfsWith, inside } from "./baton.ts";
import { diskImage } from "./disks.ts";
import { KEXEC_TOOLS, kexecTools } from "./kexectools.ts";
import { withMachine } from "./machine.ts";
import { expectBooted, KERNEL, payload } from "./payload.ts";

const K = "/mnt/vmlinuz";
const WORDS = "console=ttyS0 quiet baton.timeout=-1 baton.stage=no";

/** Arguments for both, the exit code that both must give, and what Baton must say. */
const ALIKE: readonly (readonly [args: string, code: number, says: RegExp])[] = [
  ["-h", 0, /Usage: kexec/],
  ["-v", 0, /^kexec/],
  ["--nonsense", 1, /unrecognized option '--nonsense'\n[\s\S]*Usage: kexec/],
  ["--mem-min=zz -l x", 1, /Bad option value in --mem-min=zz/],
  ["-l --initrd", 1, /option '--initrd' requires an argument/],
  ["-e --append=x", 1, /Usage: kexec/],
  ["-e", 1, /Nothing has been loaded!/],
  ["-x -y -e", 1, /Nothing has been loaded!/],
  ["-c -l", 255, /No kernel specified/],
  ["-c -l /mnt/missing", 1, /there is no such file/],
  ["-s -l /mnt/missing", 255, /there is no such file/],
  ["-c -l /mnt/text", 255, /Cannot determine the file type of \/mnt\/text: It is not a kernel: it is text/],
  ["-s -l /mnt/text", 255, /Cannot determine the file type of \/mnt\/text/],
  [`-c -t bogus -l ${K}`, 255, /Unsupported kernel type bogus/],
  [`-c -t elf-x86_64 -l ${K}`, 255, /Wrong file type elf-x86_64, file matches type bzImage64: it is Linux 6\./],
  [`-p ${K}`, 1, /Memory for crashkernel is not reserved/],
  [`--load-preserve-context ${K}`, 1, /"--mem-max" parameter/],
  [`-c --load-preserve-context --mem-max=0x10000000 ${K}`, 255, /kexec_load failed: Invalid argument/],
  ["--print-ckr-size", 0, /^0$/m],
  ["-S", 0, /^0$/m],
  ["-S -l", 0, /^0$/m],
  [`-c -t bzImage64 -l ${K} --append=x`, 0, /^$/],
  ["-S -l", 1, /^1$/m],
  ["-S", 0, /^0$/m],
  ["-u", 0, /^$/],
  ["-S -l", 0, /^0$/m],
  [`-s -l ${K} --reuse-cmdline`, 0, /^$/],
  ["-S -l", 1, /^1$/m],
  ["-s -u", 0, /^$/],
  [`-a -l ${K} --initrd=/mnt/initrd.img`, 0, /^$/],
  ["-a -u", 0, /^$/],
  // What the kernel's own selftests (tools/testing/selftests/kexec) call, where nothing demands signatures.
  [`--load ${K} > /dev/null`, 0, /^$/],
  ["--unload", 0, /^$/],
  [`--load --kexec-file-syscall ${K}`, 0, /^$/],
  ["--unload --kexec-file-syscall", 0, /^$/],
  ["-S -l", 0, /^0$/m],
];

test("kexec ends as kexec-tools does, says why, and -e starts what -l has loaded", async () => {
  const system = await payload("kexec-command");
  const image = await diskImage({
    name: "kexec-command",
    scheme: "none",
    partitions: [
      {
        type: "ext4",
        sizeMiB: 64,
        files: {
          "/vmlinuz": { host: KERNEL },
          "/initrd.img": { host: system.file },
          "/text": "no kernel\n",
        },
      },
    ],
  });
  const shell = "while :; do setsid sh -i </dev/ttyS1 >/dev/ttyS1 2>&1; done";
  const wait = "while ! [ -c /dev/ttyS1 ]; do /bin/busybox sleep 0.1; done";
  const initrd = await initramfsWith("baton-kexec-command", `(${wait}; ${shell}) &`, await kexecTools());
  const options = { kernel: KERNEL, initrd, cmdline: WORDS, secondSerial: true };
  const disks = [{ image, attach: "virtio" }] as const;
  await withMachine({ name: "kexec-command", ...options, disks }, async (machine) => {
    await machine.serial.waitFor(/baton: menu ready/, { timeoutMs: 240_000 });
    await inside(machine, "mkdir /mnt; mount -o ro,noload /dev/vda /mnt; stty -echo");
    for (const [args, code] of ALIKE) {
      const theirs = await inside(machine, `${KEXEC_TOOLS} ${args} >/dev/null; echo "exit $?"`);
      assert.match(theirs, new RegExp(`exit ${code}$`), `kexec-tools: ${args}`);
    }
    for (const [args, code, says] of ALIKE) {
      const ours = await inside(machine, `kexec ${args}; echo "exit $?"`);
      const [, said = "", exit] = /^([\s\S]*?)\n?exit (\d+)$/.exec(ours) ?? [];
      assert.equal(Number(exit), code, `kexec ${args}: ${ours}`);
      assert.match(said.replaceAll("\r", ""), says, `kexec ${args}`);
    }
    const load = `kexec -d -c -i -l ${K} --initrd=/mnt/initrd.img --reuse-cmdline --append='one two'`;
    const said = await inside(machine, load);
    assert.match(said, /MEMORY RANGES[\s\S]*^[0-9a-f]{16}-[0-9a-f]{16} \(0\)/m);
    assert.match(said, /checksum is right, so its unpacker makes no second one/, "Debian's kernel, signed");
    assert.match(said, /nr_segments = \d+/);
    assert.match(said, /segment\[0\]\.memsz = 0x[0-9a-f]+/);
    // Its own disk, still mounted, is unmounted on the way.
    machine.serial2!.write("kexec -e\n");
    await expectBooted(machine, { cmdline: `${WORDS} one two`, initrds: [system] });
  });
});
