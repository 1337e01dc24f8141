/** Composes images and kexec for bzImages: a loader of images/bzimageload.ts with a request's files and this machine's facts. */

import { randomBytes } from "node:crypto";
import { setImmediate as pause } from "node:timers/promises";
import { BatonError } from "../errors.ts";
import { classicRefusal, readSetupHeader, type SetupHeader } from "../images/bzimage.ts";
import { layOutBzImage } from "../images/bzimageload.ts";
import { START_SIZE } from "../images/image.ts";
import { payloadOf } from "../images/payload.ts";
import type { Content, FilePart, SegmentMemory, Start } from "../images/segment.ts";
import { filePart, type ReadOptions, readWhole } from "../kexec/files.ts";
import type { LoadRequest } from "../kexec/method.ts";
import { readX86MachineFor } from "../kexec/x86machine.ts";
import { log } from "../log.ts";
import { crashLayout, initrdContents } from "./segments.ts";

/** Larger kernels go from the page cache as they are: none is known, and memory may be short. */
const MAX_CHECKED_SIZE = 64 * 1024 * 1024;

/** For the table of methods.ts. */
export async function layOutBzImageFile(
  request: LoadRequest,
  memory: SegmentMemory,
  reading: ReadOptions,
): Promise<Start> {
  const crash = request.crash ? await crashLayout(request.cmdline, memory) : null;
  const cmdline = crash?.cmdline ?? request.cmdline;
  const { header, setup } = await readBzImageSetup({ ...request, cmdline }, reading);
  const [initrds, machine] = await Promise.all([initrdContents(request.initrds, reading), readX86MachineFor(request)]);
  // After a panic, memory may be damaged: there the unpacker's own check stays.
  const kernel = filePart(request.kernel);
  const file = request.crash ? kernel : await checkedFile(kernel, header, reading);
  const entry32 = request.x86?.entry32 ?? false;
  const input = { header, setup, file, initrds, machine, cmdline, entry32, seed: randomBytes(32) };
  return layOutBzImage({ ...input, ...(crash ? { e820: crash.e820 } : {}) }, memory);
}

/** A bzImage's file, in memory and checked (images/bzimagecheck.ts); as it is where there is no such check. */
async function checkedFile(file: FilePart, header: SetupHeader, reading: ReadOptions): Promise<Content> {
  const size = header.setupSize + header.kernelSize;
  if (payloadOf(header, size) === null || size > Math.min(file.size, MAX_CHECKED_SIZE)) return file;
  const { checkBzImage, hasChecksum } = await import("../images/bzimagecheck.ts");
  if (!hasChecksum(header)) return file;
  const bytes = Buffer.from((await readWhole({ ...file, size }, reading)).buffer);
  const state = await checkBzImage(bytes, header, file.name, pause);
  if (state === "right") log.debug(`${file.name}: its checksum is right, so its unpacker makes no second one`);
  if (state === "changed") {
    log.warn(
      `${file.name}: its checksum is wrong, but the kernel in it can be unpacked: it was changed after its build`,
    );
  }
  return bytes;
}

/**
 * A bzImage's setup header, checked against the request.
 * @throws BatonError `unsupported` where it is too old, `refused` for too long a command line
 */
export async function readBzImageSetup(
  request: LoadRequest,
  reading: ReadOptions,
): Promise<{ header: SetupHeader; setup: Buffer }> {
  const file = filePart(request.kernel);
  const start = { ...file, size: Math.min(START_SIZE, file.size) };
  const setup = Buffer.from(await readWhole(start, { ...reading, onRead: () => {} }));
  const header = readSetupHeader(setup);
  const refusal = header === null ? "It is no bzImage." : classicRefusal(header);
  if (header === null || refusal !== null) throw new BatonError("unsupported", `${file.name}: ${refusal}`);
  const length = Buffer.byteLength(request.cmdline);
  if (length > header.cmdlineSize) {
    const message = `The kernel command line has ${length} bytes, and ${file.name} takes ${header.cmdlineSize}. Shorten it.`;
    throw new BatonError("refused", message);
  }
  return { header, setup };
}
