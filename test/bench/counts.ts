/**
 * A start counted, not timed. QEMU's clock goes by the guest's instructions, one a nanosecond, so that an image gives the
 * same figures on a quiet host and on a busy one, to about 1 %. On hardware time follows the instructions; in an emulator
 * it follows the blocks of code that it meets for the first time and translates.
 */

import { readFile } from "node:fs/promises";
import { cpioDevice, cpioDirectory, cpioFile, cpioSymlink, writeCpio } from "../../src/binary/cpio.ts";
import { batonCmdline, initramfsWith, inside } from "../vm/baton.ts";
import { type Machine, type MachineOptions, withMachine } from "../vm/machine.ts";
import { grubDisk } from "../vm/menudisk.ts";
import { busyboxPath, imageOrigin, initrdFile, KERNEL } from "../vm/payload.ts";

/** A part of the start, by what ends it. */
export interface Phase {
  readonly name: string;
  /** 10⁹ instructions; where the processor had nothing to do, nanoseconds until the next timer count as such. */
  readonly gi: number;
  /** Translated blocks. */
  readonly blocks: number;
}

/** What the figures hang on beside Baton. */
export interface Versions {
  readonly qemu: string;
  readonly kernel: string;
  readonly node: string;
}

export interface Count {
  readonly versions: Versions;
  readonly phases: readonly Phase[];
}

/** What a small initramfs needs for {@link SAY_INIT}. */
export const DEVICES = [
  cpioDirectory("dev"),
  cpioDevice("dev/console", "character", 5, 1),
  cpioDevice("dev/kmsg", "character", 1, 11),
];
/** The first line of /init: a shell's own command, before any process is started. */
export const SAY_INIT = 'echo "<3>bench: init" >/dev/kmsg';
export const INIT_LINE = /\[ *([\d.]+)\] bench: init/;
export const MENU_LINE = /\[ *([\d.]+)\] baton: menu ready/;

/** A busy host takes its time. */
const PATIENCE = { timeoutMs: 600_000 };

const PHASES = [
  { name: "kernel start → /init", line: INIT_LINE },
  { name: "/init → Baton's first line", line: /\[ *([\d.]+)\] baton: start/ },
  { name: "first line → menu ready", line: MENU_LINE },
] as const;

/** The initramfs of the floor: a tiny one that says it is up. */
export async function floorInitramfs(): Promise<string> {
  const initrd = writeCpio([
    ...DEVICES,
    cpioDirectory("bin"),
    cpioFile("bin/busybox", await readFile(await busyboxPath()), 0o755),
    cpioSymlink("bin/sh", "busybox"),
    cpioFile("init", Buffer.from(`#!/bin/sh\n${SAY_INIT}\nexec /bin/busybox sleep 1000\n`), 0o755),
  ]);
  return initrdFile("floor", initrd);
}

async function options(name: string, initrd: string): Promise<MachineOptions> {
  const cmdline = batonCmdline({ name, vga: true, words: "baton.timeout=-1" });
  // A terminal's answers would come when the host has time for them.
  const still = { isCounted: true, answersQueries: false };
  return {
    ...{ name, initrd, cmdline, ...still, kernel: KERNEL, vga: true },
    disks: [{ image: await grubDisk(), attach: "virtio" }],
  };
}

async function monitor(machine: Machine, command: string): Promise<string> {
  return String(await machine.call("human-monitor-command", { "command-line": command }));
}

async function translatedBlocks(machine: Machine): Promise<number> {
  return Number(/^TB count +(\d+)/m.exec(await monitor(machine, "info jit"))?.[1]);
}

async function versions(machine: Machine): Promise<Versions> {
  const { qemu } = (await machine.call("query-version")) as { qemu: { major: number; minor: number; micro: number } };
  const { kernel, node } = imageOrigin()!;
  return { qemu: `${qemu.major}.${qemu.minor}.${qemu.micro}`, kernel, node: node.version };
}

/** Waits for the end of each phase. The firmware's blocks are among the first one's. */
async function phasesOf(
  machine: Machine,
  expected: readonly { readonly name: string; readonly line: RegExp }[],
): Promise<Phase[]> {
  const phases: Phase[] = [];
  let [giBefore, blocksBefore] = [0, 0];
  for (const { name, line } of expected) {
    const gi = Number((await machine.serial.waitFor(line, PATIENCE)).match[1]);
    const blocks = await translatedBlocks(machine);
    phases.push({ name, gi: gi - giBefore, blocks: blocks - blocksBefore });
    [giBefore, blocksBefore] = [gi, blocks];
  }
  return phases;
}

