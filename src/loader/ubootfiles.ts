/**
 * Takes boot loaders' wrappings off an entry's files. U-Boot's: a ramdisk's header, which the kernel can't unpack with; a
 * kernel's; and a FIT image, which stands for kernel, ramdisk and devicetree at once. Each is checked by the sums that it
 * carries. Android's boot images have none that counts (androidfiles.ts).
 */

import { BatonError } from "../errors.ts";
import { checkFitParts, type FitPart, readFit } from "../images/fit.ts";
import { checkUimage, readUimage, type UimageType } from "../images/uimage.ts";
import type { Extent } from "../images/uki.ts";
import { log } from "../log.ts";
import { androidKernel, androidRamdisks, androidTree, bootconfigFile } from "./androidfiles.ts";
import { closeFiles, type OpenFile, readAtOfFile } from "./openfiles.ts";
import { type EntryFiles, isX86, listFiles } from "./refs.ts";

/** What decides which of a FIT image's configurations is meant. */
interface UbootWishes {
  /** The one that the entry names; null for the image's own choice. */
  readonly configuration: string | null;
  /** Of the machine that boots, as `uname -m`. */
  readonly arch: string;
  /** What the machine's devicetree calls it. */
  readonly compatible: readonly string[];
}

/**
 * The same files without such wrappings. An entry's own initrds and devicetree stand in place of those in its kernel's
 * file, as U-Boot's extlinux has it.
 * @param files closed where it fails
 * @throws BatonError `bad-format` where one is damaged, `not-found` for a configuration that a FIT image lacks, `unsupported`
 */
export async function withoutWrappings(
  files: EntryFiles<OpenFile>,
  wishes: UbootWishes,
): Promise<EntryFiles<OpenFile>> {
  try {
    const whole = await kernelParts(files.kernel, wishes);
    const initrds = files.initrds.length > 0 ? files.initrds : whole.initrds.map((file) => ({ file, path: null }));
    const ownTree = files.devicetree === null && !isX86(wishes.arch) ? whole.devicetree : files.devicetree;
    const overlays =
      files.devicetree === null && ownTree !== null ? [...whole.overlays, ...files.overlays] : files.overlays;
    const devicetree = ownTree && (await plainTree(ownTree, wishes.compatible));
    const plainOverlays = await Promise.all(overlays.map((file) => plainPart(file, "devicetree")));
    const parts = { ...files, kernel: whole.kernel, devicetree, overlays: plainOverlays };
    return { ...parts, initrds: await plainInitrds(initrds) };
  } catch (error) {
    await closeFiles(listFiles(files));
    throw error;
  }
}

type Initrds = EntryFiles<OpenFile>["initrds"];

/** What is open afterwards and was not before is a part of the result. */
async function plainInitrds(initrds: Initrds): Promise<Initrds> {
  const found: Initrds[number][] = [];
  const bootconfigs: { readonly lines: Uint8Array; readonly name: string }[] = [];
  for (const initrd of initrds) {
    const { file } = initrd;
    const android = initrd.path === null ? await named(file, () => androidRamdisks(file)) : null;
    if (android === null) {
      found.push(initrd.path === null ? { ...initrd, file: await plainPart(file, "ramdisk") } : initrd);
      continue;
    }
    found.push(...android.ramdisks.map((ramdisk) => ({ ...initrd, file: ramdisk })));
    if (android.bootconfig !== null) bootconfigs.push({ lines: android.bootconfig, name: file.name });
    if (android.ramdisks.length === 0) await file.handle.close();
  }
  const [first] = bootconfigs;
  if (first === undefined) return found;
  return [...found, { file: await bootconfigFile(first.lines, first.name), path: null }];
}

