/** The options of kexec(8), and what they come to when they stand together: the last one that decides wins. */

import type { X86Wishes } from "../../kexec/method.ts";
import type { LoadCall } from "../../loader/methods.ts";
import { getopt, type LongOption } from "./getopt.ts";

/** An option with what `kexec --help` and kexec(8) say of it. */
export interface KexecOption extends LongOption {
  /** What stands for the value: `FILE`. */
  readonly form?: string;
  /** Empty where it has another option's id, which says it. */
  readonly about: string;
}

type Spelling = string | readonly [name: string, short: string];

const flag = (spelling: Spelling, about: string): KexecOption => {
  const [name, short] = typeof spelling === "string" ? [spelling] : spelling;
  return { name, id: name, about, ...(short ? { short } : {}) };
};
const value = (spelling: Spelling, form: string, about: string): KexecOption => ({
  ...flag(spelling, about),
  ...{ takesValue: true, form },
});
/** Another name for an option. */
const alias = (name: string, option: KexecOption): KexecOption => ({ ...value(name, option.form!, ""), id: option.id });

const APPEND = value("append", "STRING", "Its command line.");
const INITRD = value("initrd", "FILE", "Its initial ramdisk.");

/** What is done, and how. */
export const GENERAL_OPTIONS: readonly KexecOption[] = [
  flag(["help", "h"], "Print this help."),
  flag(["version", "v"], "Print the version of kexec."),
  flag(["force", "f"], "Force an immediate kexec, don't call shutdown."),
  flag(["no-checks", "i"], "Fast reboot, no memory integrity checks."),
  flag(["no-ifdown", "x"], "Don't bring down network interfaces."),
  flag(["no-sync", "y"], "Don't sync filesystems before kexec."),
  flag(["load", "l"], "Load the new kernel into the current kernel."),
  flag(["load-panic", "p"], "Load the new kernel for use on panic."),
  flag(["unload", "u"], "Unload the current kexec target kernel; with -p the capture kernel."),
  flag(["exec", "e"], "Execute a currently loaded kernel."),
  value(["type", "t"], "TYPE", "Specify the new kernel is of this type."),
  value("mem-min", "ADDR", "Specify the lowest memory address to load code into."),
  value("mem-max", "ADDR", "Specify the highest memory address to load code into."),
  flag("print-ckr-size", "Print crash kernel region size."),
  flag("load-preserve-context", "Load the new kernel and preserve context of current kernel during kexec."),
  flag("load-jump-back-helper", "Load a helper image to jump back to original kernel."),
  value("entry", "ADDR", "Specify jump back address. (0 means it's not jump back or preserve context)"),
  flag(["kexec-file-syscall", "s"], "Use kexec_file_load only."),
  flag(["kexec-syscall", "c"], "Use kexec_load only."),
  flag(
    ["kexec-syscall-auto", "a"],
    "Use kexec_file_load, and kexec_load where that is not supported or does not understand the image (the default; the " +
      "environment variable BATON_KEXEC_SYSCALL=c makes -c the default, as in kexec-tools before 2.0.26, and =s makes -s).",
  ),
  flag(["debug", "d"], "Say what is done: memory ranges and segments."),
  flag(
    ["status", "S"],
    "Print 1, and exit with it, if the type (by default crash; with -l the other) is loaded, 0 if not.",
  ),
];

export const KERNEL_OPTIONS: readonly KexecOption[] = [
  APPEND,
  alias("command-line", APPEND),
  flag("reuse-cmdline", "Use this kernel's command line, and STRING behind it."),
  INITRD,
  alias("ramdisk", INITRD),
  value(
    "module",
    '"MOD arg1 arg2..."',
    "Multiboot: load module MOD with this command line (can be used multiple times).",
  ),
  value("dtb", "FILE", "arm64: its devicetree, in place of this kernel's."),
  flag("entry-32bit", "bzImage: use the kernel's 32-bit entry, also of a 64-bit one."),
  flag("noefi", "bzImage: don't tell it of EFI."),
  flag("reuse-video-type", "bzImage: tell it of this kernel's kind of screen."),
  flag("args-linux", "ELF: pass the arguments as Linux takes them (what is done anyway)."),
];

const NOTHING_BETWEEN = "Without effect: nothing runs between the kernels.";

