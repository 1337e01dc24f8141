/**
 * Reads the ISO files that lie on volumes, one after the other, and makes each one's menu a submenu of the list with the
 * file's name. The disks' own configurations wait for nothing here.
 */

import { BatonError, describeError } from "../errors.ts";
import type { Format, FormatContext, FormatResult } from "../formats/format.ts";
import { EMPTY_RESULT } from "../formats/format.ts";
import { withIsoWords } from "../formats/isowords.ts";
import { log } from "../log.ts";
import type { ReadConfig } from "../policy/readconfig.ts";
import type { DeviceStatus } from "../status.ts";
import type { Volume } from "../volumes/volume.ts";
import {
  chooseConfig,
  findIsoFiles,
  ISO_FOLDERS,
  type IsoFiles,
  type IsoVolume,
  isLoopbackConfig,
} from "./isofiles.ts";
import { type Scan, scanConfig } from "./scan.ts";

/** What an ISO file gave. */
export interface IsoScan {
  /** `vda1:/iso/debian.iso` */
  readonly file: string;
  /** Null where it could not be opened. */
  readonly volume: IsoVolume | null;
  /** The configuration that gives its menu; null where it has none. */
  readonly scan: Scan | null;
  /** Why it yielded nothing, else null. */
  readonly reason: string | null;
  /** Not everything in it was read. */
  readonly isShort?: boolean;
}

/** How long the files of one volume may take together. Each read has a deadline of its own besides. */
const VOLUME_MS = 60_000;
/** Images of one volume that may be too large to be read to their end; then the others are not looked into. */
const MAX_SHORTFALLS = 3;

interface IsoScanHooks {
  /** The context in which an ISO's configurations are read. */
  context(iso: IsoVolume): FormatContext;
  /** Finds out whether the files that its entries name are there. */
  lookForFiles(scans: readonly Scan[]): Promise<void>;
}

export class IsoScanner {
  readonly #isoFiles: IsoFiles;
  readonly #formats: readonly Format[];
  readonly #hooks: IsoScanHooks;
  /** Where ISO files are looked for on each volume, as ISO_FOLDERS. */
  folders: readonly string[];
  readonly #busy = new Set<Promise<unknown>>();
  /** Volumes that had ISO files at the scan before. */
  readonly #withFiles = new WeakSet<Volume>();
  #holds = 0;
  #waiting: (() => void)[] = [];

  constructor(isoFiles: IsoFiles, formats: readonly Format[], hooks: IsoScanHooks, folders = ISO_FOLDERS) {
    this.folders = folders;
    this.#isoFiles = isoFiles;
    this.#formats = formats;
    this.#hooks = hooks;
  }

