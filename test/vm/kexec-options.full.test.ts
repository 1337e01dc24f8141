/** Many more command lines of kexec(8), each given to Debian's kexec-tools 2.0.25 and to ours in the same machine. */

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { initramfsWith, inside, menuReady } from "./baton.ts";
import { diskImage } from "./disks.ts";
import { KEXEC_TOOLS, kexecTools } from "./kexectools.ts";
import { withMachine } from "./machine.ts";
import { expectBooted, KERNEL, payload } from "./payload.ts";

const K = "/mnt/vmlinuz";
/** A command line that no kernel takes. */
const LONG = "$(cat /mnt/long)";

/** Arguments after which both must end with the same exit code, and have loaded the same, whatever that is. */
const SAME: readonly string[] = [
  ...["", "-x", "-d", "-V", "--version", "--help more", "--statu", "--s", "--load-p", "--append", "-t", "--entry=zz"],
  ...["-c -l", "-s -l", "-a -l", "-c -f", "-l -e", "-S -p", "-S -u", "-S more", "-l -S", "-u -S"],
  ...["-e more", "-p -u", "-p -u -s", "-u -a", "-u more", `-u ${K}`, `-u -c -l ${K}`, `-c -l ${K} -u`],
  ...["-c -f /mnt/missing", "-s -f /mnt/missing", "-c -l /mnt", "-s -l /mnt", "-c -l /dev/null", "-s -l /dev/null"],
  ...["-c -l /mnt/empty", "-s -l /mnt/empty", "-s -l /mnt/cut"],
  ...[`-s -l -t bzImage64 ${K}`, `-c -t bzImage -l ${K}`, `-c --entry-32bit -l ${K}`, `-c --noefi -l ${K}`],
  ...[`-i -cl ${K}`, `-sl ${K}`, `-al ${K}`, `--no-checks --load --kexec-syscall ${K}`, `-c -l -- ${K}`],
  ...[`-c -l ${K} --initrd=/mnt/missing`, `-s -l ${K} --initrd=/mnt/missing`, `-a -l ${K} --initrd=/mnt/missing`],
  ...[`-c -l ${K} --initrd=/mnt/empty`, `-s -l ${K} --initrd=/mnt/empty`],
  ...[`-c -l ${K} --append=${LONG}`, `-s -l ${K} --append=${LONG}`, `-a -l ${K} --append=${LONG}`],
  ...[`-c -l ${K} --reuse-cmdline --append=x`, `-c -l ${K} --command-line=x`, `-c -l ${K} --ramdisk=/mnt/initrd.img`],
  ...[`--mem-max=0x100000 -c -l ${K}`, `--mem-min=0x7fffffff0000 -c -l ${K}`, `--mem-min=0x4000000 -c -l ${K}`],
  ...["--load-jump-back-helper", "--load-jump-back-helper --entry=0x1000", "-s --load-jump-back-helper --entry=1"],
  ...["-c -l /bin/busybox", "-c --args-none -l /bin/busybox", "-s -l /bin/busybox", "-s -p /bin/busybox"],
  ...["--load-live-update x", "--exec-live-update", `--reuseinitrd -l ${K}`, `-s --load-preserve-context ${K}`],
];

test("whatever options are given, kexec ends with kexec-tools' exit code, and has loaded what that has", async () => {
  const system = await payload("kexec-command");
  const files = {
    "/vmlinuz": { host: KERNEL },
    "/initrd.img": { host: system.file },
    "/empty": "",
    "/long": "x".repeat(3000),
    "/cut": (await readFile(KERNEL)).subarray(0, 300_000),
  };
  const image = await diskImage({
    name: "kexec-options",
    scheme: "none",
    partitions: [{ type: "ext4", sizeMiB: 64, files }],
  });
  const shell = "while :; do setsid sh -i </dev/ttyS1 >/dev/ttyS1 2>&1; done";
  const wait = "while ! [ -c /dev/ttyS1 ]; do /bin/busybox sleep 0.1; done";
  const initrd = await initramfsWith("baton-kexec-command", `(${wait}; ${shell}) &`, await kexecTools());
  const cmdline = "console=ttyS0 quiet baton.timeout=-1 baton.stage=no";
  const options = { kernel: KERNEL, initrd, cmdline, secondSerial: true };
  const disks = [{ image, attach: "virtio" }] as const;
  await withMachine({ name: "kexec-options", ...options, disks }, async (machine) => {
    await menuReady(machine);
    await inside(machine, "mkdir /mnt; mount -o ro,noload /dev/vda /mnt; stty -echo");
    const outcome = async (program: string, args: string): Promise<string> => {
      const said = await inside(
        machine,
        `${KEXEC_TOOLS} -u; ${program} ${args} >/tmp/said 2>&1; echo "exit $?, loaded $(cat /sys/kernel/kexec_loaded)"; cat /tmp/said; echo`,
      );
      return said;
    };
    const differing: string[] = [];
    for (const args of SAME) {
      const [theirs, ours] = [await outcome(KEXEC_TOOLS, args), await outcome("kexec", args)];
      const first = (text: string) => text.split("\n")[0]!.trim();
      if (first(theirs) !== first(ours)) differing.push(`kexec ${args.slice(0, 200)}\n${theirs}\n--- ours:\n${ours}`);
    }
    assert.deepEqual(differing, [], "differing outcomes");
    for (const call of ["-c", "-s"])
      assert.match(await outcome("kexec", `${call} -l /bin/busybox`), /It is a program, no kernel/);
    // What kexec-tools loads although it can't start.
    const cut = await outcome("kexec", "-c -l /mnt/cut");
    assert.match(cut, /^exit 255, loaded 0/);
    assert.match(cut, /cut short: its header says/);

    // Through the digest and in 32-bit mode: the longest way there is.
    const load = `kexec -c --entry-32bit -l ${K} --initrd=/mnt/initrd.img --append='console=ttyS0 quiet'`;
    assert.match(await inside(machine, `${load}; echo "exit $?"`), /exit 0$/);
    machine.serial2!.write("kexec -e\n");
    await expectBooted(machine, { cmdline: "console=ttyS0 quiet", initrds: [system] });
  });
});