/** Accepted, so that scripts written for kexec-tools run; Baton has no such step, or refuses where it would matter. */
export const ACCEPTED_OPTIONS: readonly KexecOption[] = [
  flag("reuseinitrd", "Refused: no kernel keeps its initrd on the architectures that Baton has."),
  flag("load-live-update", "Refused: for Xen alone."),
  flag("exec-live-update", "Refused: for Xen alone."),
  flag("real-mode", "Refused: no kernel since Linux 2.6.20 needs its 16-bit entry after kexec."),
  flag("args-elf", "Without effect."),
  flag("args-none", "Without effect."),
  flag("reset-vga", NOTHING_BETWEEN),
  value("serial", "PORT", NOTHING_BETWEEN),
  value("serial-baud", "RATE", NOTHING_BETWEEN),
  flag("console-vga", NOTHING_BETWEEN),
  flag("console-serial", NOTHING_BETWEEN),
  flag("elf32-core-headers", "Without effect."),
  flag("elf64-core-headers", "Without effect."),
  flag("pass-memmap-cmdline", "Without effect: the capture kernel gets its memory map in its boot parameters."),
];

const OPTIONS = [...GENERAL_OPTIONS, ...KERNEL_OPTIONS, ...ACCEPTED_OPTIONS];

/** Those that say something about a kernel that is loaded, and nothing where none is. */
const FOR_LOADING = [
  ...["append", "reuse-cmdline", "initrd", "module", "dtb", "args-linux", "args-elf", "args-none", "real-mode"],
  "entry-32bit",
];

/** What is to be done, step by step in this order. */
export interface KexecPlan {
  readonly status: "kexec" | "crash" | null;
  readonly unload: boolean;
  readonly load: boolean;
  /** Hand over to shutdown(8), which runs `kexec -e` at its end. */
  readonly shutdown: boolean;
  readonly sync: boolean;
  readonly ifdown: boolean;
  readonly exec: boolean;
  readonly jumpBackHelper: boolean;

  readonly call: LoadCall;
  readonly crash: boolean;
  readonly preserveContext: boolean;
  /** No digest of the segments (-i). */
  readonly skipChecks: boolean;
  readonly reuseInitrd: boolean;
  readonly debug: boolean;
  readonly type: string | null;
  readonly entry: bigint | null;
  readonly memoryMinimum: bigint;
  readonly memoryMaximum: bigint | null;

  readonly kernel: string | null;
  readonly append: string | null;
  readonly reuseCmdline: boolean;
  readonly initrd: string | null;
  readonly modules: readonly string[];
  readonly devicetree: string | null;
  readonly x86: X86Wishes;
  /** Accepted, but for something that Baton's way doesn't have or do. */
  readonly ignored: readonly string[];
}

/** What a command line asks for that isn't a plan: a text, and the exit code. */
type KexecAnswer =
  | { readonly is: "plan"; readonly plan: KexecPlan }
  | { readonly is: "help"; readonly complaint: string | null; readonly code: 0 | 1 }
  | { readonly is: "version" }
  | { readonly is: "crash size" }
  | { readonly is: "refused"; readonly message: string };

const CALLS: Readonly<Record<string, LoadCall>> = { c: "classic", s: "file", a: "auto" };

/**
 * The call that is used where no option says which, by an environment variable's value.
 * @param setting `c`, `s` or `a`; kexec-tools before 2.0.26 had `c`, newer ones have `a`
 */
export function defaultCall(setting: string | undefined): LoadCall {
  return CALLS[setting ?? ""] ?? "auto";
}

/** What options without a value settle of the plan. */
const SETTLED: Readonly<Record<string, Partial<KexecPlan>>> = {
  debug: { debug: true },
  "no-checks": { skipChecks: true },
  force: { load: true, shutdown: false, sync: true, ifdown: true, exec: true },
  load: { load: true, exec: false, shutdown: false },
  unload: { load: false, shutdown: false, sync: false, unload: true },
  exec: { load: false, shutdown: false, sync: true, ifdown: true, exec: true },
  "load-jump-back-helper": {
    ...{ load: false, shutdown: false, sync: true, ifdown: true, exec: false },
    ...{ jumpBackHelper: true, preserveContext: true },
  },
  "load-preserve-context": { load: true, exec: false, shutdown: false, sync: true, preserveContext: true },
  "load-panic": { load: true, exec: false, shutdown: false, sync: false, crash: true },
  "kexec-file-syscall": { call: "file" },
  "kexec-syscall": { call: "classic" },
  "kexec-syscall-auto": { call: "auto" },
  "reuse-cmdline": { reuseCmdline: true },
  reuseinitrd: { reuseInitrd: true },
  // These count once all have been read.
  ...{ status: {}, "no-ifdown": {}, "no-sync": {} },
};
/** Where the plan has their values. */
const TEXTS: Readonly<Record<string, keyof KexecPlan>> = {
  ...{ type: "type", append: "append", initrd: "initrd", dtb: "devicetree" },
};
const NUMBERS: Readonly<Record<string, keyof KexecPlan>> = {
  ...{ entry: "entry", "mem-min": "memoryMinimum", "mem-max": "memoryMaximum" },
};
const X86: Readonly<Record<string, keyof X86Wishes>> = {
  ...{ "entry-32bit": "entry32", noefi: "noEfi", "reuse-video-type": "reuseVideo" },
};
const REFUSED: Readonly<Record<string, string>> = {
  "exec-live-update": "--exec-live-update only works under xen.",
  "load-live-update": "--load-live-update can only be used with xen",
  "real-mode": "--real-mode: no kernel since Linux 2.6.20 needs its 16-bit entry after kexec",
};

