/** Folders listed once, however many formats look for their configurations in them at the same time. */

import type { FormatVolume } from "./format.ts";
import type { DirectoryItem, Reader } from "./reader.ts";

/** The volume with a cache of lists of folders, for one search. */
export function cacheLists(volume: FormatVolume): FormatVolume {
  return { ...volume, reader: listCache(volume.reader) };
}

/** The reader with such a cache; one that has it already is returned as it is. */
export function listCache(reader: Reader): Reader {
  return reader instanceof ListCache ? reader : new ListCache(reader);
}

class ListCache implements Reader {
  readonly #reader: Reader;
  readonly #lists = new Map<string, Promise<readonly DirectoryItem[]>>();

  constructor(reader: Reader) {
    this.#reader = reader;
  }

  list(path: string): Promise<readonly DirectoryItem[]> {
    let items = this.#lists.get(path);
    if (items === undefined) {
      items = this.#reader.list(path);
      this.#lists.set(path, items);
    }
    return items;
  }

  read(...args: Parameters<Reader["read"]>): ReturnType<Reader["read"]> {
    return this.#reader.read(...args);
  }

  readAt(...args: Parameters<Reader["readAt"]>): ReturnType<Reader["readAt"]> {
    return this.#reader.readAt(...args);
  }

  stat(...args: Parameters<Reader["stat"]>): ReturnType<Reader["stat"]> {
    return this.#reader.stat(...args);
  }
}
