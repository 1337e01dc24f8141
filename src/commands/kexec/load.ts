/** What `kexec -l` and `-p` load, by either system call. */

import { closeSync, writeFileSync } from "node:fs";
import { machine } from "node:os";
import { BatonError, describeError } from "../../errors.ts";
import { identifyImage } from "../../images/identify.ts";
import type { Image, ImageFormat } from "../../images/image.ts";
import { kexecTypeOf, kexecTypes } from "../../images/imagetypes.ts";
import type { Start } from "../../images/segment.ts";
import { checkFree } from "../../kexec/classic.ts";
import { KexecError } from "../../kexec/explain.ts";
import { checkFilesFree } from "../../kexec/fileload.ts";
import { joinFiles, type KexecFile, type ReadOptions } from "../../kexec/files.ts";
import { fileLoad, load } from "../../kexec/load.ts";
import { mayFallBack } from "../../kexec/loadfiles.ts";
import { Memory, NoRoomError, type Segment, segmentSize } from "../../kexec/memory.ts";
import { type MemoryMap, readIomem } from "../../kexec/memorymap.ts";
import type { LoadMethod, LoadRequest } from "../../kexec/method.ts";
import { sealSegments } from "../../kexec/purgatory.ts";
import { BY_HAND, type KexecState, readKexecState } from "../../kexec/state.ts";
import { addStart } from "../../kexec/trampoline.ts";
import { errnoText } from "../../linux/errno.ts";
import { KEXEC_FILE_ON_CRASH, KEXEC_ON_CRASH, KEXEC_PRESERVE_CONTEXT, kexecFlagNames } from "../../linux/kexec.ts";
import { memfd } from "../../linux/memfd.ts";
import { inOwnImage } from "../../linux/ownimage.ts";
import { type FoundKernel, loadOpened } from "../../loader/load.ts";
import { classicLoader } from "../../loader/methods.ts";
import { closeFiles, type OpenFile, openPath, plain, readAtOfFile } from "../../loader/openfiles.ts";
import { type EntryFiles, kernelAlone } from "../../loader/refs.ts";
import { withoutWrappings } from "../../loader/ubootfiles.ts";
import { ownCompatible } from "../../loader/ukiparts.ts";
import { addLogSink } from "../../log.ts";
import { printable } from "../../text.ts";
import { Passage } from "../../trust/gate.ts";
import { policyHere } from "../shared/ownpolicy.ts";
import type { KexecPlan } from "./options.ts";

/** How long a disk may take to give the next mebibyte: nobody is kept waiting by a dead one. */
const READ_MS = 120_000;

/** kexec(8)'s exit codes for loads that fail. */
export const FAILED = 255;
export const NOT_AVAILABLE = 253;
const UNREADABLE = 1;

type Say = (text: string) => void;

/** What went wrong is said already; ends with this exit code. */
class Told extends Error {
  readonly code: number;

  constructor(code: number) {
    super("what went wrong is said already");
    this.code = code;
  }
}

