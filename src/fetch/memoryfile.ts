/** A file in memory that is being fetched. */

import { closeSync, writeSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { BatonError, describeError } from "../errors.ts";
import { memfd } from "../linux/memfd.ts";
import { FileHash, hashOf } from "./filehash.ts";
import type { Algorithm } from "./fragment.ts";

/** An anonymous file that grows, with the digest of what is in it. */
export class MemoryFile {
  readonly #name: string;
  readonly #fd: number;
  #isOpen = true;
  #hash: FileHash;
  /** Bytes. */
  size = 0;
  /** What the server calls these contents; null where it has no name for them. */
  validator: string | null = null;
  /** Bytes that the server said the whole file has; null where it said nothing. */
  whole: number | null = null;

  /** @param name of what is fetched, for messages */
  constructor(name: string) {
    this.#name = name;
    this.#fd = memfd("baton-fetch");
    this.#hash = new FileHash(this.#fd);
  }

  /** Nothing of what came counts any more. */
  restart(): void {
    this.size = 0;
    this.validator = null;
    this.whole = null;
    this.#hash.stop();
    this.#hash = new FileHash(this.#fd);
  }

  /** @throws BatonError `too-large` where there is no memory left */
  append(piece: Uint8Array): void {
    try {
      for (let at = 0; at < piece.length; ) at += writeSync(this.#fd, piece, at, piece.length - at, this.size + at);
    } catch (error) {
      throw new BatonError("too-large", `${this.#name}: there is no memory left for it: ${describeError(error)}`);
    }
    this.size += piece.length;
    this.#hash.append(piece);
  }

  /** Of what has come, lower-case hexadecimal. SHA-256 is known already; anything else takes a while. */
  async digest(algorithm: Algorithm): Promise<string> {
    return algorithm === "sha256" ? this.#hash.digest() : hashOf(this.#fd, this.size, algorithm);
  }

  /** The file itself, which is then its owner's. */
  async handle(): Promise<FileHandle> {
    // A FileHandle of its own: Node has none for a descriptor that it did not open.
    const handle = await open(`/proc/self/fd/${this.#fd}`, "r+");
    await handle.truncate(this.size);
    this.discard();
    return handle;
  }

  discard(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#hash.stop();
    closeSync(this.#fd);
  }
}
