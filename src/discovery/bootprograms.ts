/**
 * Other bootloaders that entries start (GRUB's `chainloader`, systemd-boot's `efi`): which they are, and whose menu they
 * open, where Baton has read the configuration that they would read.
 */

import type { DeviceFile, ParsedEntry } from "../entry.ts";
import { describeError } from "../errors.ts";
import { type LoaderName, loaderAt } from "../formats/loaderprogram.ts";
import type { Reader } from "../formats/reader.ts";
import { log } from "../log.ts";
import { type Candidate, type Disks, menuOf } from "./loadermenus.ts";
import type { Scan } from "./scan.ts";

/** More than any menu starts; a hostile one may name thousands. */
const MAX_PROGRAMS = 64;

/** The programs that entries name, each looked at once, until something is heard of its device. */
export class BootPrograms {
  readonly #readerOf: (device: string) => Reader;
  /** By device and path. */
  readonly #known = new Map<string, Map<string, LoaderName | null>>();

  /** @param readerOf throws where the device has gone */
  constructor(readerOf: (device: string) => Reader) {
    this.#readerOf = readerOf;
  }

  /** Null where it is no bootloader, or hasn't been looked at. */
  loader({ device, path }: DeviceFile): LoaderName | null {
    return this.#known.get(device)?.get(path) ?? null;
  }

  /**
   * Looks at the programs of which nothing is known yet. Never rejects.
   * @returns whether there were any
   */
  async look(scans: readonly Scan[]): Promise<boolean> {
    let isNews = false;
    for (const { result } of scans) {
      for (const { program } of result.entries) {
        if (program === undefined || !("device" in program) || isBootSector(program)) continue;
        const { device, path } = program;
        const known = this.#known.get(device) ?? new Map<string, LoaderName | null>();
        this.#known.set(device, known);
        if (known.has(path) || known.size >= MAX_PROGRAMS) continue;
        known.set(path, null);
        isNews = true;
        try {
          known.set(path, await loaderAt(this.#readerOf(device), path));
        } catch (error) {
          log.info(`${device}:${path}: ${describeError(error)}`);
        }
      }
    }
    return isNews;
  }

  forget(device: string): void {
    this.#known.delete(device);
  }
}

const isBootSector = ({ path }: DeviceFile): boolean => path === "/";

/**
 * With the menu of each entry that starts another bootloader, where it is known. A configuration that another one opens,
 * and that doesn't open that one in turn, is not what the firmware comes to first.
 */
export function withMenus(disks: Disks, programs: BootPrograms): readonly Candidate[] {
  const { candidates } = disks;
  const opened = new Map<Candidate, Set<Candidate>>();
  // Thousands of entries may start one program.
  const known = new Map<string, Candidate | undefined>();
  const linked = candidates.map((candidate) => {
    const { config } = candidate;
    const menus = new Set<Candidate>();
    opened.set(candidate, menus);
    if (!config.entries.some(({ program }) => program !== undefined)) return candidate;
    const entries = config.entries.map((entry): ParsedEntry => {
      const { program } = entry;
      if (program === undefined || !("device" in program)) return entry;
      const name = `${program.device}:${program.path}`;
      if (!known.has(name)) known.set(name, menuOfProgram(program, disks, programs));
      const menu = known.get(name);
      if (menu === undefined) return entry;
      menus.add(menu);
      return { ...entry, menu: menu.config.source };
    });
    return { ...candidate, config: { ...config, entries } };
  });
  return linked.map((candidate, index) => {
    const own = candidates[index]!;
    const isOpened = candidates.some((other) => opened.get(other)!.has(own) && !opened.get(own)!.has(other));
    return isOpened ? { ...candidate, isOpened } : candidate;
  });
}

function menuOfProgram(program: DeviceFile, disks: Disks, programs: BootPrograms): Candidate | undefined {
  const { candidates, volumes } = disks;
  const volume = volumes.find(({ name }) => name === program.device);
  if (isBootSector(program)) return candidates.find((one) => one.volume === volume && one.loader === "boot sector");
  const loader = programs.loader(program);
  if (volume === undefined || loader === null) return undefined;
  return menuOf(program.path.toLowerCase(), loader, volume, disks, "only");
}
