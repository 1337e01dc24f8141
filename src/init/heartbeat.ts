/** Signs of life for the supervisor (initramfs/init.sh), which kills and restarts a Baton that gives none. */

import { constants, openSync, writeSync } from "node:fs";
import { OWN_FOLDER } from "../linux/ownimage.ts";

/** The FIFO that the supervisor reads. */
const STATUS = `${OWN_FOLDER}/status`;
/** Milliseconds; the supervisor waits many times as long. */
const INTERVAL = 4000;

/** Says so every few seconds from now on, as long as the main thread gets to run; doesn't keep the process alive. */
export function startHeartbeat(path = STATUS): void {
  let fd: number;
  try {
    // Without a reader this fails at once instead of waiting for one.
    fd = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK);
  } catch {
    return;
  }
  const beat = (): void => {
    try {
      writeSync(fd, "alive\n");
    } catch {
      // The FIFO is full: the supervisor has signs of life enough.
    }
  };
  beat();
  setInterval(beat, INTERVAL).unref();
}
