/** `baton kexec`: kexec(8), over kexec_file_load. Also what Baton does when it is called as `kexec`. */

import { readFileSync } from "node:fs";
import { closeFiles, loadOpened, type OpenFile, openPath } from "../boot.ts";
import { BatonError, describeError } from "../errors.ts";
import { kexecFileUnload } from "../linux/kexec.ts";
import { reboot } from "../linux/reboot.ts";
import { sync } from "../linux/sync.ts";
import { VERSION } from "../version.ts";
import { readArgs } from "./options.ts";

const HELP = `Usage: kexec [OPTION]... [KERNEL]
Load another kernel, and run it.

 -l, --load               load KERNEL
 -e, --exec               run the kernel that is loaded, at once
 -f, --force              load KERNEL and run it, at once
 -u, --unload             forget the kernel that is loaded
 -S, --status             whether a kernel is loaded (with -l; without: a crash kernel)
     --append=WORDS, --command-line=WORDS
                          the kernel's command line
     --reuse-cmdline      this kernel's own command line, before --append's
     --initrd=FILE, --ramdisk=FILE
 -s, --kexec-file-syscall, -a, --kexec-syscall-auto
                          load by kexec_file_load, the method of this version
 -x, --no-ifdown          accepted: Baton takes no interfaces down
 -y, --no-sync            don't sync before running
 -d, --debug              say what is done
 -v, --version   -h, --help
`;

const OPTIONS = {
  load: { type: "boolean", short: "l" },
  "load-panic": { type: "boolean", short: "p" },
  exec: { type: "boolean", short: "e" },
  force: { type: "boolean", short: "f" },
  unload: { type: "boolean", short: "u" },
  status: { type: "boolean", short: "S" },
  append: { type: "string" },
  "command-line": { type: "string" },
  "reuse-cmdline": { type: "boolean" },
  initrd: { type: "string" },
  ramdisk: { type: "string" },
  dtb: { type: "string" },
  type: { type: "string", short: "t" },
  "mem-min": { type: "string" },
  "mem-max": { type: "string" },
  entry: { type: "string" },
  "kexec-syscall": { type: "boolean", short: "c" },
  "kexec-file-syscall": { type: "boolean", short: "s" },
  "kexec-syscall-auto": { type: "boolean", short: "a" },
  "no-checks": { type: "boolean", short: "i" },
  "no-ifdown": { type: "boolean", short: "x" },
  "no-sync": { type: "boolean", short: "y" },
  debug: { type: "boolean", short: "d" },
  version: { type: "boolean", short: "v" },
  help: { type: "boolean", short: "h" },
} as const;

/** Options that need kexec_load, the other system call. */
const CLASSIC_ONLY = ["load-panic", "kexec-syscall", "dtb", "mem-min", "mem-max", "entry"] as const;

/** @returns the exit code of kexec(8): 0, or 1 where it failed; for -S whether a kernel is loaded */
export async function kexec(args: string[]): Promise<number> {
  try {
    return await run(args);
  } catch (error) {
    process.stderr.write(`kexec: ${describeError(error)}\n`);
    return 1;
  }
}

async function run(args: string[]): Promise<number> {
  const { values, positionals } = readArgs({ args, allowPositionals: true, options: OPTIONS });
  if (values.help) {
    process.stdout.write(HELP);
    return 0;
  }
  if (values.version) {
    process.stdout.write(`kexec (Baton) ${VERSION}\n`);
    return 0;
  }
  const classic = CLASSIC_ONLY.find((name) => values[name] !== undefined);
  if (classic !== undefined) {
    throw new BatonError(
      "unsupported",
      `--${classic} needs the kexec_load system call, which this version does not make`,
    );
  }
  if (values.status) return status(values.load === true);
  if (values.unload) await kexecFileUnload();
  const loads = values.load || values.force;
  if (!loads && !values.exec && !values.unload) {
    throw new BatonError("usage", "one of -l, -f, -e, -u or -S is needed; --help lists the options");
  }
  if (loads) {
    const [kernel, ...more] = positionals;
    if (kernel === undefined) throw new BatonError("usage", "no kernel is named");
    if (more.length > 0) throw new BatonError("usage", `one kernel can be loaded, not also ${more.join(" ")}`);
    const initrd = values.initrd ?? values.ramdisk;
    await load(kernel, initrd === undefined ? [] : [initrd], cmdlineOf(values), values.debug === true);
  }
  if (values.exec || values.force) {
    if (!values["no-sync"]) await sync({ timeoutMs: 5000 });
    // Says something only where it fails.
    reboot("kexec");
  }
  return 0;
}

async function load(kernel: string, initrds: readonly string[], cmdline: string, debug: boolean): Promise<void> {
  const opened: OpenFile[] = [];
  try {
    for (const path of [kernel, ...initrds]) opened.push(await openPath(path, path));
    const { method, seconds } = await loadOpened(opened, cmdline, 0, () => {});
    if (debug) process.stderr.write(`kexec: loaded ${kernel} by ${method} in ${seconds.toFixed(2)} s: ${cmdline}\n`);
  } finally {
    await closeFiles(opened);
  }
}

/** kexec(8): --reuse-cmdline drops the words by which the boot loader told this kernel about itself. */
function cmdlineOf(values: { append?: string; "command-line"?: string; "reuse-cmdline"?: boolean }): string {
  const own = values.append ?? values["command-line"] ?? "";
  if (!values["reuse-cmdline"]) return own;
  const dropped = /^(BOOT_IMAGE|crashkernel)=/;
  const words = readFileSync("/proc/cmdline", "utf8")
    .trim()
    .split(/\s+/)
    .filter((word) => !dropped.test(word));
  return [...words, ...(own === "" ? [] : [own])].join(" ");
}

/** kexec(8): prints 1 and exits with 1 where a kernel is loaded, else 0. */
function status(load: boolean): number {
  const loaded = Number(readFileSync(`/sys/kernel/${load ? "kexec_loaded" : "kexec_crash_loaded"}`, "utf8"));
  process.stdout.write(`${loaded}\n`);
  return loaded;
}
