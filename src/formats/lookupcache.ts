/** Folders listed once, however many formats look for their configurations in them at the same time. */

import type { FormatVolume } from "./format.ts";
import type { DirectoryItem, Reader } from "./reader.ts";

/** The volume with a memory for lists of folders, for as long as one search lasts. */
export function rememberLists(volume: FormatVolume): FormatVolume {
  return { ...volume, reader: rememberingReader(volume.reader) };
}

/** The reader with such a memory; one that has it already is returned as it is. */
export function rememberingReader(reader: Reader): Reader {
  return reader instanceof RememberingReader ? reader : new RememberingReader(reader);
}

class RememberingReader implements Reader {
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
