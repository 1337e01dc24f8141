/** Whether a file will fit into memory, before it is fetched: the kernel would end Baton where it doesn't. */

import { BatonError } from "../errors.ts";
import { availableMemory } from "../linux/availablememory.ts";

/** Bytes that are left for the kernel that loads, and for Baton. */
const SPARE = 48 * 1024 * 1024;

/** What each file that is being fetched still has to get, in bytes. */
const awaited = new Map<object, () => number>();

/** @param bytes that the file still has to get; asked again whenever another file needs memory */
export function awaitMemory(file: object, bytes: () => number): void {
  awaited.set(file, bytes);
}

/** The file is whole, or given up. */
export function releaseMemory(file: object): void {
  awaited.delete(file);
}

/**
 * @param name for messages. @param file itself, whose own part is `bytes`
 * @throws BatonError `too-large`
 */
export async function checkMemory(name: string, file: object, bytes: number): Promise<void> {
  let others = 0;
  for (const [other, rest] of awaited) if (other !== file) others += Math.max(0, rest());
  const left = (await availableMemory()) - SPARE - others;
  if (bytes <= left) return;
  const mib = (count: number): string => `${Math.ceil(count / 1024 / 1024)} MiB`;
  throw new BatonError(
    "too-large",
    `${name}: it needs ${mib(bytes)} of memory and there are ${mib(Math.max(0, left))} left for it`,
  );
}
