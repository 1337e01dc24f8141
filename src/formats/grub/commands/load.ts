/** Commands that load a kernel and what goes with it, and those that start something else. */

import type { EntryKind } from "../../../entry.ts";
import { BudgetExceeded } from "../budget.ts";
import { LINUX_IMAGE, loaderCmdline } from "../cmdline.ts";
import { isServer, whyClosed } from "../devices.ts";
import { BAD_ARGUMENT, FILE_NOT_FOUND, NO_KERNEL, OK } from "../errors.ts";
import type { NamedFile } from "../files.ts";
import type { Call, CommandFunction, Interpreter, Status } from "../interpreter.ts";
import { readUkiTexts } from "../uki.ts";

/** `linux FILE ARG…`: the kernel gets `BOOT_IMAGE=FILE ARG…`, on every architecture. */
const linux: CommandFunction = (run, args, call) => {
  const [image] = args;
  run.plan.load("linux", call.name);
  if (image === undefined) return missingName(run, call);
  return onItsRoot(run, call, image, (file) => {
    run.plan.linux = file.ref;
    run.plan.options = LINUX_IMAGE + loaderCmdline(args);
    return checkNames(run, [image], () => run.plan.load(null, call.name));
  });
};

/**
 * The kernel's file. Where `search` has not found the root, GRUB goes on with the one that it has: that is taken where
 * it has such a file, and told. Else the file stays one of the disk that was meant.
 */
function onItsRoot(run: Interpreter, call: Call, image: string, load: (file: NamedFile) => Status): Status {
  const missed = run.files.missedRootOf(image);
  const file = run.files.name(image);
  if (missed === null || file.device.kind !== "volume") return load(file);
  const { volume } = file.device;
  const decide = (stat: unknown): Status => {
    if (stat === null) run.plan.missedRoot = missed;
    else {
      run.warn(
        call,
        `nothing that is attached answers to ${missed}; like GRUB, '${call.name}' takes ${image} of ${volume.name}, the root that there was before`,
      );
    }
    return load(named(run, image));
  };
  const stat = run.files.stat(file);
  return stat instanceof Promise ? stat.then(decide) : decide(stat);
}

/** A file that belongs to the kernel that was loaded. */
function named(run: Interpreter, name: string): NamedFile {
  const file = run.files.name(name);
  const selector = run.plan.missedRoot;
  if (selector === null || run.files.missedRootOf(name) === null) return file;
  return { ...file, device: { kind: "unresolved", selector }, ref: { selector, path: file.path } };
}

function missingName(run: Interpreter, call: Call): number {
  run.plan.reason = `'${call.name}' names no file`;
  run.warn(call, `${run.plan.reason}`);
  return BAD_ARGUMENT;
}

/**
 * Ends a command that loads files. In a condition (`if linux …; else …`) their absence is an answer, and nothing is
 * loaded; anywhere else it is found out later, and told with the entry.
 */
function checkNames(run: Interpreter, names: readonly string[], unload: () => void): Status {
  for (const name of names) checkName(run, name);
  return run.conditions === 0 ? OK : allThere(run, names, unload);
}

async function allThere(run: Interpreter, names: readonly string[], unload: () => void): Promise<number> {
  for (const name of names) {
    if ((await run.files.stat(named(run, name)))?.type === "file") continue;
    unload();
    return FILE_NOT_FOUND;
  }
  return OK;
}

/** Notes why a file that was named can't be had, where the name alone says it. */
function checkName(run: Interpreter, name: string): void {
  const { device } = run.files.name(name);
  if (device.kind === "unresolved" && device.image !== undefined) {
    run.plan.reason ??= whyClosed(name, device.image);
    return;
  }
  if (name.startsWith("()")) {
    run.plan.reason ??= `'${name}' names no device: what should stand between the parentheses is empty`;
    return;
  }
  // On a disk GRUB takes a name without a slash for blocks; on a server it is a file; a tree without a filesystem may stand for one.
  const path = name.startsWith("(") ? name.slice(name.indexOf(")") + 1) : name;
  if (path.startsWith("/") || device.kind !== "volume" || device.volume.type === null) return;
  if (isServer(device.volume)) return;
  run.plan.reason ??= `'${name}' doesn't begin with '/', and GRUB finds no file by such a name`;
}

