/** The options of kexec(8), and what they come to when they stand together: the last one that decides wins. */

import type { X86Wishes } from "../../kexec/method.ts";
import { getopt, type LongOption } from "./getopt.ts";

const flag = (name: string, short?: string): LongOption => ({ name, id: name, ...(short ? { short } : {}) });
const value = (name: string, id = name, short?: string): LongOption => ({
  ...{ name, id, takesValue: true },
  ...(short ? { short } : {}),
});

const OPTIONS: readonly LongOption[] = [
  flag("help", "h"),
  flag("version", "v"),
  flag("debug", "d"),
  flag("force", "f"),
  flag("no-checks", "i"),
  flag("no-ifdown", "x"),
  flag("no-sync", "y"),
  flag("load", "l"),
  flag("load-panic", "p"),
  flag("unload", "u"),
  flag("exec", "e"),
  value("type", "type", "t"),
  flag("kexec-file-syscall", "s"),
  flag("kexec-syscall", "c"),
  flag("kexec-syscall-auto", "a"),
  flag("status", "S"),
  value("entry"),
  value("mem-min"),
  value("mem-max"),
  flag("reuseinitrd"),
  flag("print-ckr-size"),
  flag("load-preserve-context"),
  flag("load-jump-back-helper"),
  flag("load-live-update"),
  flag("exec-live-update"),
  // For the new kernel.
  value("append"),
  value("command-line", "append"),
  flag("reuse-cmdline"),
  value("initrd"),
  value("ramdisk", "initrd"),
  value("module"),
  value("dtb"),
  flag("args-linux"),
  flag("args-elf"),
  flag("args-none"),
  flag("real-mode"),
  flag("entry-32bit"),
  // For what kexec-tools runs between the kernels, and for crash kernels.
  flag("reset-vga"),
  value("serial"),
  value("serial-baud"),
  flag("console-vga"),
  flag("console-serial"),
  flag("elf32-core-headers"),
  flag("elf64-core-headers"),
  flag("pass-memmap-cmdline"),
  flag("noefi"),
  flag("reuse-video-type"),
];

/** Those that say something about a kernel that is loaded, and nothing where none is. */
const FOR_LOADING = [
  "append",
  "reuse-cmdline",
  "initrd",
  "module",
  "dtb",
  "args-linux",
  "args-elf",
  "args-none",
  "real-mode",
  "entry-32bit",
];

/** Which call loads: kexec_load, kexec_file_load, or that one and the other where it can't. */
export type KexecCall = "classic" | "file" | "auto";

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

  readonly call: KexecCall;
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
export type KexecAnswer =
  | { readonly is: "plan"; readonly plan: KexecPlan }
  | { readonly is: "help"; readonly complaint: string | null; readonly code: 0 | 1 }
  | { readonly is: "version" }
  | { readonly is: "crash size" }
  | { readonly is: "refused"; readonly message: string };

const CALLS: Readonly<Record<string, KexecCall>> = { c: "classic", s: "file", a: "auto" };

/**
 * The call that is used where no option says which, by an environment variable's value.
 * @param setting `c`, `s` or `a`; kexec-tools before 2.0.26 had `c`, newer ones have `a`
 */
export function defaultCall(setting: string | undefined): KexecCall {
  return CALLS[setting ?? ""] ?? "auto";
}

