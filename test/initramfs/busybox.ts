/** A busybox to run the image's scripts with: the one that ships where it can be had, else the host's. */

import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { debianPackages } from "../../initramfs/debian.ts";
import { DEFAULT_SUITE } from "../../initramfs/profile.ts";

/** Its path; null where there is none. Fetches Debian's package the first time. */
export async function findBusybox(): Promise<string | null> {
  try {
    return join((await debianPackages(["busybox-static"], { suite: DEFAULT_SUITE })).root, "bin", "busybox");
  } catch {
    // No Debian, or no network.
  }
  const places = (process.env.PATH ?? "").split(delimiter);
  return places.map((place) => join(place, "busybox")).find((path) => existsSync(path)) ?? null;
}
