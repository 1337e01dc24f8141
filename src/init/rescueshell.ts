/** Tells PID 1 whether its rescue menu may have a shell (initramfs/init.sh), since it can't read configurations. */

import { renameSync, writeFileSync } from "node:fs";
import { describeError } from "../errors.ts";
import { OWN_FOLDER } from "../linux/ownimage.ts";
import { log } from "../log.ts";
import { type Settings, shellIsFree } from "../policy/settings.ts";

/**
 * Writes down what holds. Where there is no such file, PID 1 goes by the kernel command line and the image's own
 * configuration.
 * @param isFinal false while the configuration that `baton.config=` names has not been read: it may still shut the
 *   shell, and may have done so before Baton was started again, so only a no is written
 */
export function tellRescueMenu(settings: Settings, isFinal: boolean, path = `${OWN_FOLDER}/shell`): void {
  const isFree = shellIsFree(settings);
  if (isFree && !isFinal) return;
  try {
    // Whole or not at all: a crash may come at any time.
    writeFileSync(`${path}.new`, isFree ? "yes\n" : "no\n");
    renameSync(`${path}.new`, path);
  } catch (error) {
    log.warn(`whether the rescue menu has a shell could not be written down: ${describeError(error)}`);
  }
}
