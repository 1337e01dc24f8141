/** What `kexec --help` prints: kexec(8)'s options, and where Baton differs. */

import { VERSION } from "../../version.ts";

export const KEXEC_VERSION = `kexec (Baton) ${VERSION}\n`;

export const KEXEC_HELP = `${KEXEC_VERSION}Usage: kexec [OPTION]... [kernel]
Directly reboot into a new kernel

 -h, --help           Print this help.
 -v, --version        Print the version of kexec.
 -f, --force          Force an immediate kexec, don't call shutdown.
 -i, --no-checks      Fast reboot, no memory integrity checks.
 -x, --no-ifdown      Don't bring down network interfaces.
 -y, --no-sync        Don't sync filesystems before kexec.
 -l, --load           Load the new kernel into the current kernel.
 -p, --load-panic     Load the new kernel for use on panic.
 -u, --unload         Unload the current kexec target kernel; with -p the
                      capture kernel.
 -e, --exec           Execute a currently loaded kernel.
 -t, --type=TYPE      Specify the new kernel is of this type.
     --mem-min=<addr> Specify the lowest memory address to load code into.
     --mem-max=<addr> Specify the highest memory address to load code into.
     --print-ckr-size Print crash kernel region size.
     --load-preserve-context Load the new kernel and preserve context of
                      current kernel during kexec.
     --load-jump-back-helper Load a helper image to jump back to original
                      kernel.
     --entry=<addr>   Specify jump back address. (0 means it's not jump back
                      or preserve context)
 -s, --kexec-file-syscall Use kexec_file_load only.
 -c, --kexec-syscall  Use kexec_load only.
 -a, --kexec-syscall-auto  Use kexec_file_load, and kexec_load where that is
                      not supported or does not understand the image (the
                      default; the environment variable
                      BATON_KEXEC_SYSCALL=c makes -c the default, as in
                      kexec-tools before 2.0.26, and =s makes -s).
 -d, --debug          Say what is done: memory ranges and segments.
 -S, --status         Print 1, and exit with it, if the type (by default
                      crash; with -l the other) is loaded, 0 if not.

For the new kernel:
     --command-line=STRING, --append=STRING  Its command line.
     --reuse-cmdline       Use this kernel's, and STRING behind it.
     --initrd=FILE, --ramdisk=FILE  Its initial ramdisk.
     --module="MOD arg1 arg2..."  Multiboot: load module MOD with this command
                           line (can be used multiple times).
     --dtb=FILE            arm64: its devicetree, in place of this kernel's.

Supported kernel file types: bzImage, vmlinux, unified kernel images,
multiboot 1 and 2, Plan 9 a.out (x86); Image, EFI zboot (arm64); all of these
compressed with gzip, zstd, xz, lz4, lzma or bzip2.
`;
