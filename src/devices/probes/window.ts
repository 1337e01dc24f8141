/** A device as probes see it: few, large reads, each done once. */

import { BatonError } from "../../errors.ts";

/**
 * Reads from a device; fewer bytes than asked for at its end. A rejection means that these bytes can't be read.
 * BatonError `timeout` means that nothing more should be asked of this device.
 */
export type ReadDevice = (offset: number, length: number) => Promise<Uint8Array>;

/** Every superblock but those at the end and the odd root directory is in here. */
const HEAD = 128 * 1024;
/** What else is read, is read in these. */
const BLOCK = 32 * 1024;
/** Reads beyond head and tail that one device is worth: a hostile superblock can point anywhere, often. */
const MAX_BLOCKS = 64;
const TAIL_UNIT = 64 * 1024;

export interface WindowOptions {
  /** A whole disk, which may be partitioned. */
  readonly wholeDisk?: boolean;
  /** A CD, DVD or the like: what only disks can be isn't looked for, least of all at its end. */
  readonly optical?: boolean;
  /** Of the device's logical sectors, in bytes: what partition tables count in. */
  readonly sectorSize?: number;
}

export class Window {
  /** Of the device, in bytes. */
  readonly size: number;
  readonly wholeDisk: boolean;
  readonly optical: boolean;
  readonly sectorSize: number;
  readonly #read: ReadDevice;
  readonly #tailStart: number;
  /** What was read, by its offset; head and tail may overlap blocks. */
  readonly #blocks = new Map<number, Promise<Buffer>>();
  #head: Promise<Buffer> | null = null;
  #tail: Promise<Buffer> | null = null;

  constructor(read: ReadDevice, size: number, options: WindowOptions = {}) {
    this.#read = read;
    this.size = size;
    this.wholeDisk = options.wholeDisk ?? false;
    this.optical = options.optical ?? false;
    this.sectorSize = options.sectorSize ?? 512;
    // The last full 64 KiB before the end, where md 0.90 keeps its superblock, to the end.
    this.#tailStart = Math.max(0, Math.floor(size / TAIL_UNIT) * TAIL_UNIT - TAIL_UNIT);
  }

  /**
   * Bytes of the device; a view, not to be written.
   * @param length at most 128 KiB.
   * @returns null where they are not all there: beyond the end, unreadable (but in the head), or too much was read.
   * @throws what reading the head throws, and `timeout`.
   */
  async bytes(offset: number, length: number): Promise<Buffer | null> {
    if (!Number.isSafeInteger(offset) || offset < 0 || length < 0 || length > HEAD) return null;
    if (offset + length > this.size) return null;
    if (offset + length <= HEAD) {
      this.#head ??= this.#fetch(0, HEAD);
      return slice(await this.#head, offset, length);
    }
    if (offset >= this.#tailStart) {
      this.#tail ??= orEmpty(this.#fetch(this.#tailStart, 2 * TAIL_UNIT));
      return slice(await this.#tail, offset - this.#tailStart, length);
    }
    const first = Math.floor(offset / BLOCK) * BLOCK;
    const blocks: Buffer[] = [];
    for (let at = first; at < offset + length; at += BLOCK) {
      const block = await this.#block(at);
      // One that is cut off in the middle would move what follows.
      if (block.length < BLOCK && at + block.length < offset + length) return null;
      blocks.push(block);
    }
    return slice(blocks.length === 1 ? blocks[0]! : Buffer.concat(blocks), offset - first, length);
  }

  #block(offset: number): Promise<Buffer> {
    let block = this.#blocks.get(offset);
    if (!block) {
      if (this.#blocks.size >= MAX_BLOCKS) return Promise.resolve(Buffer.alloc(0));
      block = orEmpty(this.#fetch(offset, BLOCK));
      this.#blocks.set(offset, block);
    }
    return block;
  }

  async #fetch(offset: number, length: number): Promise<Buffer> {
    const bytes = await this.#read(offset, Math.min(length, this.size - offset));
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }
}

/** A bad sector somewhere hides one superblock, not the device. */
async function orEmpty(part: Promise<Buffer>): Promise<Buffer> {
  try {
    return await part;
  } catch (error) {
    if (error instanceof BatonError && error.code === "timeout") throw error;
    return Buffer.alloc(0);
  }
}

function slice(buffer: Buffer, offset: number, length: number): Buffer | null {
  return offset + length <= buffer.length ? buffer.subarray(offset, offset + length) : null;
}
