/**
 * Other bootloaders that entries start (GRUB's `chainloader`, systemd-boot's `efi`): which they are, and whose menu they
 * open, where Baton has read the configuration that they would read.
 */

import type { DeviceFile, ParsedEntry } from "../entry.ts";
import { describeError } from "../errors.ts";
import { type LoaderName, loaderAt } from "../formats/loaderprogram.ts";
import type { Reader } from "../formats/reader.ts";
import { log } from "../log.ts";
import { menuOfBootSector, titleOf } from "./biosstart.ts";
import { type Candidate, type Disks, menuOf } from "./loadermenus.ts";
import type { Scan } from "./scan.ts";

/** On one device, by the configurations of one: more than any menu starts. A hostile one may name thousands. */
const MAX_PROGRAMS = 64;

/** The programs that entries name, each looked at once, until something is heard of its device. */
export class BootPrograms {
  readonly #readerOf: (device: string) => Reader;
  /** By device and path. */
  readonly #known = new Map<string, Map<string, LoaderName | null>>();
  /** How many, by their device and by that of the configuration: a stick's count takes nothing from a disk's. */
  readonly #asked = new Map<string, Map<string, number>>();

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
      for (const { program, source } of result.entries) {
        if (program === undefined || !("device" in program) || isBootSector(program)) continue;
        const { device, path } = program;
        const known = this.#known.get(device) ?? new Map<string, LoaderName | null>();
        this.#known.set(device, known);
        const asked = this.#asked.get(device) ?? new Map<string, number>();
        this.#asked.set(device, asked);
        const asker = source.slice(0, source.indexOf(":"));
        const count = asked.get(asker) ?? 0;
        if (known.has(path) || count >= MAX_PROGRAMS) continue;
        asked.set(asker, count + 1);
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
    this.#asked.delete(device);
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
      if (menu === undefined) return withBootSector(entry, program, disks);
      menus.add(menu);
      return { ...entry, menu: menu.config.source };
    });
    return { ...candidate, config: { ...config, entries } };
  });
  return linked.map((candidate, index) => {
    const own = candidates[index]!;
    // What a stick's menu opens says nothing of a disk's.
    const counts = (other: Candidate): boolean => !other.config.removable || own.config.removable;
    const isOpened = candidates.some(
      (other) => counts(other) && opened.get(other)!.has(own) && !opened.get(own)!.has(other),
    );
    return isOpened ? { ...candidate, isOpened } : candidate;
  });
}

function menuOfProgram(program: DeviceFile, disks: Disks, programs: BootPrograms): Candidate | undefined {
  const { candidates, volumes } = disks;
  const volume = volumes.find(({ name }) => name === program.device);
  const sector = isBootSector(program) ? disks.bootSectors.get(program.device) : undefined;
  // Whatever lies beside it: another loader's code is what would run.
  if (sector !== undefined && !(sector.code.name === "grub" && sector.place === null)) {
    return menuOfBootSector(sector, disks);
  }
  if (isBootSector(program)) return candidates.find((one) => one.volume === volume && one.loader === "boot sector");
  const loader = programs.loader(program);
  if (volume === undefined || loader === null) return undefined;
  return menuOf(program.path.toLowerCase(), loader, volume, disks, "only");
}

/** With whose code stands in the boot sector that it starts, where that can be told. */
function withBootSector(entry: ParsedEntry, program: DeviceFile, disks: Disks): ParsedEntry {
  const sector = isBootSector(program) ? disks.bootSectors.get(program.device) : undefined;
  if (sector === undefined || entry.reason === null) return entry;
  return { ...entry, reason: `${entry.reason}; in it stands ${titleOf(sector, disks)}` };
}
