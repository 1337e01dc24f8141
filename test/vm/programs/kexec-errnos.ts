/**
 * Runs in a machine (kexec-errnos.full.test.ts): provokes the kernel's refusals of kexec one by one, through the library as
 * anybody would use it, and prints `case NAME: ERRNO: SENTENCE` for each.
 */

import { spawn } from "node:child_process";
import { closeSync, copyFileSync, fstatSync, ftruncateSync, mkdirSync, openSync, writeFileSync } from "node:fs";
import { describeError } from "../../../src/errors.ts";
import { KexecError } from "../../../src/kexec/explain.ts";
import {
  fileLoad,
  KEXEC_ARCH,
  KEXEC_FILE_ON_CRASH,
  KEXEC_ON_CRASH,
  KEXEC_PRESERVE_CONTEXT,
  load,
  loadPrepared,
  reboot,
  unload,
} from "../../../src/kexec/load.ts";
import { Memory, type Segment } from "../../../src/kexec/memory.ts";
import { readIomem } from "../../../src/kexec/memorymap.ts";
import { Range } from "../../../src/kexec/ranges.ts";

const KERNEL = process.argv[2]!;
const MIB = 1 << 20;

async function attempt(name: string, call: () => Promise<unknown>): Promise<void> {
  const outcome = await call().then(
    () => "none: it was taken",
    (error) => `${error instanceof KexecError ? error.errnoName : "userland"}: ${describeError(error)}`,
  );
  process.stdout.write(`case ${name}: ${outcome}\n`);
}

const file = (path: string) => {
  const fd = openSync(path, "r");
  return { fd, size: fstatSync(fd).size };
};

function sparse(path: string, size: number): string {
  const fd = openSync(path, "w");
  ftruncateSync(fd, size);
  closeSync(fd);
  return path;
}

/** One segment where there is room, entered at its start. */
async function laidOut(size: bigint): Promise<{ entry: bigint; segments: readonly Segment[] }> {
  const memory = new Memory(await readIomem());
  const entry = memory.add(Buffer.from("f4ebfd", "hex"), { name: "test", memorySize: size });
  return { entry, segments: memory.alignAndMerge() };
}

/** What the library itself would refuse, straight to the kernel. */
async function unchecked(ranges: readonly Range[], buffer: Uint8Array | bigint = Buffer.alloc(16)): Promise<void> {
  const segments = ranges.map((range) => ({ name: "test", range, parts: [] }));
  const table = ranges.map(({ start, size }) => ({ buffer, bufferSize: 16, address: start, memorySize: size }));
  await loadPrepared(ranges[0]!.start, { segments, table, release: () => {} });
}

async function fileCalls(): Promise<void> {
  const kernel = file(KERNEL);
  writeFileSync("/tmp/text", "no kernel\n".repeat(100));
  writeFileSync("/tmp/empty", "");
  mkdirSync("/tmp/folder");
  await attempt("file, closed", () => fileLoad({ fd: 900, size: 1 }, null, ""));
  await attempt("file, initrd closed", () => fileLoad(kernel, { fd: 901, size: 1 }, ""));
  await attempt("file, text", () => fileLoad(file("/tmp/text"), null, ""));
  await attempt("file, empty", () => fileLoad(file("/tmp/empty"), null, ""));
  await attempt("file, folder", () => fileLoad({ ...file("/tmp/folder"), size: 1 }, null, ""));
  await attempt("file, flags", () => fileLoad(kernel, null, "", 0x80));
  await attempt("file, command line", () => fileLoad(kernel, null, "x".repeat(2500)));
  await attempt("file, crash", () => fileLoad(kernel, null, "", KEXEC_FILE_ON_CRASH));
  await attempt("file, larger than memory", () => fileLoad(file(sparse("/tmp/large", 3072 * MIB)), null, ""));
  copyFileSync(KERNEL, "/tmp/written");
  const writing = openSync("/tmp/written", "r+");
  await attempt("file, written", () => fileLoad(file("/tmp/written"), null, ""));
  closeSync(writing);
  await attempt("file, kernel", () => fileLoad(kernel, null, "quiet"));
}

async function classicCalls(): Promise<void> {
  const { entry, segments } = await laidOut(4096n);
  const { start } = segments[0]!.range;
  await attempt("segments, flags", () => load(entry, segments, 0x40));
  await attempt("segments, another architecture", () => load(entry, segments, KEXEC_ARCH.AARCH64));
  await attempt("segments, context", () => load(entry, segments, KEXEC_PRESERVE_CONTEXT));
  await attempt("segments, crash", () => load(entry, segments, KEXEC_ON_CRASH));
  const large = await laidOut(BigInt(1200 * MIB));
  await attempt("segments, over half of memory", () => load(large.entry, large.segments));
  const page = (index: number) => Range.ofSize(start + BigInt(index) * 4096n, 4096n);
  await attempt("segments, seventeen", () => unchecked(Array.from({ length: 17 }, (_, index) => page(index))));
  await attempt("segments, overlapping", () => unchecked([page(0), Range.ofSize(start, 8192n)]));
  await attempt("segments, half a page", () => unchecked([Range.ofSize(start + 2048n, 4096n)]));
  await attempt("segments, unreadable", () => unchecked([page(0)], 4096n));
  await attempt("segments, taken", () => load(entry, segments));
}

/** Another process loads and loads again; one of our calls meets it. */
async function busy(): Promise<void> {
  const other = spawn(process.execPath, [process.argv[1]!, "load for ever"], { stdio: "inherit" });
  try {
    await attempt("busy", async () => {
      const { entry, segments } = await laidOut(4096n);
      for (let tries = 0; tries < 5000; tries++) {
        try {
          await load(entry, segments);
        } catch (error) {
          if (error instanceof KexecError && error.errnoName === "EBUSY") throw error;
        }
        await new Promise((done) => setTimeout(done, 2));
      }
    });
  } finally {
    other.kill("SIGKILL");
    await new Promise((done) => other.once("close", done));
  }
}

async function loadForEver(): Promise<void> {
  const { entry, segments } = await laidOut(BigInt(300 * MIB));
  for (;;) await load(entry, segments).catch(() => {});
}

async function main(): Promise<void> {
  if (KERNEL === "load for ever") return loadForEver();
  await fileCalls();
  await classicCalls();
  await busy();
  await unload();
  await attempt("jump, nothing loaded", () => reboot());
  writeFileSync("/proc/sys/kernel/kexec_load_disabled", "1");
  const { entry, segments } = await laidOut(4096n);
  await attempt("switched off", () => load(entry, segments));
  process.setuid!(65534);
  await attempt("not root", () => load(entry, segments));
  await attempt("not root, file", () => fileLoad(file(KERNEL), null, ""));
  await attempt("not root, jump", () => reboot());
  process.stdout.write("cases: all\n");
}

void main();
