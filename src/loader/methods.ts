/** Which way an image is loaded on which machine. */

import type { Image } from "../images/image.ts";
import { classicMethod, type LayOut } from "../kexec/classic.ts";
import { fileLoadMethod, readAheadMethod } from "../kexec/fileload.ts";
import { demandsSignatures } from "../kexec/loadfiles.ts";
import type { LoadMethod } from "../kexec/method.ts";
import type { KexecState } from "../kexec/state.ts";
import { layOutBzImageFile } from "./bzimage.ts";

interface LoaderRow {
  /** Of the machine, as `uname -m`. */
  readonly arch: string;
  takes(image: Image): boolean;
  readonly layOut: LayOut;
}

/**
 * Who lays out an image for kexec_load; the first row that takes it. A new machine, or a kind of kernel with a way of its
 * own on one, is one row here; a new format that images/layout.ts lays out is a row there, and none here.
 */
const LOADERS: readonly LoaderRow[] = [
  // A unified kernel image for x86-64 has nothing but a bzImage inside.
  {
    arch: "x86_64",
    takes: ({ format, classic, fileLoad }) =>
      format === "bzImage" ? classic.includes("x86_64") : format === "UKI" && fileLoad.includes("x86_64"),
    layOut: layOutBzImageFile,
  },
  { arch: "x86_64", takes: ({ classic }) => classic.includes("x86_64"), layOut: other("x86_64") },
  { arch: "aarch64", takes: ({ classic }) => classic.includes("aarch64"), layOut: other("aarch64") },
];

function other(arch: string): LayOut {
  return async (request, memory, reading) =>
    (await import("./otherkernels.ts")).layOutOther(arch, request, memory, reading);
}

/**
 * The loader for an image by kexec_load.
 * @param image of the kernel itself: for a unified kernel image, of the one inside
 * @param arch of this machine, as `uname -m`
 * @returns null where there is none, and kexec_file_load alone may take it
 */
export function classicLoader(image: Image, arch: string): LayOut | null {
  return LOADERS.find((row) => row.arch === arch && row.takes(image))?.layOut ?? null;
}

/** `file`: kexec_file_load alone, `classic`: kexec_load alone. */
export type LoadCall = "auto" | "classic" | "file";

const CALLS = { classic: "kexec_load", file: "kexec_file_load" } as const;

/** What decides whether signatures are demanded. */
type SignaturePolicy = Pick<KexecState, "lockdown" | "secureBoot">;
export const NO_POLICY: SignaturePolicy = { lockdown: null, secureBoot: null };

/**
 * The ways to load an image, the first choice first: kexec_load, which is faster, unless this machine demands
 * signatures, which only kexec_file_load checks.
 * @param call leaves out the other one
 */
export function loadMethods(
  image: Image,
  arch: string,
  policy: SignaturePolicy,
  call: LoadCall = "auto",
): readonly LoadMethod[] {
  const layOut = classicLoader(image, arch);
  const byFile = image.fileLoad.includes(arch) ? [fileLoadMethod()] : [];
  const isClassicFirst = layOut !== null && !(byFile.length > 0 && demandsSignatures(policy));
  const all = isClassicFirst ? [classicMethod(layOut), ...byFile] : byFile;
  return call === "auto" ? all : all.filter(({ name }) => name === CALLS[call]);
}

/**
 * How an image is loaded before anybody has asked for it: by kexec_load, `unpacked` with the kernel unpacked already.
 * Where only kexec_file_load would do, which no key press could interrupt, the files are read and nothing is loaded.
 */
export async function aheadMethods(
  methods: readonly LoadMethod[],
  ahead: "packed" | "unpacked",
): Promise<readonly LoadMethod[]> {
  if (methods[0]?.name !== "kexec_load") return methods.length > 0 ? [readAheadMethod] : [];
  if (ahead === "packed") return methods.slice(0, 1);
  const { layOutUnpackedBzImage } = await import("./unpackedbzimage.ts");
  return [classicMethod(layOutUnpackedBzImage)];
}
