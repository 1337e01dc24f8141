/** Machines that boot Baton's own image from dist/, as firmware with Baton in flash would. */

import { execFile } from "node:child_process";
import { readdir, readFile, rm, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { type CpioEntry, cpioDirectory, cpioFile, writeCpio } from "../../src/binary/cpio.ts";
import { fileInArchive } from "./archive.ts";
import { CACHE, ROOT } from "./host.ts";
import { type Machine, type MachineOptions, withMachine } from "./machine.ts";
import { initrdFile, KERNEL } from "./payload.ts";
import type { SerialLine } from "./serial.ts";

export const INITRAMFS = join(ROOT, "dist/initramfs.cpio.zst");

export interface BatonOptions extends Omit<MachineOptions, "kernel" | "initrd" | "cmdline"> {
  /** For Baton's kernel: `baton.timeout=0`. */
  readonly words?: string;
  /** The image's own /etc/baton.yaml. */
  readonly config?: string;
  /** The initramfs; dist's unless given. */
  readonly image?: string;
  /** More files for the image, by absolute path. */
  readonly files?: Readonly<Record<string, string>>;
  /** A root shell beside Baton on ttyS1, for tests that look or meddle from inside. */
  readonly shell?: boolean;
}

function archiveEntries(files: Readonly<Record<string, string>>): CpioEntry[] {
  const folders = new Set(
    Object.keys(files).flatMap((path) =>
      path
        .split("/")
        .slice(1, -1)
        .map((_, i, all) => all.slice(0, i + 1).join("/")),
    ),
  );
  return [
    ...[...folders].sort().map((folder) => cpioDirectory(folder)),
    ...Object.entries(files).map(([path, text]) => cpioFile(path.slice(1), Buffer.from(text), 0o644)),
  ];
}

/** Baton's kernel's command line for these options. */
export function batonCmdline(options: BatonOptions): string {
  const words = options.vga ? ["console=tty0", "console=ttyS0"] : ["console=ttyS0"];
  // quiet prints the kernel's errors, and with them the lines that Baton writes to the kernel log.
  words.push("quiet");
  // As the profiles have it.
  words.push("init_on_alloc=0", "cryptomgr.notests", "rootfstype=ramfs");
  // The BIOS would wait for the slow disk when the kernel asks it for its disks (EDD).
  if (options.slowDisk) words.push("edd=off");
  if (options.words) words.push(options.words);
  return words.join(" ");
}

/** Runs `body` with a machine that boots Baton; see withMachine for what is checked afterwards. */
export async function withBaton<T>(options: BatonOptions, body: (machine: Machine) => Promise<T>): Promise<T> {
  const files = { ...(options.config === undefined ? {} : { "/etc/baton.yaml": options.config }), ...options.files };
  const config = archiveEntries(files);
  const initrd = options.shell
    ? await initramfsWithShell(config, options.image)
    : config.length > 0
      ? await initramfsAnd(`${options.name}-config`, config, options.image)
      : (options.image ?? INITRAMFS);
  const machine = { ...options, secondSerial: options.shell ?? false, kernel: KERNEL, initrd };
  return withMachine({ ...machine, cmdline: batonCmdline(options) }, async (machine) => {
    try {
      return await body(machine);
    } catch (error) {
      if (options.shell) await keepKernelLog(machine, options.name);
      throw error;
    }
  });
}

/** What the machine's kernel said, Baton's own log included, beside the serial line's in .cache/vm/logs. */
async function keepKernelLog(machine: Machine, name: string): Promise<void> {
  const late = new Promise<string>((resolve) => setTimeout(resolve, 20_000, "the shell did not answer\n").unref());
  const said = await Promise.race([inside(machine, "dmesg; cat /proc/mounts; ps").catch(String), late]);
  await writeFile(join(CACHE, "logs", `${name}.dmesg`), said);
}

/** Waits for the line that Baton writes just before the menu's first frame. */
export async function menuReady(machine: Machine): Promise<{ entries: number; seconds: number; at: number }> {
  const { match, at } = await machine.serial.waitFor(/baton: menu ready, (\d+) entr\w+, ([\d.]+) s since boot/);
  return { entries: Number(match[1]), seconds: Number(match[2]), at };
}

/** Lines on which a shell has answered. */
const LISTENING = new WeakSet<SerialLine>();

/** A shell that is only starting drops what came before its first prompt, and on a busy machine what comes just after. */
async function untilItListens(line: SerialLine): Promise<void> {
  await line.waitFor(/# /);
  for (let left = 20; ; left--) {
    line.write(`echo lis""tens\n`);
    try {
      await line.waitFor(/\blistens\n/, { timeoutMs: 10_000 });
      break;
    } catch (error) {
      if (left === 0) throw error;
    }
  }
  LISTENING.add(line);
}

/** Runs one command in the shell on ttyS1 and resolves with what it printed. */
export async function inside(machine: Machine, command: string): Promise<string> {
  const line = machine.serial2!;
  if (!LISTENING.has(line)) await untilItListens(line);
  // The marks are written so that the echo of the command isn't taken for them.
  line.write(`echo beg""in; { ${command}; } 2>&1; echo e""nd\n`);
  const { match } = await line.waitFor(/\bbegin\n([\s\S]*?)\bend\n/);
  return match[1]!.trimEnd();
}

/** Runs a command in that shell until what it prints matches, and resolves with that. */
export async function until(machine: Machine, command: string, pattern: RegExp, timeoutMs = 120_000): Promise<string> {
  const end = Date.now() + timeoutMs;
  for (;;) {
    const said = await inside(machine, command);
    if (pattern.test(said)) return said;
    if (Date.now() > end) throw new Error(`${command} has never said ${pattern}; at last:\n${said}`);
    await new Promise((done) => setTimeout(done, 300));
  }
}

/** Baton's initramfs with a root shell on ttyS1 as soon as there is such a device. */
async function initramfsWithShell(more: readonly CpioEntry[], image = INITRAMFS): Promise<string> {
  const shell = "while :; do setsid sh -i </dev/ttyS1 >/dev/ttyS1 2>&1; done";
  const wait = "while ! [ -c /dev/ttyS1 ]; do /bin/busybox sleep 0.1; done";
  return initramfsWith("baton-with-shell", `(${wait}; ${shell}) &`, more, image);
}

/**
 * Baton's initramfs with a small archive behind it, which puts a script in front of the image's own /init.
 * @param commands run by PID 1's shell before all else
 * @param more     entries that the commands need
 * @returns the file, in the cache
 */
export async function initramfsWith(
  name: string,
  commands: string,
  more: readonly CpioEntry[] = [],
  image = INITRAMFS,
): Promise<string> {
  const own = fileInArchive(await unpacked(image), "init");
  const interpreter = /^#! *(\S+)( \S+)?/.exec(own.toString("latin1"));
  if (!interpreter) throw new Error(`/init of ${INITRAMFS} is no script`);
  const script = `${interpreter[0]}\n${commands}\nexec ${interpreter[1]}${interpreter[2] ?? ""} /init.own\n`;
  const entries = [...more, cpioFile("init.own", own, 0o755), cpioFile("init", Buffer.from(script), 0o755)];
  return initramfsAnd(name, entries, image);
}

/** Baton's initramfs with a small archive behind it. */
async function initramfsAnd(name: string, entries: readonly CpioEntry[], image = INITRAMFS): Promise<string> {
  const bytes = await readFile(image);
  const padding = Buffer.alloc((4 - (bytes.length % 4)) % 4);
  await removeOld(`${name}-`);
  const file = await initrdFile(name, Buffer.concat([bytes, padding, writeCpio(entries)]));
  // Old is what has not been used for long: a test beside this one must not remove it before QEMU has read it.
  const now = new Date();
  await utimes(file, now, now);
  return file;
}

/** An initramfs as the kernel unpacks it. */
async function unpacked(image: string): Promise<Uint8Array> {
  if (image.endsWith(".cpio")) return readFile(image);
  const { stdout } = await promisify(execFile)("zstd", ["-dcq", image], { encoding: "buffer", maxBuffer: 1 << 29 });
  return stdout;
}

/** Thirty megabytes are made again whenever the image changes; those of yesterday's image nobody wants. */
async function removeOld(prefix: string): Promise<void> {
  for (const file of await readdir(CACHE).catch(() => [])) {
    if (!file.startsWith(prefix)) continue;
    const path = join(CACHE, file);
    const found = await stat(path).catch(() => null);
    if (found && Date.now() - found.mtimeMs > 3_600_000) await rm(path, { force: true });
  }
}
