/**
 * A kernel with CONFIG_KEXEC_JUMP, which no distribution's has, built from Debian's source of its own: as small as one can
 * be that runs Baton's image. It takes minutes, once.
 */

import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { cpus } from "node:os";
import { join } from "node:path";
import { debianPackages } from "../../initramfs/debian.ts";
import { hashOf, makeOnce } from "./disks.ts";
import { CACHE, run } from "./host.ts";

const SOURCE = "linux-source-6.1";

/** What is on; all else that may be off is. */
const OPTIONS = [
  // The machine: no bus and no firmware is needed for a serial line and memory.
  ..."64BIT TTY SERIAL_8250 SERIAL_8250_CONSOLE PRINTK EARLY_PRINTK HIGH_RES_TIMERS NO_HZ_IDLE".split(" "),
  // The initial filesystem, and those that its programs look into.
  ..."BLK_DEV_INITRD RD_GZIP RD_ZSTD DEVTMPFS TMPFS SHMEM PROC_FS PROC_SYSCTL SYSFS PROC_PAGE_MONITOR".split(" "),
  // What Node and busybox call.
  ..."BINFMT_ELF BINFMT_SCRIPT MULTIUSER FUTEX EPOLL EVENTFD SIGNALFD TIMERFD POSIX_TIMERS ADVISE_SYSCALLS".split(" "),
  ..."FILE_LOCKING INOTIFY_USER MEMFD_CREATE NET UNIX MEMBARRIER RSEQ AIO".split(" "),
  // kexec, there and back; hibernation wants swap.
  ..."KEXEC KEXEC_JUMP FIRMWARE_MEMMAP RELOCATABLE PM HIBERNATION SWAP BLOCK".split(" "),
  ..."CC_OPTIMIZE_FOR_SIZE KERNEL_GZIP UNWINDER_FRAME_POINTER".split(" "),
];
/** Without them the test can't be. */
const NEEDED = ["KEXEC_JUMP", "FIRMWARE_MEMMAP", "SERIAL_8250_CONSOLE", "RD_ZSTD", "DEVTMPFS"];

/** Debian's source of its own kernel, unpacked into the cache; never changed there. */
export async function kernelSource(): Promise<string> {
  const { root, versions } = await debianPackages([SOURCE], { suite: "bookworm" });
  const target = join(CACHE, `${SOURCE}-${versions[SOURCE]}`);
  await makeOnce(target, async (work) => {
    const tree = join(work, "linux");
    await mkdir(tree);
    await run("tar", ["-C", tree, "--strip-components=1", "-xf", join(root, "usr/src", `${SOURCE}.tar.xz`)]);
    return tree;
  });
  return target;
}

/** @returns the bzImage, in the cache */
export async function jumpKernel(say: (text: string) => void): Promise<string> {
  const source = await kernelSource();
  const config = OPTIONS.map((name) => `CONFIG_${name}=y\n`).join("");
  const target = join(CACHE, `jump-kernel-${hashOf(config, source).slice(0, 16)}`);
  await makeOnce(target, async (work) => {
    const build = join(work, "build");
    await mkdir(build);
    await writeFile(join(work, "options"), config);
    const words = ["-C", source, `O=${build}`, "-s", `-j${cpus().length}`];
    const make = (...goals: string[]) => run("make", [...words, ...goals]);
    await make(`KCONFIG_ALLCONFIG=${join(work, "options")}`, "allnoconfig");
    const made = await readFile(join(build, ".config"), "latin1");
    const missing = NEEDED.filter((name) => !made.includes(`CONFIG_${name}=y\n`));
    if (missing.length > 0) throw new Error(`the kernel's configuration comes out without ${missing.join(", ")}`);
    say("building a kernel with CONFIG_KEXEC_JUMP: some minutes");
    await make("bzImage");
    await rename(join(build, "arch/x86/boot/bzImage"), join(work, "bzImage"));
    return join(work, "bzImage");
  });
  return target;
}
