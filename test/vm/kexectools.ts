/** Debian's kexec-tools inside a machine: the peer that Baton's kexec is compared with. */

import { readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { debianPackages } from "../../initramfs/debian.ts";
import { sharedLibraries } from "../../initramfs/libraries.ts";
import { type CpioEntry, cpioDirectory, cpioFile } from "../../src/binary/cpio.ts";

/** How it is called there. */
export const KEXEC_TOOLS = "/kt/ld-linux-x86-64.so.2 --library-path /kt /kt/kexec";

/**
 * Debian's kexec with the libraries that it needs, in a folder of its own. Always 2.0.25, whose exit codes Baton's are:
 * 2.0.29 exits 1 where `-s -l` finds no such file.
 */
export async function kexecTools(): Promise<CpioEntry[]> {
  const { root } = await debianPackages(["kexec-tools"], { suite: "bookworm" });
  const program = join(root, "sbin/kexec");
  const libraries = await sharedLibraries([program], root, "amd64");
  const entries = [cpioDirectory("kt"), cpioFile("kt/kexec", await readFile(program), 0o755)];
  for (const { path, source } of libraries) {
    entries.push(cpioFile(`kt/${basename(path)}`, await readFile(source), 0o755));
  }
  return entries;
}