/** @returns the exit code; says on stderr what went wrong */
export async function loadKernel(plan: KexecPlan, cmdline: string, complain: Say): Promise<number> {
  const started = performance.now();
  const opened: OpenFile[] = [];
  const openNamed = async (path: string): Promise<OpenFile> => {
    const file = await openPath(path, path);
    opened.push(file);
    return file;
  };
  if (plan.debug) addLogSink(({ text }) => debug(text));
  try {
    const kernel = await openNamed(plan.kernel!);
    const initrd = plan.initrd === null ? null : await openNamed(plan.initrd);
    const empty = opened.find(({ size }) => size === 0);
    if (empty !== undefined) {
      complain(`Cannot read ${empty.name}: the file is empty`);
      return plan.call === "file" && empty === initrd ? NOT_AVAILABLE : UNREADABLE;
    }
    const { format } = await identifyImage(readAtOfFile(kernel), kernel.size);
    const given = {
      ...kernelAlone(kernel),
      initrds: initrd === null ? [] : [{ file: initrd, path: null }],
      devicetree: plan.devicetree === null ? null : await openNamed(plan.devicetree),
    };
    const wishes = { configuration: null, arch: machine(), compatible: await ownCompatible() };
    const files = await withoutWrappings(given, wishes);
    // Nobody has signed what is loaded by hand.
    const passage = Passage.through(await policyHere(), plan.kernel!, null);
    await loadOpened(files, passage, {
      cmdline,
      readTimeoutMs: READ_MS,
      choose: async (found) => {
        const request = await requestOf(plan, { ...found, format, files }, cmdline, openNamed, complain);
        return { ...request, methods: methodsFor(plan, found.image, request, complain) };
      },
    });
    if (plan.debug) debug(`loaded in ${(performance.now() - started).toFixed(1)} ms`);
    if (!plan.crash) markByHand();
    return 0;
  } catch (error) {
    if (error instanceof Told) return error.code;
    complainOf(error, plan, complain);
    return codeOf(error, plan);
  } finally {
    await closeFiles(opened);
  }
}

/** The kernel, the format of the file that it was in, and what came with it. */
interface Found extends FoundKernel {
  readonly format: ImageFormat;
  readonly files: EntryFiles<OpenFile>;
}

/** What the kernel that was found gets beside its initrds. */
async function requestOf(
  plan: KexecPlan,
  { image, format, devicetree: own, files }: Found,
  cmdline: string,
  openNamed: (path: string) => Promise<OpenFile>,
  complain: Say,
): Promise<Partial<LoadRequest>> {
  const wrong = typeRefusal(plan, image, format);
  if (wrong !== null) {
    complain(wrong);
    throw new Told(FAILED);
  }
  const isMultiboot = image.format.startsWith("multiboot");
  const modules: { file: KexecFile; cmdline: string }[] = [];
  if (!isMultiboot && plan.modules.length > 0) complain("--module: not used, since it is no multiboot kernel");
  for (const module of isMultiboot ? plan.modules : []) {
    modules.push({ file: plain(await openNamed(module.split(/\s/, 1)[0]!)), cmdline: module });
  }
  return {
    // As kexec-tools, the kernel's name first.
    cmdline: isMultiboot ? `${plan.kernel} ${cmdline}`.trimEnd() : cmdline,
    modules,
    devicetree: files.devicetree === null ? own : plain(files.devicetree),
    overlays: files.overlays.map(plain),
    // kexec(8)'s type of that name is the 32-bit way.
    x86: { ...plan.x86, entry32: plan.x86.entry32 || (plan.type === "bzImage" && plan.call === "classic") },
    ...(plan.crash ? { crash: true } : {}),
    ...(plan.preserveContext && plan.memoryMaximum !== null
      ? { within: { minimum: plan.memoryMinimum, maximum: plan.memoryMaximum } }
      : {}),
  };
}

/** kexec(8) reads files in one way for each call, and ends at once where they can't be read or have no room. */
function codeOf(error: unknown, { call }: KexecPlan): number {
  if (!(error instanceof BatonError)) return FAILED;
  const isMissing = error.code === "not-found" && call === "classic";
  const isBroken = error.code === "not-a-file" || error.code === "bad-format";
  return isMissing || isBroken || error instanceof NoRoomError ? UNREADABLE : FAILED;
}

/** What kexec(8) says of a call that failed, which programs look for: the error as strerror(3) has it. Then why. */
function complainOf(error: unknown, { kernel }: KexecPlan, complain: Say): void {
  if (error instanceof KexecError) {
    const text = errnoText(error.errno);
    complain(`${error.call} failed: ${text[0]!.toUpperCase()}${text.slice(1)}`);
  }
  complain(`Cannot load ${kernel}: ${describeError(error)}`);
}