/** Reads a command line as kexec(8) does. */
export function readKexecArguments(args: readonly string[], call: KexecCall): KexecAnswer {
  const { options, operands, complaint } = getopt(args, OPTIONS);
  const plan = {
    status: null as KexecPlan["status"],
    ...{ unload: false, load: true, shutdown: true, sync: true, ifdown: false, exec: false, jumpBackHelper: false },
    ...{ call, crash: false, preserveContext: false, skipChecks: false, reuseInitrd: false, debug: false },
    ...{ type: null as string | null, entry: null as bigint | null },
    ...{ memoryMinimum: 0n, memoryMaximum: null as bigint | null },
    kernel: operands[0] ?? null,
    ...{ append: null as string | null, reuseCmdline: false, initrd: null as string | null },
    ...{ modules: [] as string[], devicetree: null as string | null, ignored: [] as string[] },
    x86: { entry32: false, noEfi: false, reuseVideo: false },
  };
  let asksStatus = false;
  let hasLoad = false;
  let [skipsSync, skipsIfdown] = [false, false];
  for (const { id, value: text } of options) {
    switch (id) {
      case "help":
        return { is: "help", complaint: null, code: 0 };
      case "version":
        return { is: "version" };
      case "print-ckr-size":
        return { is: "crash size" };
      case "debug":
        plan.debug = true;
        break;
      case "no-ifdown":
        skipsIfdown = true;
        break;
      case "no-sync":
        skipsSync = true;
        break;
      case "no-checks":
        plan.skipChecks = true;
        break;
      case "force":
        Object.assign(plan, { load: true, shutdown: false, sync: true, ifdown: true, exec: true });
        break;
      case "load":
        hasLoad = true;
        Object.assign(plan, { load: true, exec: false, shutdown: false });
        break;
      case "unload":
        Object.assign(plan, { load: false, shutdown: false, sync: false, unload: true });
        break;
      case "exec":
        Object.assign(plan, { load: false, shutdown: false, sync: true, ifdown: true, exec: true });
        break;
      case "load-jump-back-helper":
        Object.assign(plan, { load: false, shutdown: false, sync: true, ifdown: true, exec: false });
        Object.assign(plan, { jumpBackHelper: true, preserveContext: true });
        break;
      case "load-preserve-context":
        Object.assign(plan, { load: true, exec: false, shutdown: false, sync: true, preserveContext: true });
        break;
      case "load-panic":
        Object.assign(plan, { load: true, exec: false, shutdown: false, sync: false, crash: true });
        break;
      case "exec-live-update":
        return { is: "refused", message: "--exec-live-update only works under xen." };
      case "load-live-update":
        return { is: "refused", message: "--load-live-update can only be used with xen" };
      case "status":
        asksStatus = true;
        break;
      case "kexec-file-syscall":
        plan.call = "file";
        break;
      case "kexec-syscall":
        plan.call = "classic";
        break;
      case "kexec-syscall-auto":
        plan.call = "auto";
        break;
      case "entry":
      case "mem-min":
      case "mem-max": {
        const number = parseNumber(text);
        if (number === null) return { is: "help", complaint: `Bad option value in --${id}=${text}`, code: 1 };
        if (id === "entry") plan.entry = number;
        else if (id === "mem-min") plan.memoryMinimum = number;
        else plan.memoryMaximum = number;
        break;
      }
      case "type":
        plan.type = text;
        break;
      case "append":
        plan.append = text;
        break;
      case "reuse-cmdline":
        plan.reuseCmdline = true;
        break;
      case "initrd":
        plan.initrd = text;
        break;
      case "module":
        plan.modules.push(text);
        break;
      case "dtb":
        plan.devicetree = text;
        break;
      case "entry-32bit":
        plan.x86.entry32 = true;
        break;
      case "noefi":
        plan.x86.noEfi = true;
        break;
      case "reuse-video-type":
        plan.x86.reuseVideo = true;
        break;
      case "reuseinitrd":
        plan.reuseInitrd = true;
        break;
      case "real-mode":
        return {
          is: "refused",
          message: "--real-mode: no kernel since Linux 2.6.20 needs its 16-bit entry after kexec",
        };
      default:
        plan.ignored.push(`--${id}`);
    }
  }
  if (complaint !== null) return { is: "help", complaint: `kexec: ${complaint}`, code: 1 };
  if (skipsIfdown) plan.ifdown = false;
  if (skipsSync) plan.sync = false;
  const isForLoading = options.some(({ id }) => FOR_LOADING.includes(id));
  if (asksStatus && isForLoading) return { is: "help", complaint: null, code: 1 };
  if (asksStatus) {
    const status = plan.crash || !hasLoad ? "crash" : "kexec";
    const nothing = { load: false, unload: false, shutdown: false, sync: false, ifdown: false, exec: false };
    return { is: "plan", plan: { ...plan, ...nothing, reuseInitrd: false, jumpBackHelper: false, status } };
  }
  if (!plan.load && isForLoading) return { is: "help", complaint: null, code: 1 };
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
