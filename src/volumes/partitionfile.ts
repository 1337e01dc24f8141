/** A partition without a filesystem that a boot loader reads as a whole: a tree of one file. */

import { BatonError } from "../errors.ts";
import type { Reader } from "../formats/reader.ts";
import { fileError, type HostFiles } from "./files.ts";
import type { Volume } from "./volume.ts";

/** Where its bytes are on this machine. */
interface PartitionPlace {
  /** A block device, or a file that stands for one. */
  readonly node: string;
  /** Bytes. */
  readonly size: number;
  readonly partlabel: string | null;
}

/** A partition's name that does as a file's. */
const NAME = /^[A-Za-z0-9][\w.-]{0,35}$/;

/**
 * @param name of the volume
 * @param type as the probe names it: `android_boot`, after which the file is called where the partition has no name
 */
export function openPartition(
  name: string,
  type: string,
  place: PartitionPlace,
  files: HostFiles,
): Pick<Volume, "reader" | "hostPath" | "extent" | "close"> {
  const { node, size, partlabel } = place;
  const own = partlabel !== null && NAME.test(partlabel) ? partlabel : type.replace(/^[^_]*_/, "");
  const path = `/${own}.img`;
  const check = (wanted: string): void => {
    if (wanted === path) return;
    const code = wanted === "/" ? "not-a-file" : "not-found";
    throw new BatonError(code, `${name}:${wanted}: this partition has no filesystem, and is ${path} as a whole`);
  };
  const reader: Reader = {
    async stat(wanted) {
      if (wanted === "/") return { type: "directory", size: 0, mtime: 0 };
      check(wanted);
      return { type: "file", size, mtime: 0 };
    },
    async list(wanted) {
      if (wanted === "/") return [{ name: path.slice(1), type: "file" }];
      throw new BatonError("not-found", `${name}:${wanted}: no such directory`);
    },
    async read(wanted, limit = 16 << 20) {
      check(wanted);
      if (size > limit) throw new BatonError("too-large", `${name}:${wanted} has ${size} bytes`);
      return reader.readAt(wanted, 0, size);
    },
    async readAt(wanted, offset, length) {
      check(wanted);
      const bytes = new Uint8Array(Math.max(0, Math.min(length, size - offset)));
      try {
        const file = await files.open(node);
        try {
          let filled = 0;
          while (filled < bytes.length) {
            const read = await file.read(bytes, filled, bytes.length - filled, offset + filled);
            if (read === 0) break;
            filled += read;
          }
          return bytes.subarray(0, filled);
        } finally {
          await file.close();
        }
      } catch (error) {
        throw fileError(`${name}:${wanted}`, error);
      }
    },
    realPath: async (wanted) => wanted,
  };
  return {
    reader,
    hostPath: async (wanted) => {
      throw new BatonError("unsupported", `${name}:${wanted}: it is a partition and no file.`);
    },
    extent: async (wanted) => {
      check(wanted);
      return { hostPath: node, offset: 0, size };
    },
    close: async () => {},
  };
}