/** From the kernel's start to the menu: the image in dist/, one processor, 2 GiB, one disk with GRUB's menu. */
export async function countStart(): Promise<Count> {
  const initrd = await initramfsWith("baton-bench", SAY_INIT, DEVICES);
  return withMachine(await options("counts-baton", initrd), async (machine) => ({
    versions: await versions(machine),
    phases: await phasesOf(machine, PHASES),
  }));
}

/** The same machine and kernel to the first line of a tiny /init. */
export async function countFloor(): Promise<Phase> {
  return withMachine(await options("counts-floor", await floorInitramfs()), async (machine) => {
    const [phase] = await phasesOf(machine, PHASES.slice(0, 1));
    return phase!;
  });
}

/** The same machine with a kernel that has Baton inside, to the menu. */
export async function countFlash(kernel: string): Promise<Phase> {
  const { initrd: _, ...machine } = await options("counts-flash", "");
  const start = { ...machine, kernel, cmdline: "baton.timeout=-1" };
  return withMachine(start, async (running) => {
    const phase = { name: "kernel start → menu ready", line: MENU_LINE } as const;
    return (await phasesOf(running, [phase]))[0]!;
  });
}

export function total(phases: readonly Phase[]): Phase {
  const sum = (of: (phase: Phase) => number): number => phases.reduce((all, phase) => all + of(phase), 0);
  return { name: "kernel start → menu ready", gi: sum(({ gi }) => gi), blocks: sum(({ blocks }) => blocks) };
}

/** The I/O port of the timer that ACPI's tables of QEMU's machines name, how fast it counts, and where it begins anew. */
const PM_TIMER = { port: 0x608, hertz: 3_579_545, wraps: 2 ** 24 };
/** Of lines that come closer together, one is enough. */
const STEP_GI = 0.02;

/**
 * What happens from power-on to the menu's first frame on the serial line, with the instructions up to each moment and
 * since the one before: the kernel's own log, and Baton's.
 */
export async function traceStart(): Promise<string> {
  // The shell waits for a line, which costs nothing.
  const shell = "(read -r line; exec sh -i) <>/dev/ttyS1 >&0 2>&1 &";
  const more = [...DEVICES, cpioDevice("dev/ttyS1", "character", 4, 65)];
  const initrd = await initramfsWith("baton-trace", `${SAY_INIT}\n${shell}`, more);
  const { cmdline, ...rest } = await options("counts-trace", initrd);
  const traced = { ...rest, cmdline: `${cmdline} baton.debug`, secondSerial: true };
  return withMachine(traced, async (machine) => {
    const sinceOn = async (): Promise<number> => {
      const ticks = Number(/= *(0x[0-9a-f]+)/.exec(await monitor(machine, `i /w ${PM_TIMER.port}`))?.[1]);
      return ticks / PM_TIMER.hertz;
    };
    const { match } = await machine.serial.waitFor(INIT_LINE, PATIENCE);
    const wrap = PM_TIMER.wraps / PM_TIMER.hertz;
    const begun = ((await sinceOn()) - Number(match[1]) + wrap) % wrap;
    await machine.serial.waitFor(MENU_LINE, PATIENCE);
    await machine.serial.waitForScreen(/Alpha system/);
    const frame = await sinceOn();
    machine.serial2!.write("\n");
    const log = [...(await inside(machine, "dmesg")).matchAll(/^\[ *([\d.]+)\] (.*)$/gm)];
    const lines = log.map(([, at, text]) => ({ at: begun + Number(at), text: text! }));
    const last = lines.find(({ text }) => /menu ready/.test(text))?.at ?? 0;
    const shown = lines.filter(({ at, text }) => at <= last && (at > begun || /Linux version/.test(text)));
    // The timer has begun anew since, how often the menu's own line tells.
    const end = frame + Math.round((last - frame) / wrap + 0.5) * wrap;
    return timeline([...shown, { at: end, text: "the first frame is on the terminal" }]);
  });
}

function timeline(events: readonly { readonly at: number; readonly text: string }[]): string {
  const lines = ["     Gi     since", "  0.000            power-on"];
  let before = 0;
  for (const { at, text } of events) {
    const isMilestone = /^(baton|bench): |Linux version|first frame|Freeing initrd|as init process/.test(text);
    if (!isMilestone && at - before < STEP_GI) continue;
    lines.push(`${at.toFixed(3).padStart(7)}  ${`+${(at - before).toFixed(3)}`.padStart(8)}  ${text.slice(0, 100)}`);
    before = at;
  }
  return `${lines.join("\n")}\n`;
}
