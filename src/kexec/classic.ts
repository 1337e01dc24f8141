/**
 * Loading by kexec_load(2), the classic call: what the new kernel finds where is laid out here and not by the kernel, and
 * no digest is made of it, which is most of the other call's time.
 */

import { BatonError } from "../errors.ts";
import type { SegmentMemory, Start } from "../images/segment.ts";
import { mebibytes } from "./explain.ts";
import { checkWanted, type ReadOptions } from "./files.ts";
import { loadPrepared, prepareSegments } from "./load.ts";
import { checkSegments, Memory, type Segment } from "./memory.ts";
import { type MemoryMap, readIomem } from "./memorymap.ts";
import type { LoadMethod, LoadRequest } from "./method.ts";
import { type KexecState, readKexecState } from "./state.ts";
import { addStart } from "./trampoline.ts";

/** An image's loader, joined with the files of a request (loader/methods.ts). */
export type LayOut = (request: LoadRequest, memory: SegmentMemory, reading: ReadOptions) => Promise<Start>;

/** What the method needs of the system, so that tests can stand in for it. */
interface ClassicSystem {
  readMap(): Promise<MemoryMap>;
  readState(): Promise<KexecState>;
  prepare: typeof prepareSegments;
  load: typeof loadPrepared;
}

const SYSTEM: ClassicSystem = {
  readMap: () => readIomem(),
  readState: () => readKexecState(),
  prepare: prepareSegments,
  load: loadPrepared,
};

/** What this process itself needs to go on while the kernel takes the segments. */
const SPARE = 16 * 1024 * 1024;

export function classicMethod(layOut: LayOut, system: ClassicSystem = SYSTEM): LoadMethod {
  return {
    name: "kexec_load",
    async load(request, reading) {
      const [map, state] = await Promise.all([system.readMap(), system.readState()]);
      const memory = new Memory(map, { wholeRooms: state.memoryEncrypted });
      const entry = addStart(memory, await layOut(request, memory, reading));
      const segments = memory.alignAndMerge();
      checkSegments(entry, segments);
      checkFree(state, segments);
      const { timeoutMs } = reading;
      const prepared = await system.prepare(segments, {
        timeoutMs,
        onRead: (part, bytes) => reading.onRead(part, bytes),
        ...(reading.isWanted ? { isWanted: reading.isWanted } : {}),
      });
      try {
        checkWanted(reading);
        await system.load(entry, prepared, 0, { timeoutMs });
        prepared.release();
      } catch (error) {
        // A call that was given up may still be reading from the mappings.
        if (!(error instanceof BatonError && error.code === "timeout")) prepared.release();
        throw error;
      }
    },
  };
}

/**
 * The kernel copies all segments; where there isn't that much, it would kill processes to get it, Baton first.
 * @throws BatonError `refused` with the numbers
 */
export function checkFree(state: Pick<KexecState, "memoryAvailable">, segments: readonly Segment[]): void {
  const needed = segments.reduce((sum, { range }) => sum + Number(range.size), 0);
  if (state.memoryAvailable === null || needed + SPARE <= state.memoryAvailable) return;
  throw new BatonError(
    "refused",
    `There is not enough free memory to load it: the new kernel and its initrd take ${mebibytes(needed)}, and ${mebibytes(state.memoryAvailable)} are free.`,
  );
}
