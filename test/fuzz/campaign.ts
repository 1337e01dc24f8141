/**
 * Fuzzing for a given time: `tsx test/fuzz/FORMAT.ts [SECONDS] [SEED]`. Inputs come from grammar-aware generators and
 * are then damaged; each must be read in time and in bounded memory, without an exception, into something well formed. What fails is
 * printed with its seed and shrunk; it belongs into the format's tests.
 */

import { Worker } from "node:worker_threads";
import fc from "fast-check";

/** Longest time for one input, on a slow and busy machine. */
const SLOWEST_MS = 5000;
/** For so long nothing else may run: then the watchdog ends the process, for the program itself can't any more. */
const BLOCKED_MS = 10_000;
/** What one input may leave on the heap, garbage included, and what all of them may take at once. Bytes. */
const MAX_GROWTH = 128 << 20;
const MAX_RESIDENT = 1 << 30;

export interface Campaign<T> {
  readonly name: string;
  readonly input: fc.Arbitrary<T>;
  /** Rejects where something is wrong. */
  check(input: T): Promise<void>;
}

/**
 * Watches from a thread of its own: an input that never lets the event loop run is told by its seed.
 * @returns called before each input with its seed and number
 */
function watchdog(name: string): (seed: number, run: number) => void {
  const shared = new BigInt64Array(new SharedArrayBuffer(3 * BigInt64Array.BYTES_PER_ELEMENT));
  const alive = (): unknown => Atomics.store(shared, 0, BigInt(Date.now()));
  alive();
  setInterval(alive, 100).unref();
  const watch = `
    const { workerData: { shared, name, limit } } = require("node:worker_threads");
    for (;;) {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 500);
      const blocked = Date.now() - Number(Atomics.load(shared, 0));
      if (blocked < limit) continue;
      const [seed, run] = [Atomics.load(shared, 1), Atomics.load(shared, 2)];
      require("node:fs").writeSync(2, name + ": seed " + seed + ", input " + run + " blocks the event loop\\n");
      process.kill(process.pid, "SIGKILL");
    }`;
  new Worker(watch, { eval: true, workerData: { shared, name, limit: BLOCKED_MS } }).unref();
  return (seed, run) => {
    alive();
    Atomics.store(shared, 1, BigInt(seed));
    Atomics.store(shared, 2, BigInt(run));
  };
}

/** Runs until the time is over; the process exits with 1 at the first find. */
export async function fuzz<T>({ name, input, check }: Campaign<T>): Promise<void> {
  const seconds = Number(process.argv[2] ?? 60);
  const first = Number(process.argv[3] ?? Date.now() % 0x7fffffff);
  const end = performance.now() + seconds * 1000;
  let inputs = 0;
  let slowest = 0;
  const begin = watchdog(name);
  for (let round = 0; performance.now() < end; round++) {
    const seed = first + round;
    const property = fc.asyncProperty(input, async (value) => {
      begin(seed, inputs);
      const { heapUsed } = process.memoryUsage();
      const start = performance.now();
      await check(value);
      const took = performance.now() - start;
      slowest = Math.max(slowest, took);
      inputs++;
      if (took > SLOWEST_MS) throw new Error(`it took ${Math.round(took)} ms`);
      const { heapUsed: after, rss } = process.memoryUsage();
      if (after - heapUsed > MAX_GROWTH) throw new Error(`the heap grew by ${(after - heapUsed) >> 20} MiB`);
      if (rss > MAX_RESIDENT) throw new Error(`${Math.round(rss / (1 << 20))} MiB are resident`);
    });
    const details = await fc.check(property, {
      seed,
      numRuns: 200,
      interruptAfterTimeLimit: end - performance.now() + 1000,
    });
    if (details.failed && details.counterexample !== null) {
      console.error(`${name}: seed ${seed}\n${fc.stringify(details.counterexample[0])}`);
      console.error(details.errorInstance);
      process.exit(1);
    }
  }
  console.log(`${name}: ${inputs} inputs in ${seconds} s, the slowest ${Math.round(slowest)} ms, first seed ${first}`);
}

/** A text with some of its bytes changed, doubled, or cut away. */
export function damaged(text: fc.Arbitrary<string>): fc.Arbitrary<Uint8Array> {
  const change = fc.record({
    at: fc.nat(2000),
    kind: fc.constantFrom("set", "insert", "cut", "repeat"),
    bytes: fc.oneof(fc.uint8Array({ minLength: 1, maxLength: 4 }), fc.constantFrom(...NASTY)),
  });
  return fc
    .tuple(text, fc.array(change, { maxLength: 4 }))
    .map(([whole, changes]) => changes.reduce(applyChange, new TextEncoder().encode(whole)));
}

const NASTY = [
  "\0",
  "\r\n",
  "\ufeff",
  "\u202e",
  "\u001b[2J",
  "\\",
  '"',
  "'",
  "^",
  "{",
  "$",
  "#",
  "../",
  "%s",
  "\u2028",
].map((s) => new TextEncoder().encode(s));

function applyChange(input: Uint8Array, change: { at: number; kind: string; bytes: Uint8Array }): Uint8Array {
  const at = input.length === 0 ? 0 : change.at % input.length;
  const before = input.subarray(0, at);
  const after = input.subarray(at);
  if (change.kind === "cut") return Uint8Array.from([...before, ...after.subarray(change.bytes.length * 7)]);
  if (change.kind === "repeat") return Uint8Array.from([...before, ...after, ...after]);
  const rest = change.kind === "set" ? after.subarray(change.bytes.length) : after;
  return Uint8Array.from([...before, ...change.bytes, ...rest]);
}
