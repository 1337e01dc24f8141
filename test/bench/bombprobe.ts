/**
 * `bombprobe.cjs HARMLESS FOLDER TYPE`, bundled as the program is: reads a folder as a stick, after a harmless one, and
 * prints what that cost as one line of JSON, a {@link BombCost}. A process of its own for each: what one leaves behind is
 * another's. What has to run in a thread runs in one, which starts this file again.
 */

import { readFileSync, writeFileSync } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { readPartitionTable } from "../../src/devices/partitions/table.ts";
import { identifyWindow } from "../../src/devices/probes/table.ts";
import { Window } from "../../src/devices/probes/window.ts";
import { Deadline, withDevice } from "../../src/devices/reader.ts";
import { Discovery } from "../../src/discovery/discovery.ts";
import { thread } from "../../src/thread.ts";
import { deadlineFiles } from "../../src/volumes/files.ts";
import { filesystem } from "../../src/volumes/filesystems.ts";
import { groupsOf, parseReport } from "../../src/volumes/lvm.ts";
import { HostTree } from "../../src/volumes/tree.ts";
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

/** As a stick that is plugged in: its files are read as those of a mounted filesystem are. */
async function read(directory: string, type: string): Promise<number> {
  const caseInsensitive = filesystem(type).caseless ?? false;
  const reader = new HostTree(directory, deadlineFiles(10_000, "sda1"), { caseInsensitive });
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
  return discovery.list.entries.length;
}

/** @returns the partitions of what is a whole disk's content */
async function readDisk(path: string): Promise<number> {
  const { size } = await stat(path);
  const window = await withDevice(path, new Deadline(10_000), async (read) => {
    const all = new Window(read, size, { wholeDisk: true });
    return { table: await readPartitionTable(all), identity: await identifyWindow(all) };
  });
  return window.table?.partitions.length ?? 0;
}

/** @returns the logical volumes of which lvm tells */
async function readLvm(folder: string): Promise<number> {
  const rows = async (kind: "vg" | "lv"): Promise<Record<string, string>[]> =>
    parseReport(await readFile(join(folder, `${kind}s`), "utf8"), kind);
  return (await groupsOf(await rows("vg"), await rows("lv"))).flatMap(({ volumes }) => volumes).length;
}

/** @returns how many entries, partitions or volumes were found */
function readAs(type: string, folder: string): Promise<number> {
  if (type === "disk") return readDisk(join(folder, "disk"));
  return type === "lvm" ? readLvm(folder) : read(folder, type);
}

/** CPU time of this thread in milliseconds (Documentation/scheduler/sched-stats.rst). */
const threadCpu = (): number => Number(readFileSync("/proc/thread-self/schedstat", "latin1").split(" ")[0]) / 1e6;
const memory = (field: "VmRSS" | "VmHWM"): number =>
  Number(new RegExp(`^${field}:\\s+(\\d+) kB$`, "m").exec(readFileSync("/proc/self/status", "latin1"))?.[1]) / 1024;

async function probe(harmless: string, folder: string, type: string): Promise<BombCost> {
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
  const entries = await readAs(type, folder);
  tick();
  clearInterval(ticker);
  return {
    cpuMs: last.cpu - before.cpu,
    stallMs,
    stallCpuMs,
    extraMiB: memory("VmHWM") - before.memory,
    wallMs: last.wall - before.wall,
    entries,
  };
}

const [first, second, type = "ext4"] = process.argv.slice(2);
if (first === "thread") void thread();
else if (first === undefined || second === undefined) throw new Error("usage: bombprobe.cjs HARMLESS FOLDER [TYPE]");
else {
  void probe(first, second, type).then((cost) => {
    console.log(JSON.stringify(cost));
    process.exit(0);
  });
}
