/** An entry, loaded: opens what it names, checks that it is a kernel for this machine, and gives it to kexec. */

import { machine } from "node:os";
import type { BootEntry } from "../entry.ts";
import { BatonError } from "../errors.ts";
import { identifyImage, loadRefusal } from "../images/identify.ts";
import type { Image } from "../images/image.ts";
import { readAtWithin } from "../images/uki.ts";
import type { KexecFile } from "../kexec/files.ts";
import { type LoadOptions, type LoadProgress, type LoadResult, loadFile } from "../kexec/loadfiles.ts";
import type { LoadMethod, LoadRequest } from "../kexec/method.ts";
import { readKexecState } from "../kexec/state.ts";
import type { Progress } from "../status.ts";
import type { Passage } from "../trust/gate.ts";
import type { TrustPolicy } from "../trust/policy.ts";
import { admit } from "./admit.ts";
import { unpackKernel } from "./kernelfile.ts";
import { aheadMethods, type LoadCall, loadMethods } from "./methods.ts";
import {
  checkDigests,
  closeFiles,
  type FileSource,
  type OpenFile,
  openFiles,
  plain,
  READ_MS,
  readAtOfFile,
  withMembers,
} from "./openfiles.ts";
import { type EntryFiles, filesOf, isMultiboot, isX86, listFiles } from "./refs.ts";
import { withoutWrappings } from "./ubootfiles.ts";
import { kexecParts, ownCompatible } from "./ukiparts.ts";

interface LoadWishes {
  /** The system call that the owner of the machine wants; what suits unless given. */
  readonly call?: LoadCall;
  /** The entry is loaded before anybody has asked for it ({@link aheadMethods}). */
  readonly ahead?: "packed" | "unpacked";
  /** False once nobody wants it any more: the load ends with BatonError `cancelled`. */
  readonly isWanted?: () => boolean;
}

/**
 * Opens an entry's files, loads what the owner's policy lets pass, and closes them again.
 * @param policy the owner's
 * @param options the kernel command line, perhaps edited
 * @throws BatonError with what was tried, on what, and why it failed
 */
export async function loadEntry(
  source: FileSource,
  policy: TrustPolicy,
  entry: BootEntry,
  options: string,
  onProgress: (progress: Progress) => void,
  { call = "auto", ahead, isWanted }: LoadWishes = {},
): Promise<LoadResult> {
  const title = `Loading ${entry.title}`;
  const show = (progress: Omit<Progress, "title">): void => onProgress({ title, ...progress });
  show({ detail: "opening its files", done: 0, total: null });
  const named = await openFiles(source, filesOf(entry, machine()), (name, done, total) =>
    show({ detail: `fetching ${name}`, done, total }),
  );
  if (entry.digests !== undefined || policy.mode !== "off")
    show({ detail: "checking its files", done: 0, total: null });
  await checkDigests(listFiles(named), entry.digests ?? []);
  const wishes = { configuration: entry.fitConfiguration ?? null, arch: machine(), compatible: await ownCompatible() };
  const admitted = await admit(policy, source, entry, options, named);
  const files = await withMembers(await withoutWrappings(admitted.files, wishes));
  try {
    return await loadOpened(files, admitted.passage, {
      cmdline: options,
      profile: entry.profile ?? 0,
      readTimeoutMs: READ_MS,
      ...(isWanted ? { isWanted } : {}),
      onProgress: ({ detail, done, total }: LoadProgress) =>
        show({ detail: detail ?? "the kernel takes it over", done, total }),
      refuse: (whole) => loadRefusal(whole, machine()),
      choose: async ({ image, file, devicetree: own }) => {
        const devicetree = files.devicetree === null ? own : plain(files.devicetree);
        const overlays = files.overlays.map(plain);
        // The kernel itself passes its own devicetree on, and takes no other.
        const only = devicetree !== null || overlays.length > 0 ? "classic" : call;
        const usable = loadMethods(image, machine(), await readKexecState(), only);
        const methods = ahead === undefined ? usable : await aheadMethods(usable, ahead);
        if (methods.length === 0) {
          const refusal = loadRefusal(image, machine()) ?? "There is no way to load it here.";
          throw new BatonError("bad-format", `${file.name}: ${refusal}`);
        }
        return { methods, devicetree, overlays, ...multibootRequest(entry, files) };
      },
    });
  } finally {
    await closeFiles(listFiles(files));
  }
}

function multibootRequest(entry: BootEntry, { modules }: EntryFiles<OpenFile>): Partial<LoadRequest> {
  if (!isMultiboot(entry)) return {};
  const loaderName = entry.type === "grub" ? "GRUB 2 (Baton)" : "Baton";
  return { modules: modules.map(({ file, cmdline }) => ({ file: plain(file), cmdline })), loaderName };
}

/** The kernel that was found in a file. */
export interface FoundKernel {
  readonly image: Image;
  readonly file: KexecFile;
  /** That comes with it and suits this machine: a unified kernel image's own, or its addons'. */
  readonly devicetree: KexecFile | null;
}

/** How files are loaded, and what is decided once it is known what they are. */
interface OpenedRequest extends Pick<LoadOptions, "cmdline" | "onProgress" | "isWanted" | "readTimeoutMs"> {
  /** Of a unified kernel image; its first unless given. */
  readonly profile?: number;
  /** Why a file is of no use, asked before anything of it is unpacked; null where it may be. */
  refuse?(whole: Image): string | null;
  /**
   * The ways to load the kernel, the first choice first, and what it gets beside its initrds and command line.
   * @throws where it is not to be loaded
   */
  choose(kernel: FoundKernel): Promise<Partial<LoadRequest> & { readonly methods: readonly LoadMethod[] }>;
}

/**
 * Finds the kernel in open files, a unified kernel image's or a packed one's too, and loads it with its initrds.
 * @param _passage that the gate was asked (trust/gate.ts); nothing is loaded without one
 * @throws BatonError with what the file is instead, or what the kernel's refusal means; what `choose` throws
 */
export async function loadOpened(
  files: EntryFiles<OpenFile>,
  _passage: Passage,
  request: OpenedRequest,
): Promise<LoadResult> {
  const { kernel: whole } = files;
  const found = await identifyImage(readAtOfFile(whole), whole.size);
  const refusal = request.refuse?.(found) ?? null;
  if (refusal !== null) throw new BatonError("bad-format", `${whole.name}: ${refusal}`);
  const { kernel: part, initrds, devicetree: own } = await kexecParts(files, found, request.profile ?? 0);
  const readPart = readAtWithin(readAtOfFile(whole), { offset: (part.offset ?? 0) - whole.offset, size: part.size });
  const inside = found.format === "UKI" ? await identifyImage(readPart, part.size) : found;
  const { image, file: kernel, release } = await unpackKernel(part, inside, readPart);
  try {
    const devicetree = isX86(machine()) ? null : own;
    const { cmdline, onProgress, isWanted, readTimeoutMs } = request;
    const chosen = await request.choose({ image, file: kernel, devicetree });
    return await loadFile({
      ...{ kernel, initrds, devicetree, cmdline, cmdlineLimit: image.cmdlineLimit },
      ...(onProgress ? { onProgress } : {}),
      ...(isWanted ? { isWanted } : {}),
      ...(readTimeoutMs === undefined ? {} : { readTimeoutMs }),
      ...chosen,
    });
  } finally {
    release();
  }
}
