/**
 * `baton kexec`: kexec(8), also when Baton is called by the name `kexec`. Options and exit codes are those of
 * kexec-tools 2.0.25; messages say more, and where no option says which call loads it is `-a`, as in newer ones
 * (help.ts tells people).
 */

import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { describeError } from "../../errors.ts";
import { KexecError } from "../../kexec/explain.ts";
import { unload, unloadCrash } from "../../kexec/load.ts";
import { readIomem } from "../../kexec/memorymap.ts";
import { BY_HAND } from "../../kexec/state.ts";
import { ifdown, networkInterfaces } from "../../linux/ifdown.ts";
import { KEXEC_PRESERVE_CONTEXT, kexecLoad } from "../../linux/kexec.ts";
import { unmount } from "../../linux/mount.ts";
import { inOwnImage } from "../../linux/ownimage.ts";
import { jump } from "../../linux/reboot.ts";
import { sync } from "../../linux/sync.ts";
import { printable } from "../../text.ts";
import { parseMountinfo } from "../../volumes/mountinfo.ts";
import { KEXEC_VERSION, kexecHelp } from "./help.ts";
import { FAILED, loadKernel, NOT_AVAILABLE } from "./load.ts";
import { defaultCall, type KexecPlan, readKexecArguments } from "./options.ts";

const LOADED = "/sys/kernel/kexec_loaded";
const CRASH_LOADED = "/sys/kernel/kexec_crash_loaded";
const CRASH_SIZE = "/sys/kernel/kexec_crash_size";
/** sync(2) may have much to write, but a dead disk must not keep the machine for ever. */
const SYNC_MS = 120_000;
const UNMOUNT_MS = 5000;
/** Where kexec-tools looks. */
const SHUTDOWN = ["/sbin/shutdown", "/etc/shutdown", "/bin/shutdown"];

/** Options without effect here that people are told about; the others only speed up or show something. */
const TOLD = ["--args-elf", "--args-none"];

const NO_CRASH_MEMORY = `Memory for crashkernel is not reserved
Please reserve memory by passing"crashkernel=Y@X" parameter to kernel
Then try to loading kdump kernel`;

function complain(text: string): void {
  process.stderr.write(
    text
      .split("\n")
      .map((line) => `${printable(line)}\n`)
      .join(""),
  );
}

/** @returns the exit code of kexec(8): 0 done, 1 refused or wrong usage, 255 failed, with -S whether one is loaded */
export async function kexec(args: string[]): Promise<number> {
  const answer = readKexecArguments(args, defaultCall(process.env.BATON_KEXEC_SYSCALL));
  switch (answer.is) {
    case "help":
      if (answer.complaint !== null) complain(answer.complaint);
      process.stdout.write(kexecHelp());
      return answer.code;
    case "version":
      process.stdout.write(KEXEC_VERSION);
      return 0;
    case "crash size":
      process.stdout.write(`${await crashSize()}\n`);
      return 0;
    case "refused":
      complain(answer.message);
      return 1;
    case "plan":
      return run(answer.plan);
  }
}

/** The steps in kexec(8)'s order; the first that fails ends it. */
async function run(plan: KexecPlan): Promise<number> {
  if (plan.load && plan.crash && (await crashSize()) === 0n) return refuse(NO_CRASH_MEMORY);
  if (plan.reuseInitrd) {
    const retained = /(^|\s)retain_initrd/.test(runningCmdline(plan));
    if (!retained) return refuse("unrecoverable error: current boot didn't retain the initrd for reuse.");
    return refuse("--reuseinitrd not implemented on this architecture");
  }
  const ignored = plan.debug ? plan.ignored : plan.ignored.filter((option) => TOLD.includes(option));
  if (ignored.length > 0) complain(`${ignored.join(" ")}: accepted, but Baton does nothing of the kind`);
  if (plan.status !== null) {
    const loaded = readLoaded(plan.status === "crash" ? CRASH_LOADED : LOADED);
    if (loaded !== null) process.stdout.write(`${loaded}\n`);
    return loaded ?? FAILED;
  }
  if (plan.unload) {
    const code = await unloadKernel(plan);
    if (code !== 0) return code;
  }
  if (plan.load) {
    if (plan.kernel === null) {
      complain("No kernel specified");
      process.stdout.write(kexecHelp());
      return FAILED;
    }
    const code = await loadKernel(plan, cmdlineOf(plan), complain);
    if (code !== 0) return code;
  }
  if ((plan.shutdown || plan.exec) && readLoaded(LOADED) === 0) return refuse("Nothing has been loaded!");
  if (plan.shutdown) return shutdown();
  if (plan.sync && !(await sync({ timeoutMs: SYNC_MS }))) {
    complain(`sync did not finish within ${SYNC_MS / 1000} s: going on without it`);
  }
  if (plan.ifdown) takeInterfacesDown();
  if (plan.exec) return exec();
  return plan.jumpBackHelper ? loadJumpBackHelper(plan) : 0;
}