/** Files that one entry loads: more than any has. */
const MAX_FILES = 1000;

function checkCount(count: number): void {
  if (count > MAX_FILES) throw new BudgetExceeded(`it loads more than ${MAX_FILES} files`);
}

/** `newc:NAME:FILE`: the file itself, under that name. */
const NEWC = /^newc:([^:]*):(.*)$/s;

/** A second `initrd` replaces what the first one loaded. */
const initrd: CommandFunction = (run, args, call) => {
  const { plan } = run;
  if (plan.kind !== "linux" || plan.linux === null) {
    run.warn(call, `'${call.name}' before any kernel was loaded: GRUB refuses it`);
    return NO_KERNEL;
  }
  if (args.length === 0) {
    run.warn(call, `'${call.name}' names no file`);
    return BAD_ARGUMENT;
  }
  checkCount(args.length);
  const packed = args.map((arg) => (arg.startsWith("newc:") ? NEWC.exec(arg) : null));
  const files = args.map((arg, at) => packed[at]?.[2] ?? arg);
  plan.initrd = files.map((file) => named(run, file).ref);
  plan.initrdNames = packed.map((match) => match?.[1] ?? null);
  return checkNames(run, files, () => {
    plan.initrd = [];
    plan.initrdNames = [];
  });
};

const devicetree: CommandFunction = (run, args) => {
  const [name] = args;
  // Without a name GRUB forgets the one it had.
  run.plan.devicetree = name === undefined ? null : named(run, name).ref;
  return OK;
};

/** `multiboot`, `multiboot2`, `xen_hypervisor`: the hypervisor is the first of the modules. */
function multiboot(kind: EntryKind): CommandFunction {
  return (run, argv, call) => {
    const args = withoutOptions(argv);
    const [image] = args;
    run.plan.load(kind, call.name);
    if (image === undefined) return missingName(run, call);
    const options = loaderCmdline(args.slice(1));
    run.plan.options = options;
    return onItsRoot(run, call, image, (file) => {
      run.plan.modules = [{ file: file.ref, args: options }];
      return checkNames(run, [image], () => run.plan.load(null, call.name));
    });
  };
}

const moduleCommand: CommandFunction = (run, argv, call) => {
  const args = withoutOptions(argv);
  const [image] = args;
  const { plan } = run;
  if (plan.modules.length === 0) {
    run.warn(call, `'${call.name}' before any multiboot kernel was loaded: GRUB refuses it`);
    return NO_KERNEL;
  }
  if (image === undefined) return BAD_ARGUMENT;
  const before = plan.modules;
  checkCount(before.length + 1);
  plan.modules = [...before, { file: named(run, image).ref, args: loaderCmdline(args.slice(1)) }];
  return checkNames(run, [image], () => {
    plan.modules = before;
  });
};

/** `--nounzip` and `--quirk-…` come before the file. */
function withoutOptions(args: readonly string[]): readonly string[] {
  const first = args.findIndex((arg) => !arg.startsWith("--"));
  return first === -1 ? [] : args.slice(first);
}

const chainloader: CommandFunction = (run, argv, call) => {
  const [image] = withoutOptions(argv);
  if (image === undefined) {
    run.plan.load("local", call.name);
    return missingName(run, call);
  }
  const { plan } = run;
  if (/(?:^|\))[0-9]*\+[0-9]+/.test(image)) {
    plan.load("local", call.name);
    plan.reason = `it starts the boot sector ${image}, which only the firmware's own loader can do`;
    const at = run.files.name(image.startsWith("(") ? `${image.slice(0, image.indexOf(")") + 1)}/` : "/");
    const { kind } = at.device;
    const disk = kind === "unresolved" ? run.devices.wholeDisk(at.device.selector) : null;
    if (/(?:^|\))0?\+/.test(image) && kind === "volume") plan.program = at.ref;
    else if (/(?:^|\))0?\+/.test(image) && disk !== null) plan.program = { device: disk, path: "/" };
    return OK;
  }
  plan.load("efi", call.name);
  plan.reason = `it starts another boot program (${image}), which kexec can't`;
  const file = run.files.name(image);
  plan.program = file.ref;
  if (!/\.efi$/i.test(image) || file.device.kind !== "volume") return OK;
  return chainloadUki(run, call, file, withoutOptions(argv).slice(1));
};

