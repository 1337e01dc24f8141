/** A crash kernel, entered by a real panic, up to a userland that has /proc/vmcore. */

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { archive } from "./archive.ts";
import { inside, menuReady, withBaton } from "./baton.ts";
import { diskImage } from "./disks.ts";
import { unpackedKernel } from "./images.ts";
import { initrdFile, KERNEL, userlandFiles } from "./payload.ts";

/** The core's header is an ELF one, and the memory of the kernel that panicked can be read through it. */
const REPORT = `
say() { echo "crash: $*"; }
say "vmcore: $(busybox stat -c %s /proc/vmcore)"
say "magic: $(busybox od -An -tx1 -N 4 /proc/vmcore)"
say "version: $(busybox dd if=/proc/vmcore bs=4096 count=64 2>/dev/null | busybox strings | busybox grep OSRELEASE)"
say "memory: $(busybox awk '/^MemTotal/ { print int($2 / 1024) }' /proc/meminfo)"
say end
busybox poweroff -f
`;

async function crashDisk(): Promise<string> {
  const initrd = await initrdFile("crash", archive(await userlandFiles(REPORT)));
  return diskImage({
    name: "kexec-crash",
    scheme: "gpt",
    partitions: [
      {
        type: "ext4",
        sizeMiB: 160,
        files: {
          "/vmlinuz": { host: KERNEL },
          "/vmlinux": await unpackedKernel(await readFile(KERNEL)),
          "/initrd.img": { host: initrd },
        },
      },
    ],
  });
}

/** Loads a file of the disk as the crash kernel, panics, and reads what the crash kernel finds. */
export async function crashInto(kernel: "vmlinuz" | "vmlinux", call: "kexec_load" | "kexec_file_load"): Promise<void> {
  const option = call === "kexec_load" ? "-c" : "-s";
  const disks = [{ image: await crashDisk(), attach: "virtio" }] as const;
  const words = "baton.timeout=-1 crashkernel=224M";
  await withBaton({ name: `crash-${call}-${kernel}`, words, shell: true, disks }, async (machine) => {
    await machine.serial.waitFor(/baton: start/, { timeoutMs: 300_000 });
    await menuReady(machine).catch(() => null);
    await inside(machine, "mkdir -p /mnt; mount -o ro,noload /dev/vda1 /mnt");
    const cmdline = "console=ttyS0 quiet maxcpus=1 irqpoll reset_devices";
    const load = `kexec ${option} -d -p /mnt/${kernel} --initrd=/mnt/initrd.img --append='${cmdline}'`;
    const said = await inside(machine, `${load}; echo "exit $?"; cat /sys/kernel/kexec_crash_loaded`);
    assert.match(said, /exit 0\s+1$/, said);
    machine.serial2!.write("umount /mnt; echo c >/proc/sysrq-trigger\n");
    const { match } = await machine.serial.waitFor(/payload: begin([\s\S]*?)crash: end/, { timeoutMs: 300_000 });
    const report = match[1]!;
    assert.match(report, /crash: magic: *7f 45 4c 46/);
    assert.ok(Number(/crash: vmcore: (\d+)/.exec(report)?.[1]) > 1 << 30, report);
    assert.match(report, /crash: version: OSRELEASE=6\./);
    assert.ok(Number(/crash: memory: (\d+)/.exec(report)?.[1]) < 224, report);
    await machine.ended;
  });
}
