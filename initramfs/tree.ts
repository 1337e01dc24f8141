/** The files of an image before they become a cpio archive. */

import { dirname } from "node:path/posix";
import { type CpioEntry, cpioDevice, cpioDirectory, cpioFifo, cpioFile, cpioSymlink } from "../src/binary/cpio.ts";

/** Collects files; directories above them come by themselves, each before what is in it. */
export class Tree {
  readonly #entries = new Map<string, CpioEntry>();

  /** In the order in which they were added, parents first. */
  get entries(): readonly CpioEntry[] {
    return [...this.#entries.values()];
  }

  has(path: string): boolean {
    return this.#entries.has(path.slice(1));
  }

  /** @param path absolute, as in the image */
  directory(path: string, permissions = 0o755): void {
    if (path === "/" || this.has(path)) return;
    this.#add(cpioDirectory(path.slice(1), permissions));
  }

  file(path: string, data: Uint8Array | string, permissions = 0o644): void {
    this.#add(cpioFile(path.slice(1), typeof data === "string" ? Buffer.from(data) : data, permissions));
  }

  symlink(path: string, target: string): void {
    this.#add(cpioSymlink(path.slice(1), target));
  }

  characterDevice(path: string, major: number, minor: number, permissions = 0o600): void {
    this.#add(cpioDevice(path.slice(1), "character", major, minor, permissions));
  }

  fifo(path: string): void {
    this.#add(cpioFifo(path.slice(1)));
  }

  #add(entry: CpioEntry): void {
    this.directory(dirname(`/${entry.name}`));
    this.#entries.set(entry.name, entry);
  }
}