/** In Baton's image: what a person has loaded is not replaced by what the menu loads ahead (session/loadahead.ts). */
function markByHand(): void {
  if (inOwnImage()) writeFileSync(BY_HAND, "");
}

/**
 * What is wrong with --type, told with what the file is.
 * @param outer the format of the file that the kernel was in
 */
function typeRefusal({ type, kernel }: KexecPlan, image: Image, outer: ImageFormat): string | null {
  const found = kexecTypeOf(image);
  if (type !== null) {
    const types = kexecTypes();
    const format = types.get(type);
    if (format === undefined) {
      return `Unsupported kernel type ${type}: the types are ${[...types.keys()].join(", ")}`;
    }
    if (format !== image.format && format !== outer) {
      const matches = found === null ? "no type" : `type ${found}`;
      return `Wrong file type ${type}, file matches ${matches}: it is ${image.description}`;
    }
  }
  if (found !== null) return null;
  return `Cannot determine the file type of ${kernel}: ${image.reason ?? `it is ${image.description}`}`;
}

/** The ways that the options leave: where none is named, kexec_load follows kexec_file_load. */
function methodsFor(
  plan: KexecPlan,
  image: Image,
  request: Partial<LoadRequest>,
  complain: Say,
): readonly LoadMethod[] {
  const classic = classicWay(plan, image, complain);
  if (plan.call === "classic") return [classic];
  const file = fileWay(plan, image, complain);
  if (plan.call === "file") return [file];
  // Nothing but a kernel's own format is known to it; what needs more than files goes the other way.
  const wishes = Object.values(request.x86 ?? {}).includes(true);
  const more = (request.modules?.length ?? 0) + (request.overlays?.length ?? 0);
  const special = wishes || more > 0 || request.devicetree !== null || plan.entry !== null;
  return special || !image.fileLoad.includes(machine()) ? [classic] : [file, classic];
}

/** kexec_file_load. The kernel reads whole files from their beginning: what isn't one is copied into memory first. */
function fileWay(plan: KexecPlan, image: Image, complain: Say): LoadMethod {
  const byFile = async (request: LoadRequest, reading: ReadOptions): Promise<void> => {
    const copies: number[] = [];
    const whole = async (files: readonly KexecFile[]): Promise<KexecFile | null> => {
      const [only, ...others] = files;
      if (only === undefined) return null;
      if (others.length === 0 && only.offset === undefined) return only;
      const fd = memfd("kexec");
      copies.push(fd);
      return { fd, size: await joinFiles(fd, files, reading), name: only.name };
    };
    try {
      const kernel = (await whole([request.kernel]))!;
      const initrd = await whole(request.initrds);
      const flags = plan.crash ? KEXEC_FILE_ON_CRASH : 0;
      // A crash kernel goes into memory of its own.
      if (!plan.crash) {
        checkFilesFree(await readKexecState(), { kernelSize: kernel.size, initrdSize: initrd?.size ?? 0 });
      }
      if (plan.debug)
        debug(`kexec_file_load: kernel ${kernel.size} bytes, initrd ${initrd?.size ?? 0} bytes: ${request.cmdline}`);
      const { cmdlineLimit = null } = request;
      await fileLoad({ ...kernel, cmdlineLimit }, initrd, request.cmdline, flags, { timeoutMs: READ_MS });
    } finally {
      for (const fd of copies) closeSync(fd);
    }
  };
  return {
    name: "kexec_file_load",
    async load(request, reading) {
      try {
        await byFile(request, reading);
      } catch (error) {
        if (plan.call === "auto" || !mayFallBack("kexec_file_load", error)) throw error;
        // The running kernel takes no ELF files. kexec(8) lays them out all the same, and ends where they are no kernels.
        if (image.format === "ELF") {
          await classicLoader(image, machine())?.(request, await memoryFor(plan, await readKexecState()), reading);
        }
        complainOf(error, plan, complain);
        complain("syscall kexec_file_load not available.");
        throw new Told(NOT_AVAILABLE);
      }
    },
  };
}