  /**
   * Reads every ISO file in the usual places of a volume. Never rejects.
   * @param isWanted asked before each file; false where the device has gone, which ends the scan
   * @param onScan called after each file with all results so far; with none where the volume has lost its ISO files
   */
  async scan(volume: Volume, isWanted: () => boolean, onScan: (scans: readonly IsoScan[]) => void): Promise<void> {
    const scans: IsoScan[] = [];
    const end = performance.now() + VOLUME_MS;
    const found = await this.#unlessHeld(() => findIsoFiles(volume, this.folders)).catch((error) => {
      log.warn(`${volume.name}: ISO files were not looked for: ${describeError(error)}`);
      return { files: [], left: 0 };
    });
    let { left } = found;
    for (const [index, path] of found.files.entries()) {
      if (performance.now() > end || scans.filter(({ isShort }) => isShort).length >= MAX_SHORTFALLS) {
        left += found.files.length - index;
        break;
      }
      if (!isWanted()) return;
      scans.push(await this.#unlessHeld(() => this.#scanFile(volume, path)));
      onScan([...scans]);
    }
    if (left > 0) {
      const reason = `${left} more ISO files were not looked into: too many, or they took too long to read`;
      scans.push({ file: `${volume.name}:/`, volume: null, scan: null, reason });
      onScan(scans);
    }
    // Most volumes have none: then nothing has changed.
    if (scans.length === 0 && this.#withFiles.has(volume)) onScan(scans);
    if (scans.length > 0) this.#withFiles.add(volume);
    else this.#withFiles.delete(volume);
  }

  /**
   * Reads no further file until `release` is called.
   * @returns `idle` resolves when the files that are being read now are done.
   */
  hold(): { readonly idle: Promise<void>; release(): void } {
    this.#holds++;
    const idle = Promise.allSettled(this.#busy).then(() => {});
    const release = (): void => {
      this.#holds--;
      if (this.#holds === 0) for (const go of this.#waiting.splice(0)) go();
    };
    return { idle, release };
  }

  async #unlessHeld<T>(work: () => Promise<T>): Promise<T> {
    while (this.#holds > 0) {
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve);
      });
    }
    const working = work();
    this.#busy.add(working);
    return working.finally(() => this.#busy.delete(working));
  }

  async #scanFile(parent: Volume, path: string): Promise<IsoScan> {
    const file = `${parent.name}:${path}`;
    try {
      const volume = await this.#isoFiles.open(parent, path);
      const context = this.#hooks.context(volume);
      const scan = await chooseConfig(volume, this.#formats, (format, at) => scanConfig(format, at, context));
      if (scan === null) {
        const udf = volume.hasUdf ? "; what its UDF filesystem holds Baton does not read" : "";
        const reason = volume.shortfall ?? `no boot configuration found in it${udf}`;
        return { file, volume, scan, reason, isShort: volume.shortfall !== null };
      }
      const worded = isLoopbackConfig(scan.path) ? scan : { ...scan, result: addFinderWords(scan, volume) };
      const { shortfall } = volume;
      const findable = shortfall === null ? worded : { ...worded, result: withWarning(worded.result, file, shortfall) };
      await this.#hooks.lookForFiles([findable]);
      await volume.close();
      return { file, volume, scan: findable, reason: null, isShort: shortfall !== null };
    } catch (error) {
      const text = describeError(error);
      log.warn(text);
      const reason = text.startsWith(`${file}: `) ? text.slice(file.length + 2) : text;
      return { file, volume: null, scan: null, reason, isShort: isTooLarge(error) };
    }
  }
}

const isTooLarge = (error: unknown): boolean => error instanceof BatonError && error.code === "too-large";

function withWarning(result: FormatResult, source: string, message: string): FormatResult {
  const warning = { severity: "warning", source, line: null, column: null, message } as const;
  return { ...result, diagnostics: [...result.diagnostics, warning] };
}

/** Adds the words by which the system in an ISO finds that file. */
function addFinderWords({ path, result }: Scan, volume: IsoVolume): FormatResult {
  const { parent, file } = volume;
  const place = { device: volume.name, file: `${parent.name}:${file}`, path: file, uuid: parent.uuid };
  const { entries, diagnostics } = withIsoWords(result.entries, place, `${volume.name}:${path}`);
  return { ...result, entries, diagnostics: [...result.diagnostics, ...diagnostics] };
}

/**
 * Each ISO's menu as a configuration of the list; one that gave nothing is a warning.
 * @param keyOf what names a volume in ids
 */
export function isoConfigs(isos: readonly IsoScan[], keyOf: (volume: Volume) => string): ReadConfig[] {
  const titles = new Set<string>();
  return isos.map(({ file, volume, scan, reason }) => {
    if (volume === null || scan === null) {
      const nothing = withWarning(EMPTY_RESULT, file, reason ?? "");
      return { ...nothing, source: file, volumeKey: file, removable: false, isInFile: true };
    }
    const name = file.slice(file.lastIndexOf("/") + 1);
    const title = titles.has(name) ? file : name;
    titles.add(title);
    // Nothing can be written into an ISO file.
    const entries = scan.result.entries.map((entry) => ({
      ...entry,
      submenu: [title, ...entry.submenu],
      writes: [],
    }));
    const source = `${volume.name}:${scan.path}`;
    return { ...scan.result, entries, source, volumeKey: keyOf(volume), removable: volume.removable, isInFile: true };
  });
}

/** An ISO file as a device. */
export function isoRow(volume: IsoVolume, isos: readonly IsoScan[]): DeviceStatus {
  const { name, size, type, uuid, label } = volume;
  const iso = isos.find((other) => other.volume === volume);
  const sources = iso?.scan ? [iso.scan.path] : [];
  return { name, size, type, uuid, label, model: null, transport: null, sources, reason: iso?.reason ?? null };
}
