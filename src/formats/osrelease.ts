/** os-release(5): what an operating system calls itself. */

import { keyValues } from "./lines.ts";

interface OsNames {
  readonly name: string;
  readonly version: string | null;
  readonly sortKey: string | null;
}

/**
 * What a boot menu shows and sorts by, in systemd's order of preference.
 * @returns null where the text gives no name at all.
 */
export function osNames(osRelease: string): OsNames | null {
  const values = new Map(keyValues(osRelease, "=").map(({ key, value }) => [key, value]));
  const first = (...keys: string[]): string | null => keys.map((key) => values.get(key)).find((value) => value) ?? null;
  const name = first("PRETTY_NAME", "IMAGE_ID", "NAME", "ID");
  if (name === null) return null;
  return {
    name,
    version: first("IMAGE_VERSION", "VERSION", "VERSION_ID", "BUILD_ID"),
    sortKey: first("IMAGE_ID", "ID"),
  };
}