/** kexec_load, with what the options say of memory, and kexec(8)'s check of it before the new kernel starts. */
function classicWay(plan: KexecPlan, image: Image, complain: Say): LoadMethod {
  return {
    name: "kexec_load",
    async load(request, reading) {
      const layOut = classicLoader(image, machine());
      if (layOut === null) {
        complain(`Cannot load ${plan.kernel}: ${image.reason ?? `it is ${image.description}`}`);
        throw new Told(FAILED);
      }
      const state = await readKexecState();
      const memory = await memoryFor(plan, state);
      const start = await layOut(request, memory, reading);
      // As kexec(8): memory is checked unless -i. A kernel that comes back enters it twice.
      const checked = !plan.skipChecks && !plan.preserveContext && start.cpu !== "aarch64";
      const { entry: own, segments } = checked ? sealSegments(memory, start) : plainSegments(plan, memory, start);
      const entry = plan.entry === null || plan.preserveContext ? own : plan.entry;
      const flags = (plan.crash ? KEXEC_ON_CRASH : 0) | (plan.preserveContext ? KEXEC_PRESERVE_CONTEXT : 0);
      if (plan.debug) showSegments(entry, flags, segments);
      if (!plan.crash) checkFree(state, segments);
      try {
        await load(entry, segments, flags, { timeoutMs: READ_MS });
      } catch (error) {
        complainOf(error, plan, complain);
        if (!plan.debug) showSegments(entry, flags, segments);
        throw new Told(FAILED);
      }
    },
  };
}

async function memoryFor(plan: KexecPlan, { memoryEncrypted }: KexecState): Promise<Memory> {
  const map = await readIomem();
  if (plan.debug) showRanges(map);
  return new Memory(map, {
    // A kernel that may come back changes nothing that it isn't given.
    wholeRooms: plan.preserveContext || memoryEncrypted,
    minimum: plan.memoryMinimum,
    ...(plan.memoryMaximum === null ? {} : { maximum: plan.memoryMaximum }),
    crash: plan.crash,
  });
}

function plainSegments(plan: KexecPlan, memory: Memory, start: Start): { entry: bigint; segments: Segment[] } {
  const entry = addStart(memory, start);
  if (plan.preserveContext) keepRest(memory);
  return { entry, segments: memory.alignAndMerge() };
}

/** Every page that the new kernel may use is one that the old one gets back: they all become segments. */
function keepRest(memory: Memory): void {
  for (const range of memory.availableRam()) {
    memory.addAt(range.start, new Uint8Array(0), "kept for the jump back", range.size);
  }
}

function debug(text: string): void {
  process.stderr.write(`${printable(text)}\n`);
}

const hex = (value: bigint): string => value.toString(16).padStart(16, "0");

/** As kexec -d: the last address is shown; 0 is RAM. */
function showRanges(map: MemoryMap): void {
  debug("MEMORY RANGES");
  const types = { ram: 0, reserved: 1, acpi: 2, "acpi-nvs": 3 } as Record<string, number>;
  for (const { range, type } of map) debug(`${hex(range.start)}-${hex(range.end - 1n)} (${types[type] ?? type})`);
}

function showSegments(entry: bigint, flags: number, segments: readonly Segment[]): void {
  debug(`kexec_load: entry = 0x${entry.toString(16)} flags = ${kexecFlagNames(flags)}`);
  debug(`nr_segments = ${segments.length}`);
  for (const [index, segment] of segments.entries()) {
    debug(`segment[${index}].buf   = ${segment.name}`);
    debug(`segment[${index}].bufsz = 0x${segmentSize(segment).toString(16)}`);
    debug(`segment[${index}].mem   = 0x${segment.range.start.toString(16)}`);
    debug(`segment[${index}].memsz = 0x${segment.range.size.toString(16)}`);
  }
}
