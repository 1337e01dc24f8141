/**
 * What a stranger's file may make slow, and what can't be made to pause, runs in a thread of its own, which may die alone:
 * at the end of its memory or its time. The thread runs what this program was started by, as `baton thread`.
 */

import { parentPort, Worker, workerData } from "node:worker_threads";
import { BatonError } from "./errors.ts";

/** Each takes what can be sent to a thread, and gives what JSON can carry, or an object with `bytes`. */
const JOBS = {
  yaml: async (text: string) => (await import("./yamlparse.ts")).parseYaml(text),
  bzip2: async (input: { packed: Uint8Array; limit: number }) => (await import("./bunzip.ts")).unpackBzip2(input),
} as const;

type Jobs = typeof JOBS;

/** What a job may use: of memory only V8's heap. */
interface ThreadLimits {
  readonly heapMiB: number;
  readonly milliseconds: number;
}

interface Order {
  readonly batonJob: keyof Jobs;
  readonly input: unknown;
}

/** Thousands of values come in half the time as JSON, which is read without a pause. */
type Answer =
  | { readonly json: string }
  | { readonly result: { readonly bytes: Uint8Array } }
  | { readonly fault: string };

/**
 * Does a job in a thread of its own.
 * @throws BatonError `too-large` where it uses more than it may; `bad-format` with what the job itself throws
 */
export async function inThread<Name extends keyof Jobs>(
  batonJob: Name,
  input: Parameters<Jobs[Name]>[0],
  { heapMiB, milliseconds }: ThreadLimits,
): Promise<Awaited<ReturnType<Jobs[Name]>>> {
  // From source, as tests run it, there is no such file: a thread would need their loader.
  const job: (input: Parameters<Jobs[Name]>[0]) => Promise<unknown> = JOBS[batonJob] as never;
  if (import.meta.filename.endsWith(".ts")) return (await job(input)) as Awaited<ReturnType<Jobs[Name]>>;
  const order: Order = { batonJob, input };
  const worker = new Worker(import.meta.filename, {
    workerData: order,
    argv: ["thread"],
    resourceLimits: { maxYoungGenerationSizeMb: 4, maxOldGenerationSizeMb: heapMiB },
  });
  let timer: NodeJS.Timeout | undefined;
  try {
    const answer = await new Promise<Answer>((resolve, reject) => {
      const tooMuch = (what: string): void => reject(new BatonError("too-large", `reading it takes more than ${what}`));
      timer = setTimeout(() => tooMuch(`${milliseconds / 1000} s`), milliseconds);
      worker.once("message", resolve);
      worker.once("error", (error: NodeJS.ErrnoException) => {
        if (error.code === "ERR_WORKER_OUT_OF_MEMORY") tooMuch(`${heapMiB} MiB of memory`);
        else reject(error);
      });
      worker.once("exit", () => reject(new Error("the thread ended without an answer")));
    });
    if ("fault" in answer) throw new BatonError("bad-format", answer.fault);
    return ("json" in answer ? JSON.parse(answer.json) : answer.result) as Awaited<ReturnType<Jobs[Name]>>;
  } finally {
    clearTimeout(timer);
    void worker.terminate();
  }
}

/** In the thread: does the job that it was started for. @returns the exit code */
export async function thread(): Promise<number> {
  if (workerData === null) throw new BatonError("usage", "thread: only Baton itself calls this command");
  const { batonJob, input } = workerData as Order;
  try {
    const job: (input: never) => Promise<object | { bytes: Uint8Array }> = JOBS[batonJob];
    const result = await job(input as never);
    // Bytes are handed over, not copied.
    if ("bytes" in result) parentPort!.postMessage({ result }, [result.bytes.buffer as ArrayBuffer]);
    else parentPort!.postMessage({ json: JSON.stringify(result) });
  } catch (error) {
    parentPort!.postMessage({ fault: error instanceof Error ? error.message : String(error) });
  }
  return 0;
}