function refuse(message: string): 1 {
  complain(message);
  return 1;
}

/** @returns the exit code */
async function unloadKernel(plan: KexecPlan): Promise<number> {
  try {
    await (plan.crash ? unloadCrash() : unload());
    if (!plan.crash) rmSync(BY_HAND, { force: true });
    return 0;
  } catch (error) {
    complain(`kexec unload failed: ${describeError(error)}`);
    const isMissing = plan.call === "file" && error instanceof KexecError && error.errnoName === "ENOSYS";
    if (isMissing) complain("syscall kexec_file_load not available.");
    return isMissing ? NOT_AVAILABLE : FAILED;
  }
}

/** Says something only where it fails. */
async function exec(): Promise<number> {
  if (inOwnImage()) await unmountDisks();
  try {
    jump();
    // Only a kernel that was loaded with --load-preserve-context comes back.
    return 0;
  } catch (error) {
    complain(`kexec failed: ${describeError(error)}`);
  }
  return FAILED;
}

/** In Baton's image nothing else does it; elsewhere the system's own shutdown does, and kexec(8) leaves that to it. */
async function unmountDisks(): Promise<void> {
  const mounts = parseMountinfo(readFileSync("/proc/self/mountinfo", "utf8"));
  for (const { mountPoint, source } of mounts.toReversed()) {
    if (!source.startsWith("/dev/") || mountPoint === "/") continue;
    await unmount(mountPoint, { lazy: false, timeoutMs: UNMOUNT_MS }).catch((error) => complain(describeError(error)));
  }
}

function takeInterfacesDown(): void {
  try {
    for (const name of networkInterfaces()) ifdown(name);
  } catch (error) {
    // As kexec(8): a card that stays up is no reason to stay.
    complain(`ifdown: ${describeError(error)}`);
  }
}

/** The rest is the system's: its shutdown ends with `kexec -e`. */
function shutdown(): number {
  const program = SHUTDOWN.find((path) => existsSync(path));
  if (program === undefined) {
    complain("shutdown: there is no such program here; `kexec -e` runs the kernel that is loaded now");
    return FAILED;
  }
  const { status, error } = spawnSync(program, ["-r", "now"], { stdio: "inherit" });
  if (error) complain(`${program}: ${describeError(error)}`);
  return status ?? FAILED;
}

async function loadJumpBackHelper(plan: KexecPlan): Promise<number> {
  if (readLoaded(LOADED) !== 0) {
    complain("There is kexec kernel loaded, make sure you are in kexeced kernel.");
    return FAILED;
  }
  if (plan.entry === null || plan.entry === 0n) {
    complain("Please specify jump back entry in command line");
    return FAILED;
  }
  try {
    const nothing = { buffer: new Uint8Array(0), bufferSize: 0, address: 0n, memorySize: 0n };
    await kexecLoad(plan.entry, [nothing], KEXEC_PRESERVE_CONTEXT);
    return 0;
  } catch (error) {
    complain(`load jump back kernel failed: ${describeError(error)}`);
    return FAILED;
  }
}

/** 0 or 1; null where the kernel doesn't say. */
function readLoaded(path: string): number | null {
  try {
    const text = readFileSync(path, "latin1").trim();
    return /^\d$/.test(text) ? Number(text) : null;
  } catch {
    return null;
  }
}

/** Bytes kept for a crash kernel. */
async function crashSize(): Promise<bigint> {
  try {
    return BigInt(readFileSync(CRASH_SIZE, "latin1").trim());
  } catch {
    return (await readIomem().catch(() => null))?.filterByType("crash-kernel").size ?? 0n;
  }
}

function cmdlineOf(plan: KexecPlan): string {
  if (!plan.reuseCmdline) return plan.append ?? "";
  const own = runningCmdline(plan);
  return plan.append === null ? own : `${own} ${plan.append}`;
}

/**
 * The running kernel's, without what its loader told it about itself, and for a crash kernel without the memory that
 * is kept for one.
 */
function runningCmdline(plan: KexecPlan): string {
  const dropped = plan.crash ? /^(BOOT_IMAGE|crashkernel)/ : /^BOOT_IMAGE/;
  const words = readFileSync("/proc/cmdline", "utf8").trim().split(/\s+/);
  return words.filter((word) => !dropped.test(word)).join(" ");
}
