/** U-Boot's own tools, by Debian's packages. */

import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { debianPackages } from "../../initramfs/debian.ts";
import { inFolder, run } from "./host.ts";

/** Runs mkimage in a folder; it writes no time of its own. */
export async function mkimage(folder: string, ...args: readonly string[]): Promise<void> {
  const { root } = await debianPackages(["u-boot-tools", "device-tree-compiler"]);
  const env = {
    SOURCE_DATE_EPOCH: "1700000000",
    LD_LIBRARY_PATH: join(root, "usr/lib/x86_64-linux-gnu"),
    // It calls dtc.
    PATH: `${root}/usr/bin:${process.env.PATH}`,
  };
  await run("mkimage", args, { cwd: folder, env });
}

/** An initrd in mkimage's wrapping: `uInitrd`. */
export async function uInitrd(file: string, arch: string): Promise<Buffer> {
  let made = Buffer.alloc(0);
  await inFolder(async (folder) => {
    const type = ["-A", arch, "-O", "linux", "-T", "ramdisk", "-C", "none", "-n", "uInitrd"];
    await mkimage(folder, ...type, "-d", file, "uInitrd");
    made = await readFile(join(folder, "uInitrd"));
  });
  return made;
}

/**
 * The extlinux.conf that Debian's u-boot-menu writes for a /boot of its own.
 * @param files names in /boot @param settings of /etc/default/u-boot
 */
export async function ubootMenu(files: readonly string[], settings: Readonly<Record<string, string>>): Promise<string> {
  const { root } = await debianPackages(["u-boot-menu", "linux-base"]);
  let config = "";
  await inFolder(async (folder) => {
    await mkdir(join(folder, "boot"));
    for (const name of files) await writeFile(join(folder, "boot", name), "");
    const script =
      'mount -t tmpfs boot /boot && cp "$0"/boot/* /boot && sh "$1" && cp /boot/extlinux/extlinux.conf "$0/made"';
    await run(
      "unshare",
      ["--map-root-user", "--mount", "sh", "-c", script, folder, join(root, "usr/sbin/u-boot-update")],
      {
        env: { PATH: `${root}/usr/bin:${process.env.PATH}`, PERL5LIB: join(root, "usr/share/perl5"), ...settings },
      },
    );
    config = await readFile(join(folder, "made"), "utf8");
  });
  return config;
}
