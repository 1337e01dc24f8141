/**
 * A file whose URL says what it must be (`#sha256=…`): whole in memory, and checked, before anything in it is believed. What
 * is told apart, read and booted are then the very same bytes, whatever the server answers to the next request.
 */

import { type FileHandle, open } from "node:fs/promises";
import { BatonError } from "../errors.ts";
import { download } from "../fetch/download.ts";
import type { Fetcher } from "../fetch/fetcher.ts";
import type { Digest } from "../fetch/fragment.ts";
import { awaitMemory, checkMemory, releaseMemory } from "../fetch/memory.ts";
import { MemoryFile } from "../fetch/memoryfile.ts";

/** Bytes that are copied at once. */
const PIECE = 1024 * 1024;

export class PinnedFile {
  readonly #handle: FileHandle;
  readonly #name: string;
  /** With all that stands behind `#`. */
  readonly url: string;
  /** Bytes. */
  readonly size: number;

  private constructor(handle: FileHandle, url: string, name: string, size: number) {
    this.#handle = handle;
    this.url = url;
    this.#name = name;
    this.size = size;
  }

  /**
   * @param url without its digests. @param fragment what stood behind it
   * @throws BatonError `bad-format` where it is another file, `too-large` where memory can't hold it, and as `download`
   */
  static async fetch(fetcher: Fetcher, url: string, fragment: string, digests: readonly Digest[]): Promise<PinnedFile> {
    const { handle, size, url: name } = await download(fetcher, url, { digests });
    return new PinnedFile(handle, url + fragment, name, size);
  }

  async readAt(offset: number, length: number): Promise<Uint8Array> {
    const wanted = Math.max(0, Math.min(length, this.size - offset));
    const buffer = Buffer.allocUnsafe(wanted);
    const { bytesRead } = await this.#handle.read(buffer, 0, wanted, offset);
    return buffer.subarray(0, bytesRead);
  }

  /** A handle of its own on the whole, at its beginning; its owner closes it. */
  open(): Promise<FileHandle> {
    return open(`/proc/self/fd/${this.#handle.fd}`, "r");
  }

  /** A file of a part of it. @throws BatonError `too-large`, `io` where it ends before the part does */
  async copyPart(offset: number, size: number): Promise<FileHandle> {
    const file = new MemoryFile(this.#name);
    try {
      awaitMemory(file, () => size - file.size);
      await checkMemory(this.#name, file, size);
      while (file.size < size) {
        const piece = await this.readAt(offset + file.size, Math.min(PIECE, size - file.size));
        if (piece.length === 0) throw new BatonError("io", `${this.#name}: it ends before byte ${offset + size}`);
        file.append(piece);
      }
      return await file.handle();
    } catch (error) {
      file.discard();
      throw error;
    } finally {
      releaseMemory(file);
    }
  }

  /** Handles that were opened stay open. */
  async close(): Promise<void> {
    await this.#handle.close();
  }
}
