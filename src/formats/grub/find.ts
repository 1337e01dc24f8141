/** Where GRUB configurations lie on a volume. */

import { BatonError } from "../../errors.ts";
import type { FormatVolume } from "../format.ts";
import type { FileStat } from "../reader.ts";

/** In the order in which a person would expect them to count. */
const PLACES = ["/boot/grub/grub.cfg", "/boot/grub2/grub.cfg", "/grub/grub.cfg", "/grub2/grub.cfg"];

/** Installers' media and netboot trees. */
const MEDIA_PLACES = ["/boot/grub/x86_64-efi/grub.cfg", "/grub.cfg"];

/** More subvolumes than anybody keeps at the top of a btrfs. */
const MAX_DIRECTORIES = 200;

/** Every GRUB configuration of a volume. */
export async function findConfigurations(volume: FormatVolume): Promise<readonly string[]> {
  const probe = new FileProbe(volume);
  const top = await probe.directories("/");
  const found: string[] = [];
  for (const path of PLACES) if (await probe.isFile(path, top)) found.push(path);
  for (const efi of top.filter((name) => name.toLowerCase() === "efi")) {
    for (const vendor of await probe.directories(`/${efi}`)) {
      const path = `/${efi}/${vendor}/grub.cfg`;
      if (await probe.isFile(path)) found.push(path);
    }
  }
  for (const path of MEDIA_PLACES) {
    // Debian's media: the one in x86_64-efi reads the other.
    if (found.length > 0 && path.startsWith("/boot/")) continue;
    if (await probe.isFile(path, top)) found.push(path);
  }
  if (top.includes("debian-installer")) {
    for (const architecture of await probe.directories("/debian-installer")) {
      const path = `/debian-installer/${architecture}/grub/grub.cfg`;
      if (await probe.isFile(path)) found.push(path);
    }
  }
  if (volume.type === "btrfs") {
    for (const subvolume of top) {
      if (subvolume === "boot" || subvolume.toLowerCase() === "efi") continue;
      for (const place of PLACES) {
        const path = `/${subvolume}${place}`;
        if (await probe.isFile(path)) found.push(path);
      }
    }
    if (found.length === 0) found.push(...(await newestSnapshot(probe)));
  }
  return found;
}

/**
 * openSUSE keeps the running system in `/@/.snapshots/N/snapshot`, among its snapshots. Those that are read-only have
 * the menu entry beside them that leads there; of the others the last configuration written is the one in use.
 */
async function newestSnapshot(probe: FileProbe): Promise<string[]> {
  const found: { path: string; mtime: number; isReadOnly: boolean }[] = [];
  for (const number of await probe.directories("/@/.snapshots")) {
    const folder = `/@/.snapshots/${number}`;
    for (const place of PLACES) {
      const path = `${folder}/snapshot${place}`;
      const stat = await probe.stat(path);
      if (stat?.type !== "file") continue;
      found.push({ path, mtime: stat.mtime, isReadOnly: await probe.isFile(`${folder}/grub-snapshot.cfg`) });
    }
  }
  found.sort((a, b) => Number(a.isReadOnly) - Number(b.isReadOnly) || b.mtime - a.mtime);
  return found.slice(0, 1).map(({ path }) => path);
}

/** A volume, with absence as an answer. */
class FileProbe {
  readonly #volume: FormatVolume;

  constructor(volume: FormatVolume) {
    this.#volume = volume;
  }

  async directories(path: string): Promise<string[]> {
    const items = await this.#orNull(this.#volume.reader.list(path));
    return (items ?? [])
      .filter(({ type }) => type === "directory" || type === "symlink")
      .map(({ name }) => name)
      .slice(0, MAX_DIRECTORIES);
  }

  stat(path: string): Promise<FileStat | null> {
    return this.#orNull(this.#volume.reader.stat(path));
  }

  /** @param top what the root directory holds, where that is known: saves asking for what can't be there. */
  async isFile(path: string, top?: readonly string[]): Promise<boolean> {
    const first = path.split("/")[1]!;
    const isDeeper = path.lastIndexOf("/") > 0;
    if (top !== undefined && isDeeper && !top.some((name) => name.toLowerCase() === first.toLowerCase())) return false;
    return (await this.stat(path))?.type === "file";
  }

  async #orNull<T>(answer: Promise<T>): Promise<T | null> {
    try {
      return await answer;
    } catch (error) {
      if (error instanceof BatonError && error.code !== "timeout" && error.code !== "io") return null;
      throw error;
    }
  }
}
