/** What booting an entry would do: its files read, nothing loaded (`baton boot --dry-run`). */

import { machine } from "node:os";
import type { BootEntry, StateWrite } from "../entry.ts";
import { identifyImage, loadRefusal } from "../images/identify.ts";
import type { Image } from "../images/image.ts";
import type { LoadMethod } from "../kexec/method.ts";
import { readKexecState } from "../kexec/state.ts";
import { Passage, type Verdict } from "../trust/gate.ts";
import type { TrustPolicy } from "../trust/policy.ts";
import { verdictOf } from "./admit.ts";
import { loadMethods, NO_POLICY } from "./methods.ts";
import {
  checkDigests,
  closeFiles,
  digestOf,
  type FileSource,
  type OpenFile,
  openFiles,
  readAtOfFile,
} from "./openfiles.ts";
import { type EntryFiles, filesOf, listFiles } from "./refs.ts";
import { withoutWrappings } from "./ubootfiles.ts";
import { ownCompatible } from "./ukiparts.ts";

interface BootFile {
  readonly ref: string;
  /** Bytes. */
  readonly size: number;
  readonly sha256: string;
  /** Where the initial file system has it, for a file that is put there as it is (GRUB's `newc:`). */
  readonly initrdName?: string;
}

/** docs/interfaces.md, `boot --dry-run --json`. */
export interface BootPlan {
  readonly entry: BootEntry;
  /** The one that is tried first. */
  readonly method: LoadMethod["name"];
  readonly files: readonly BootFile[];
  readonly options: string;
  readonly writes: readonly StateWrite[];
  /** Why the kernel would not take it, as far as that can be told without trying; a sentence each. */
  readonly warnings: readonly string[];
  /** Where the owner has a policy. */
  readonly verdict?: Verdict;
}

/**
 * Reads everything the entry names, and says what booting it would do. Changes nothing.
 * @param arch of the machine that would boot it, as `uname -m`; null for this one, with what it demands of signatures
 * @throws BatonError where it names no kernel, or a file can't be read
 */
export async function planBoot(
  source: FileSource,
  policy: TrustPolicy,
  entry: BootEntry,
  arch: string | null,
): Promise<BootPlan> {
  const named = await openFiles(source, filesOf(entry, arch ?? machine()));
  await checkDigests(listFiles(named), entry.digests ?? []);
  const verdict = await passed(policy, source, entry, named);
  const opened = await withoutWrappings(named, {
    configuration: entry.fitConfiguration ?? null,
    arch: arch ?? machine(),
    compatible: arch === null ? await ownCompatible() : [],
  });
  try {
    const { kernel } = opened;
    const image = await kernelImage(kernel);
    const methods = loadMethods(image, arch ?? machine(), arch === null ? await readKexecState() : NO_POLICY);
    const refusal = methods.length > 0 ? null : loadRefusal(image, arch ?? machine());
    const paths = new Map(opened.initrds.map(({ file, path }) => [file, path]));
    const files: BootFile[] = [];
    for (const file of listFiles(opened)) {
      const initrdName = paths.get(file) ?? null;
      if (initrdName !== null) (await import("./newcinitrd.ts")).newcArchive(initrdName, new Uint8Array());
      const { name: ref, size } = file;
      files.push({ ref, size, sha256: await digestOf(file, "sha256"), ...(initrdName === null ? {} : { initrdName }) });
    }
    const { options, writes } = entry;
    const warnings = [
      ...(refusal === null ? [] : [`${kernel.name}: ${refusal}`]),
      ...(verdict === null || verdict.state === "verified" ? [] : [`it is not verified: ${verdict.reason}`]),
    ];
    const method = methods[0]?.name ?? "kexec_file_load";
    return { entry, method, files, options, writes, warnings, ...(verdict === null ? {} : { verdict }) };
  } finally {
    await closeFiles(listFiles(opened));
  }
}

/** @param files closed where the policy lets them not boot */
async function passed(
  policy: TrustPolicy,
  source: FileSource,
  entry: BootEntry,
  files: EntryFiles<OpenFile>,
): Promise<Verdict | null> {
  if (policy.mode === "off") return null;
  try {
    return Passage.through(policy, entry.title, await verdictOf(policy, source, entry, files)).verdict;
  } catch (error) {
    await closeFiles(listFiles(files));
    throw error;
  }
}

/** What the file is; of a packed kernel, what is inside, by its beginning. */
async function kernelImage(file: OpenFile): Promise<Image> {
  const whole = await identifyImage(readAtOfFile(file), file.size);
  if (!whole.isPacked) return whole;
  const { identifyPacked } = await import("../images/unwrap.ts");
  return identifyPacked(readAtOfFile(file), file.size);
}
