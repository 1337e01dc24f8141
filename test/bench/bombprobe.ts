/**
 * `tsx test/bench/bombprobe.ts HARMLESS FOLDER TYPE`: reads a folder as a stick, after a harmless one, and prints what
 * that cost as one line of JSON, a {@link BombCost}. A process of its own for each: what one leaves behind is another's.
 */

import { readFileSync, writeFileSync } from "node:fs";
import { Discovery } from "../../src/discovery/discovery.ts";
import { openDirectory } from "../../src/volumes/directory.ts";
import { filesystem } from "../../src/volumes/filesystems.ts";
import type { Volume } from "../../src/volumes/volume.ts";

/** Times of the main thread in milliseconds, memory in MiB. */
export interface BombCost {
  readonly cpuMs: number;
  /** The longest time during which nothing else ran, and the CPU time of it: what another process took isn't in that. */
  readonly stallMs: number;
  readonly stallCpuMs: number;
  /** Resident at its peak, above what was resident before. */
  readonly extraMiB: number;
  readonly wallMs: number;
  readonly entries: number;
}

const [harmless, folder, type = "ext4"] = process.argv.slice(2);
if (harmless === undefined || folder === undefined) throw new Error("usage: bombprobe.ts HARMLESS FOLDER [TYPE]");

/** As a stick that is plugged in. */
async function read(directory: string, type: string): Promise<Discovery> {
  const reader = openDirectory(directory, { caseInsensitive: filesystem(type).caseless ?? false });
  const volume: Volume = {
    ...{ name: "sda1", type, uuid: "B0B0-0001", label: null, partuuid: null, partlabel: null },
    ...{ disk: "sda", partition: 1, scheme: "msdos", removable: true },
    reader,
    hostPath: (path) => reader.hostPath(path),
    close: async () => {},
  };
  const discovery = new Discovery({ firmware: "efi", arch: "x86_64" });
  const { name, uuid, label } = volume;
  discovery.attach(volume, { name, type, uuid, label, size: null, model: null, transport: "usb", reason: null });
  await discovery.scan();
  await discovery.scanIsoFiles();
  return discovery;
}

/** CPU time of this thread in milliseconds (Documentation/scheduler/sched-stats.rst). */
const threadCpu = (): number => Number(readFileSync("/proc/thread-self/schedstat", "latin1").split(" ")[0]) / 1e6;
const memory = (field: "VmRSS" | "VmHWM"): number =>
  Number(new RegExp(`^${field}:\\s+(\\d+) kB$`, "m").exec(readFileSync("/proc/self/status", "latin1"))?.[1]) / 1024;

for (let round = 0; round < 3; round++) await read(harmless, type);
globalThis.gc?.();
writeFileSync("/proc/self/clear_refs", "5");
const before = { cpu: threadCpu(), memory: memory("VmRSS"), wall: performance.now() };
let last = { cpu: before.cpu, wall: before.wall };
let stallMs = 0;
let stallCpuMs = 0;
const tick = (): void => {
  const now = { cpu: threadCpu(), wall: performance.now() };
  stallMs = Math.max(stallMs, now.wall - last.wall);
  stallCpuMs = Math.max(stallCpuMs, now.cpu - last.cpu);
  last = now;
};
const ticker = setInterval(tick, 1);
const discovery = await read(folder, type);
tick();
clearInterval(ticker);
const cost: BombCost = {
  cpuMs: last.cpu - before.cpu,
  stallMs,
  stallCpuMs,
  extraMiB: memory("VmHWM") - before.memory,
  wallMs: last.wall - before.wall,
  entries: discovery.list.entries.length,
};
console.log(JSON.stringify(cost));
process.exit(0);