/** Null where there is none for this machine among those of an Android image: then it keeps the one that it runs with. */
async function plainTree(file: OpenFile, compatible: readonly string[]): Promise<OpenFile | null> {
  const found = await named(file, () => androidTree(file, compatible));
  if (found === null) return plainPart(file, "devicetree");
  if (found !== "none") return found;
  log.info(`${file.name}: no devicetree in it is for this machine, which hands on the one that it runs with`);
  await file.handle.close();
  return null;
}

interface KernelParts {
  readonly kernel: OpenFile;
  readonly initrds: readonly OpenFile[];
  readonly devicetree: OpenFile | null;
  readonly overlays: readonly OpenFile[];
}

/** What a kernel's file holds. */
function kernelParts(file: OpenFile, wishes: UbootWishes): Promise<KernelParts> {
  return named(file, async () => {
    const readAt = readAtOfFile(file);
    const uimage = await readUimage(readAt, file.size);
    if (uimage !== null) {
      if (uimage.type !== "kernel" && uimage.type !== "multi") throw wrongType(uimage.type, "kernel");
      await checkUimage(readAt);
      const [kernel, ramdisk, tree] = uimage.parts;
      if (kernel === undefined) throw wrongType("other", "kernel");
      return {
        kernel: part(file, kernel),
        initrds: ramdisk === undefined ? [] : [part(file, ramdisk, "ramdisk")],
        devicetree: tree === undefined ? null : part(file, tree, "devicetree"),
        overlays: [],
      };
    }
    const android = await androidKernel(file, wishes.compatible);
    if (android !== null) {
      const { kernel, ramdisk, devicetree } = android;
      return { kernel, initrds: ramdisk === null ? [] : [ramdisk], devicetree, overlays: [] };
    }
    const fit = await readFit(readAt, file.size, wishes.configuration, wishes.compatible);
    if (fit === null) return { kernel: file, initrds: [], devicetree: null, overlays: [] };
    if (fit.arch !== null && fit.arch !== wishes.arch) {
      const message = `Its configuration '${fit.name}' is for ${fit.arch}, and this machine is ${wishes.arch}.`;
      throw new BatonError("bad-format", message);
    }
    log.info(`${file.name}: a FIT image; its configuration '${fit.name}' is taken`);
    const { kernel, ramdisk, devicetree, overlays } = fit;
    const trees = isX86(wishes.arch) ? [] : [devicetree ?? [], ...overlays].flat();
    await checkFitParts(readAt, file.size, [kernel, ...(ramdisk === null ? [] : [ramdisk]), ...trees]);
    const inside = (one: FitPart): OpenFile => part(file, one, one.name);
    return {
      kernel: part(file, kernel),
      initrds: ramdisk === null ? [] : [inside(ramdisk)],
      devicetree: devicetree && inside(devicetree),
      overlays: overlays.map(inside),
    };
  });
}

/** A ramdisk or a devicetree without the header that it may have. */
function plainPart(file: OpenFile, type: "ramdisk" | "devicetree"): Promise<OpenFile> {
  return named(file, async () => {
    const readAt = readAtOfFile(file);
    const uimage = await readUimage(readAt, file.size);
    if (uimage === null) return file;
    const [first] = uimage.parts;
    if (uimage.type !== type || first === undefined) throw wrongType(uimage.type, type);
    await checkUimage(readAt);
    return part(file, first);
  });
}

function part(file: OpenFile, { offset, size }: Extent, name?: string): OpenFile {
  const shown = name === undefined ? file.name : `${file.name} (${name})`;
  return { ...file, name: shown, offset: file.offset + offset, size };
}

async function named<T>(file: OpenFile, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof BatonError) || error.message.startsWith(file.name)) throw error;
    throw new BatonError(error.code, `${file.name}: ${error.message}`, { cause: error });
  }
}

function wrongType(type: UimageType, wanted: string): BatonError {
  const what = type === "other" ? "something else" : type === "multi" ? "several parts" : `a ${type}`;
  return new BatonError("bad-format", `It is a U-Boot image of ${what}, and a ${wanted} is wanted here.`);
}
