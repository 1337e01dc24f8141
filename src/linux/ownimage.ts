/** Whether this is Baton's own image, where nobody but Baton looks after disks and mounts; on a host its system does. */

import { existsSync } from "node:fs";

/** Baton's files in its own image, which makes the folder (initramfs/contents.ts). On a host nothing of it is Baton's. */
export const OWN_FOLDER = "/run/baton";

/**
 * By the FIFO between Baton and its supervisor (initramfs/init.sh), which no host has. The folder alone says nothing:
 * earlier Batons left it behind on hosts.
 */
export function inOwnImage(folder = OWN_FOLDER): boolean {
  return existsSync(`${folder}/status`);
}
