/** A volume on which every format looks for its configurations at the same time: each folder is listed once. */

import type { FormatVolume } from "./format.ts";
import type { DirectoryItem, Reader } from "./reader.ts";

/** The volume with a memory for lists of folders, for as long as one search lasts. */
export function rememberLists(volume: FormatVolume): FormatVolume {
  const { name, type, uuid, label, partuuid, partlabel, disk, partition, scheme, removable } = volume;
  const reader = new RememberingReader(volume.reader);
  return { name, type, uuid, label, partuuid, partlabel, disk, partition, scheme, removable, reader };
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