/** An EFI program with a kernel inside is as good as that kernel. */
async function chainloadUki(run: Interpreter, call: Call, file: NamedFile, args: readonly string[]): Promise<number> {
  const uki = await readUkiTexts(run, file);
  if (uki === null) return OK;
  run.plan.load("linux", call.name);
  run.plan.linux = file.ref;
  // Arguments stand in the place of the image's own command line.
  run.plan.options = args.length > 0 ? args.join(" ") : uki.cmdline;
  return OK;
}

/** Starts a kernel that kexec can't. */
function foreign(what: string): CommandFunction {
  return (run, args, call) => {
    run.plan.load("other", call.name);
    run.plan.reason = `it starts ${what}${args[0] === undefined ? "" : ` (${args[0]})`}, which Baton can't`;
    return OK;
  };
}

/** Loads nothing: something happens at once. */
function leaves(kind: EntryKind, reason: string): CommandFunction {
  return (run, _args, call) => {
    run.plan.load(kind, call.name);
    run.plan.reason = reason;
    run.plan.booted = true;
    return OK;
  };
}

const fwsetup: CommandFunction = (run, args, call) => {
  // 2.12 asks first whether the firmware can do it.
  if (args[0] === "--is-supported") return run.context.platform.firmware === "efi" ? OK : BAD_ARGUMENT;
  return leaves("other", "it opens the firmware's setup; there is no kernel to start")(run, args, call);
};

const boot: CommandFunction = (run, _args, call) => {
  if (run.plan.kind === null) {
    // After `configfile` it is for those who leave that menu.
    if (run.shown.length === 0) run.warn(call, "'boot' before anything was loaded: GRUB refuses it");
    return NO_KERNEL;
  }
  run.plan.booted = true;
  return OK;
};

export const loadCommands: readonly (readonly [string, CommandFunction])[] = [
  ["linux", linux],
  ["linux16", linux],
  ["linuxefi", linux],
  // GRUB legacy's name for it, which old configurations kept.
  ["kernel", linux],
  ["legacy_kernel", linux],
  ["legacy_initrd", initrd],
  ["initrd", initrd],
  ["initrd16", initrd],
  ["initrdefi", initrd],
  ["devicetree", devicetree],
  ["multiboot", multiboot("multiboot")],
  ["multiboot2", multiboot("multiboot2")],
  ["module", moduleCommand],
  ["module2", moduleCommand],
  ["xen_hypervisor", multiboot("multiboot2")],
  ["xen_module", moduleCommand],
  ["chainloader", chainloader],
  ["ntldr", foreign("a Windows boot loader")],
  ["drivemap", () => OK],
  ["parttool", () => OK],
  ["freedos", foreign("FreeDOS")],
  ["plan9", foreign("Plan 9")],
  ["truecrypt", foreign("TrueCrypt")],
  ["pxechainloader", foreign("another network boot program")],
  ["xnu_resume", foreign("a sleeping macOS")],
  ["kfreebsd", foreign("a FreeBSD kernel")],
  ["knetbsd", foreign("a NetBSD kernel")],
  ["kopenbsd", foreign("an OpenBSD kernel")],
  ["xnu_kernel", foreign("a macOS kernel")],
  ["xnu_kernel64", foreign("a macOS kernel")],
  ["appleloader", foreign("Apple's boot loader")],
  ["boot", boot],
  ["exit", leaves("local", "it leaves GRUB for the firmware's next choice")],
  ["normal_exit", leaves("local", "it leaves GRUB's menu")],
  ["reboot", leaves("other", "it restarts the machine")],
  ["halt", leaves("other", "it switches the machine off")],
  ["fwsetup", fwsetup],
];