/** Reads a command line as kexec(8) does. */
export function readKexecArguments(args: readonly string[], call: LoadCall): KexecAnswer {
  const { options, operands, complaint } = getopt(args, OPTIONS);
  const plan: { -readonly [Key in keyof KexecPlan]: KexecPlan[Key] } = {
    ...{ status: null, unload: false, load: true, shutdown: true, sync: true, ifdown: false, exec: false },
    ...{ jumpBackHelper: false, call, crash: false, preserveContext: false, skipChecks: false, reuseInitrd: false },
    ...{ debug: false, type: null, entry: null, memoryMinimum: 0n, memoryMaximum: null, kernel: operands[0] ?? null },
    ...{ append: null, reuseCmdline: false, initrd: null, modules: [], devicetree: null, ignored: [] },
    x86: { entry32: false, noEfi: false, reuseVideo: false },
  };
  for (const { id, value: text } of options) {
    if (id === "help") return { is: "help", complaint: null, code: 0 };
    if (id === "version") return { is: "version" };
    if (id === "print-ckr-size") return { is: "crash size" };
    if (REFUSED[id] !== undefined) return { is: "refused", message: REFUSED[id] };
    if (NUMBERS[id] !== undefined) {
      const number = parseNumber(text);
      if (number === null) return { is: "help", complaint: `Bad option value in --${id}=${text}`, code: 1 };
      Object.assign(plan, { [NUMBERS[id]]: number });
    } else if (TEXTS[id] !== undefined) Object.assign(plan, { [TEXTS[id]]: text });
    else if (X86[id] !== undefined) plan.x86 = { ...plan.x86, [X86[id]]: true };
    else if (SETTLED[id] !== undefined) Object.assign(plan, SETTLED[id]);
    else if (id === "module") plan.modules = [...plan.modules, text];
    else plan.ignored = [...plan.ignored, `--${id}`];
  }
  if (complaint !== null) return { is: "help", complaint: `kexec: ${complaint}`, code: 1 };
  const given = new Set(options.map(({ id }) => id));
  if (given.has("no-ifdown")) plan.ifdown = false;
  if (given.has("no-sync")) plan.sync = false;
  const isForLoading = FOR_LOADING.some((id) => given.has(id));
  if ((given.has("status") || !plan.load) && isForLoading) return { is: "help", complaint: null, code: 1 };
  if (given.has("status")) {
    const status = plan.crash || !given.has("load") ? "crash" : "kexec";
    const nothing = { load: false, unload: false, shutdown: false, sync: false, ifdown: false, exec: false };
    return { is: "plan", plan: { ...plan, ...nothing, reuseInitrd: false, jumpBackHelper: false, status } };
  }
  if (plan.preserveContext) {
    if (plan.load && plan.memoryMaximum === null) {
      const message =
        'Please specify memory range used by kexeced kernel\nto preserve the context of original kernel with \n"--mem-max" parameter';
      return { is: "refused", message };
    }
    if (plan.call === "file") {
      const name = plan.jumpBackHelper ? "--load-jump-back-helper" : "--load-preserve-context";
      return { is: "refused", message: `${name} not supported with kexec_file_load` };
    }
    plan.call = "classic";
  }
  return { is: "plan", plan };
}

/** As strtoul(3) with base 0: 0x… hexadecimal, 0… octal, nothing is 0; nothing may follow. */
function parseNumber(text: string): bigint | null {
  if (text === "") return 0n;
  if (/^0x[0-9a-f]{1,16}$/i.test(text)) return BigInt(text);
  if (/^0[0-7]{1,21}$/.test(text)) return BigInt(`0o${text}`);
  return /^\d{1,20}$/.test(text) ? BigInt(text) : null;
}
