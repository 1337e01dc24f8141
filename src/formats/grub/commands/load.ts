/** Commands that load a kernel and what goes with it, and those that start something else. */

import { type EntryKind, formatFileRef } from "../../../entry.ts";
import { LINUX_IMAGE, loaderCmdline } from "../cmdline.ts";
import { BAD_ARGUMENT, NO_KERNEL, OK } from "../errors.ts";
import type { NamedFile } from "../files.ts";
import type { Call, CommandFunction, Interpreter } from "../interpreter.ts";
import { readUkiTexts } from "../uki.ts";

/** `linux FILE ARG…`: the kernel gets `BOOT_IMAGE=FILE ARG…`, on every architecture. */
const linux: CommandFunction = (run, args, call) => {
  const [image] = args;
  run.plan.load("linux", call.name);
  if (image === undefined) return missingName(run, call);
  const file = run.files.name(image);
  run.plan.linux = file.ref;
  run.plan.options = LINUX_IMAGE + loaderCmdline(args, run.keepsHexEscapes);
  checkName(run, image);
  return OK;
};

function missingName(run: Interpreter, call: Call): number {
  run.plan.reason = `'${call.name}' names no file`;
  run.warn(call, `${run.plan.reason}`);
  return BAD_ARGUMENT;
}

/** Notes why a file that was named can't be had, where the name alone says it. */
function checkName(run: Interpreter, name: string): void {
  const { device } = run.files.name(name);
  if (device.kind === "unresolved" && device.image !== undefined) {
    run.plan.reason ??= `'${name}' is inside the disk image ${formatFileRef(device.image)}`;
    return;
  }
  // GRUB finds no file by a name without a slash, save on a server; a tree without a filesystem may stand for one.
  const path = name.startsWith("(") ? name.slice(name.indexOf(")") + 1) : name;
  if (path.startsWith("/") || device.kind !== "volume" || device.volume.type === null) return;
  run.plan.reason ??= `'${name}' doesn't begin with '/', and GRUB finds no file by such a name`;
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
  const named = args.map((arg) => (arg.startsWith("newc:") ? NEWC.exec(arg) : null));
  const files = args.map((arg, at) => named[at]?.[2] ?? arg);
  plan.initrd = files.map((file) => run.files.name(file).ref);
  plan.initrdNames = named.map((match) => match?.[1] ?? null);
  for (const file of files) checkName(run, file);
  return OK;
};

const devicetree: CommandFunction = (run, args) => {
  const [name] = args;
  // Without a name GRUB forgets the one it had.
  run.plan.devicetree = name === undefined ? null : run.files.name(name).ref;
  return OK;
};

/** `multiboot`, `multiboot2`, `xen_hypervisor`: the hypervisor is the first of the modules. */
function multiboot(kind: EntryKind): CommandFunction {
  return (run, argv, call) => {
    const args = withoutOptions(argv);
    const [image] = args;
    run.plan.load(kind, call.name);
    if (image === undefined) return missingName(run, call);
    const options = loaderCmdline(args.slice(1), run.keepsHexEscapes);
    run.plan.options = options;
    run.plan.modules = [{ file: run.files.name(image).ref, args: options }];
    checkName(run, image);
    return OK;
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
  const module = { file: run.files.name(image).ref, args: loaderCmdline(args.slice(1), run.keepsHexEscapes) };
  plan.modules = [...plan.modules, module];
  checkName(run, image);
  return OK;
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
    return OK;
  }
  plan.load("efi", call.name);
  plan.reason = `it starts another boot program (${image}), which kexec can't`;
  const file = run.files.name(image);
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
