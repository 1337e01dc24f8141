/** Whether the kernel's driver for a filesystem is there. */

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const PAUSE_MS = 50;

/**
 * Waits while the kernel loads modules, and says whether the filesystem's driver is there then. Two mounts at once may
 * both ask for it: busybox's modprobe leaves a module alone that is being loaded, and the second mount fails with
 * ENODEV before the driver has come.
 * @param driver as proc_filesystems(5) names it
 * @param waitMs at most, milliseconds
 */
export async function driverHasCome(driver: string, waitMs: number, proc = "/proc"): Promise<boolean> {
  const end = performance.now() + waitMs;
  for (;;) {
    const isLoading = / Loading /.test(await textOf(join(proc, "modules")));
    if ((await textOf(join(proc, "filesystems"))).split(/\s+/).includes(driver)) return true;
    if (!isLoading || performance.now() > end) return false;
    await sleep(PAUSE_MS);
  }
}

/** Empty where there is none: a kernel without modules. */
const textOf = (path: string): Promise<string> => readFile(path, "utf8").catch(() => "");
