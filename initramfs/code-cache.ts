/** V8's compiled form of the bundle, made by the very Node that ships. */

import { execFile } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { copyFile, mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { describeError } from "../src/errors.ts";
import { type Bundle, koffiBinary, wrapForStart } from "./build.ts";
import { cacheDirectory, projectRoot, say } from "./cache.ts";
import type { Architecture } from "./debian.ts";
import { LIBRARY_FOLDER } from "./libraries.ts";

const run = promisify(execFile);

const LINKER: Readonly<Record<Architecture, string>> = {
  amd64: "/lib64/ld-linux-x86-64.so.2",
  arm64: "/lib/ld-linux-aarch64.so.1",
};
/** The image starts Node without options; make-cache.cjs says what these are for, and takes them back. */
const MAKER_FLAGS = ["--hash-seed=1", "--no-flush-bytecode"];
const THIS_MACHINE: Architecture = process.arch === "arm64" ? "arm64" : "amd64";

/** What Baton looks at while its compiled functions are collected: one configuration of each kind. */
const SAMPLE: Readonly<Record<string, string>> = {
  "boot/vmlinuz-6.1.0-1-amd64": "",
  "boot/initrd.img-6.1.0-1-amd64": "",
  "boot/grub/grub.cfg": `set default="0"
if [ -s $prefix/grubenv ]; then load_env; fi
if [ "\${next_entry}" ] ; then set default="\${next_entry}"; else set default="0"; fi
if [ x"\${feature_menuentry_id}" = xy ]; then menuentry_id_option="--id"; else menuentry_id_option=""; fi
function gfxmode { set gfxpayload="\${1}"; }
if loadfont unicode ; then set gfxmode=auto; insmod gfxterm; fi
set timeout=5
menuentry 'Debian GNU/Linux' --class debian $menuentry_id_option 'gnulinux-simple' {
  load_video
  insmod gzio
  if [ x$grub_platform = xxen ]; then insmod xzio; insmod lzopio; fi
  search --no-floppy --fs-uuid --set=root 11111111-2222-3333-4444-555555555555
  echo 'Loading Linux ...'
  linux /boot/vmlinuz-6.1.0-1-amd64 root=UUID=11111111-2222-3333-4444-555555555555 ro quiet
  initrd /boot/initrd.img-6.1.0-1-amd64
}
submenu 'Advanced options' $menuentry_id_option 'gnulinux-advanced' {
  menuentry 'Debian GNU/Linux, recovery' --class debian $menuentry_id_option 'gnulinux-recovery' {
    linux /boot/vmlinuz-6.1.0-1-amd64 root=UUID=11111111-2222-3333-4444-555555555555 ro single
    initrd /boot/initrd.img-6.1.0-1-amd64
  }
}
`,
  "extlinux/extlinux.conf": `default linux
timeout 50
menu title Boot
label linux
  menu label ^Linux
  kernel /boot/vmlinuz-6.1.0-1-amd64
  append initrd=/boot/initrd.img-6.1.0-1-amd64 root=/dev/sda1 ro
`,
  "loader/loader.conf": "timeout 3\ndefault debian-*\n",
  "loader/entries/debian-6.1.conf": `title Debian
version 6.1
linux /boot/vmlinuz-6.1.0-1-amd64
initrd /boot/initrd.img-6.1.0-1-amd64
options root=/dev/sda1 ro
`,
};

/**
 * The code cache for a bundle, or null where this machine can't run the image's Node (another architecture) or it
 * failed: the image then starts a little slower.
 */
export async function codeCache(options: {
  readonly program: Bundle;
  readonly node: string;
  /** Unpacked Debian packages with the libraries that node needs. */
  readonly libraries: string;
  readonly arch: Architecture;
}): Promise<Uint8Array | null> {
  if (options.arch !== THIS_MACHINE) return null;
  const makers = await Promise.all(
    ["make-cache.cjs", "code-cache.ts"].map((name) => readFile(join(projectRoot, "initramfs", name))),
  );
  const hash = createHash("sha256").update(options.program.code).update(options.node);
  const key = makers.reduce((all, one) => all.update(one), hash).digest("hex");
  const kept = join(cacheDirectory, "code-cache", key);
  if (existsSync(kept)) return readFile(kept);

  say("making V8's code cache");
  const work = join(cacheDirectory, `code-cache.${randomBytes(4).toString("hex")}`);
  const disk = join(work, "disk");
  try {
    await mkdir(work, { recursive: true });
    for (const [name, text] of Object.entries(SAMPLE)) {
      await mkdir(join(disk, name, ".."), { recursive: true });
      await writeFile(join(disk, name), text);
    }
    const bundle = join(work, "baton.cjs");
    await writeFile(bundle, wrapForStart(options.program.code), "latin1");
    await copyFile(koffiBinary(process.arch === "arm64" ? "arm64" : "x64"), join(work, "koffi.node"));
    const out = join(work, "cache");
    const maker = join(projectRoot, "initramfs", "make-cache.cjs");
    const spec = `vda1=${disk.replaceAll(",", "\\,")},uuid=11111111-2222-3333-4444-555555555555,type=ext4`;
    // Through the image's own dynamic linker, so that the host's libraries play no part.
    const folder = LIBRARY_FOLDER[options.arch];
    const paths = [folder, `/usr${folder}`].map((one) => join(options.libraries, one)).join(":");
    const node = [join(options.libraries, LINKER[options.arch]), "--library-path", paths, options.node, ...MAKER_FLAGS];
    const menu = [...node, maker, bundle, out, "3", "menu", "--disk", spec];
    // script(1) gives the menu a terminal.
    const quoted = menu.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(" ");
    // Nothing else of the host's environment: a variable may change what runs.
    const terminfo = join(options.libraries, "lib", "terminfo");
    const env = { PATH: process.env.PATH, TERM: "linux", TERMINFO: terminfo, COLUMNS: "80", LINES: "24" };
    await run("script", ["-qec", quoted, "/dev/null"], { env, timeout: 60_000 });
    const cache = await readFile(out);
    await mkdir(join(cacheDirectory, "code-cache"), { recursive: true });
    await rename(out, kept);
    return cache;
  } catch (error) {
    say(`no code cache, so Baton will start slower: ${describeError(error)}`);
    return null;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}
