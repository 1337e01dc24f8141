/** The files that entries name, and whether each is there: asked once, until something is heard of its device. */

import { type DeviceFile, entryFiles } from "../entry.ts";
import { describeError } from "../errors.ts";
import type { Reader } from "../formats/reader.ts";
import { checkFiles } from "./filecheck.ts";
import type { Scan } from "./scan.ts";

export class NamedFiles {
  readonly #readerOf: (device: string) => Reader;
  /** By device and path: null for a file that is there, else why it can't be read. */
  readonly #answers = new Map<string, Map<string, string | null>>();

  /** @param readerOf throws where the device has gone */
  constructor(readerOf: (device: string) => Reader) {
    this.#readerOf = readerOf;
  }

  /** Why the file can't be read, as far as that is known; null where it is there. */
  check({ device, path }: DeviceFile): string | null {
    const answer = this.#answers.get(device)?.get(path);
    return answer === undefined ? "its device has not answered yet" : answer;
  }

  /**
   * Looks for the files of which nothing is known yet. A slow device delays only the configurations that name files on
   * it. Never rejects.
   * @returns whether there were any
   */
  async look(scans: readonly Scan[]): Promise<boolean> {
    const wanted = new Map<string, Set<string>>();
    for (const { result } of scans) {
      for (const entry of result.entries) {
        for (const ref of entryFiles(entry)) {
          if (!("device" in ref) || this.#answers.get(ref.device)?.has(ref.path)) continue;
          const paths = wanted.get(ref.device);
          if (paths === undefined) wanted.set(ref.device, new Set([ref.path]));
          else paths.add(ref.path);
        }
      }
    }
    await Promise.all([...wanted].map(([device, paths]) => this.#lookOn(device, [...paths])));
    return wanted.size > 0;
  }

  async #lookOn(device: string, paths: readonly string[]): Promise<void> {
    const answer = (path: string, reason: string | null): void => {
      const known = this.#answers.get(device);
      if (known === undefined) this.#answers.set(device, new Map([[path, reason]]));
      else known.set(path, reason);
    };
    try {
      await checkFiles(this.#readerOf(device), paths, answer);
    } catch (error) {
      // The device has gone.
      for (const path of paths) answer(path, describeError(error));
    }
  }

  /** Forgets what was found on a device and in the ISO files that lie on it. */
  forget(device: string): void {
    for (const name of this.#answers.keys()) {
      if (name === device || name.startsWith(`${device}+`)) this.#answers.delete(name);
    }
  }
}
