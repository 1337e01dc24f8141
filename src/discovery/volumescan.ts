/** Reading the configurations of one volume, each file once however many names it has. */

import { Semaphore } from "../devices/semaphore.ts";
import { sourceDevice } from "../entry.ts";
import { describeError } from "../errors.ts";
import { EMPTY_RESULT, type Format, type FormatContext } from "../formats/format.ts";
import { unreadConfigs } from "../formats/loaders.ts";
import { cacheLists } from "../formats/lookupcache.ts";
import { log } from "../log.ts";
import { type EspPrograms, espPrograms, NO_PROGRAMS } from "./espprograms.ts";
import { type Loader, loaderBeside } from "./loadermenus.ts";
import { FileNames, type Place, placeOf } from "./samefile.ts";
import { type Scan, scanConfig } from "./scan.ts";

/** A configuration that was read, and the loader that lies beside it. */
export interface ReadScan extends Scan {
  readonly loader: Loader | null;
  /** Where the other files lie from which its entries come, by the entries' `source`. */
  readonly elsewhere: ReadonlyMap<string, Place>;
}

/** What was found on a volume. */
export interface VolumeScan {
  readonly scans: readonly ReadScan[];
  readonly names: FileNames;
  readonly programs: EspPrograms;
  /** Why the volume could not be read, else null. */
  readonly failure: string | null;
}

export const UNREAD: VolumeScan = { scans: [], names: new FileNames(), programs: NO_PROGRAMS, failure: null };

/** Configurations of a built-in disk that are read at the same time. */
const AT_ONCE = 100;
/** After so long one waits for a disk, and the next begins. */
const PATIENCE_MS = 2000;

/**
 * Reads what the formats find on a volume; the last resorts among them only where no other finds anything. Never
 * rejects; where the volume can't be read, what was read before stays.
 */
export async function scanVolume(
  formats: readonly Format[],
  context: FormatContext,
  before: VolumeScan,
): Promise<VolumeScan> {
  const { volume, platform, share } = context;
  const searched = cacheLists(volume);
  const names = new FileNames();
  // A stick's are read one after the other: together they need as much memory as one.
  const turns = new Semaphore(volume.removable ? 1 : AT_ONCE, PATIENCE_MS);
  let isFull = false;
  const read = async (format: Format, path: string): Promise<ReadScan[]> => {
    if (isFull) return [];
    const why = share?.open() ?? null;
    if (why !== null) {
      isFull = true;
      return [leftOut(format, path, `${volume.name}:${path}`, why)];
    }
    const scan = await turns.run(() => scanConfig(format, path, context));
    const [loader, elsewhere] = await Promise.all([
      loaderBeside(format.name, path, searched, platform),
      placesOf(scan, context),
    ]);
    return [{ ...scan, loader, elsewhere }];
  };
  const scan = async (isLastResort: boolean): Promise<ReadScan[]> => {
    const chosen = formats.filter((format) => (format.isLastResort ?? false) === isLastResort);
    const found = chosen.map(async (format) => {
      const paths = await names.add(volume.reader, await format.find(searched));
      return (await Promise.all(paths.map((path) => read(format, path)))).flat();
    });
    return (await Promise.all(found)).flat();
  };
  try {
    const [scans, programs] = await Promise.all([scan(false), espPrograms(searched)]);
    const [first, ...others] = scans;
    // What only stands beside a configuration comes last in the table of formats.
    if (first === undefined || first.format.isBeside) {
      return { scans: [...scans, ...(await scan(true))], names, programs, failure: null };
    }
    const unread = await unreadConfigs(searched);
    const result = { ...first.result, diagnostics: [...first.result.diagnostics, ...unread] };
    return { scans: [{ ...first, result }, ...others], names, programs, failure: null };
  } catch (error) {
    const failure = describeError(error);
    log.warn(`${volume.name}: ${failure}`);
    return { ...before, failure };
  }
}

/** The first configuration for which there is no room: it says so, and the others say nothing. */
function leftOut(format: Format, path: string, source: string, why: string): ReadScan {
  const message = `${why}; this one and those after it are not read`;
  const diagnostic = { severity: "error", source, line: null, column: null, message } as const;
  return { format, path, result: { ...EMPTY_RESULT, diagnostics: [diagnostic] }, loader: null, elsewhere: new Map() };
}

/** Of the sources that are neither the configuration itself nor below it. */
async function placesOf({ path, result }: Scan, { volume, volumes }: FormatContext): Promise<Map<string, Place>> {
  const own = `${volume.name}:${path}`;
  const isOwn = (source: string): boolean => source === own || source.startsWith(`${own}/`);
  const places = new Map<string, Place>();
  for (const { source } of result.entries) {
    if (isOwn(source) || places.has(source)) continue;
    const device = sourceDevice(source);
    const on = volumes.find(({ name }) => name === device);
    if (on !== undefined) places.set(source, await placeOf(on.reader, source.slice(device.length + 1)));
  }
  return places;
}
