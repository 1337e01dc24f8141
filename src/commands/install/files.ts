/** The files of `npm run image` that are installed, checked before they are. */

import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { open, readFile, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { readPe } from "../../binary/pe.ts";
import { BatonError } from "../../errors.ts";
import { madeFile } from "../shared/madefile.ts";

export interface InstallFile {
  readonly path: string;
  readonly size: number;
}

const ADVICE = "npm run image makes it; --from DIR says where it is";
/** Node's name of an architecture → as `uname -m`, as Debian calls it. */
const ARCHES: Readonly<Record<string, readonly [string, string]>> = {
  x64: ["x86_64", "amd64"],
  arm64: ["aarch64", "arm64"],
};

const made = (name: string, from: string | undefined): string =>
  madeFile(name, from === undefined ? undefined : join(from, name), ADVICE);

/**
 * baton.efi, where this machine's firmware starts it.
 * @param isSecure whether firmware starts only what is signed
 * @throws BatonError where it isn't there, is no program for this machine, or isn't signed and must be
 */
export async function efiProgram(from: string | undefined, isSecure: boolean): Promise<InstallFile> {
  const path = made("baton.efi", from);
  const { size } = await stat(path);
  const handle = await open(path, "r");
  try {
    const pe = await readPe(async (offset, length) => {
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, offset);
      return buffer.subarray(0, bytesRead);
    }, size);
    if (pe === null) throw new BatonError("bad-format", `${path} is no EFI program`);
    checkArch(path, pe.machine);
    if (isSecure && pe.certificates === null) {
      throw new BatonError(
        "refused",
        `${path} is not signed, and Secure Boot is on: firmware would refuse it. Sign it by a key of yours, or turn Secure Boot off`,
      );
    }
  } finally {
    await handle.close();
  }
  return { path, size };
}

/**
 * vmlinuz and the initramfs, with the command line that they were made with.
 * @throws BatonError where they aren't there, are damaged, or are for another machine
 */
export async function kernelFiles(
  from: string | undefined,
): Promise<{ readonly kernel: InstallFile; readonly initrd: InstallFile; readonly cmdline: string }> {
  const list = made("image.json", from);
  const { arch, cmdline, outputs } = JSON.parse(await readFile(list, "utf8"));
  if (typeof cmdline !== "string" || typeof arch !== "string" || typeof outputs !== "object" || outputs === null) {
    throw new BatonError("bad-format", `${list} doesn't say what it must: make the image again (npm run image)`);
  }
  checkArch(list, arch);
  const checked = async (name: string): Promise<InstallFile> => {
    const path = join(dirname(list), name);
    const hash = createHash("sha256");
    for await (const piece of createReadStream(made(name, dirname(list)))) hash.update(piece);
    if (hash.digest("hex") !== outputs[name]?.sha256) {
      throw new BatonError("bad-format", `${path} is not the file that ${basename(list)} names: make the image again`);
    }
    return { path, size: (await stat(path)).size };
  };
  return { kernel: await checked("vmlinuz"), initrd: await checked("initramfs.cpio.zst"), cmdline };
}

function checkArch(path: string, arch: string): void {
  const own: readonly string[] = ARCHES[process.arch] ?? [process.arch];
  if (!own.includes(arch)) throw new BatonError("refused", `${path} is for ${arch}, and this machine is ${own[0]}`);
}
