/**
 * The hardware watchdog (Documentation/watchdog/watchdog-api.rst): fed as long as Baton lives, and left armed across
 * the jump, so that a next kernel that hangs is reset.
 */

import { closeSync, constants, existsSync, openSync, readFileSync, writeSync } from "node:fs";
import { describeError } from "../errors.ts";
import { callNow } from "../linux/libc.ts";
import { log } from "../log.ts";

// include/uapi/linux/watchdog.h
const WDIOC_SETTIMEOUT = 0xc0045706;
const WDIOC_KEEPALIVE = 0x80045705;

/** Drivers of hardware that shows no device which would load them by itself. */
const DRIVERS = ["iTCO_wdt", "sp5100_tco"];
/** Of the kernel's watchdog core: 0 keeps it armed across the jump; -1 leaves it to the driver, and most stop it. */
const STOP_ON_REBOOT = "/sys/module/watchdog/parameters/stop_on_reboot";

/** Opens the watchdog, with its driver loaded where that is needed. */
export async function armWatchdog(seconds: number): Promise<Watchdog | null> {
  if (!existsSync("/dev/watchdog")) {
    const { execFile } = await import("node:child_process");
    await new Promise<void>((resolve) => execFile("modprobe", ["-a", "-q", ...DRIVERS], () => resolve()));
  }
  const opened = Watchdog.open(seconds);
  try {
    if (opened !== null && readFileSync(STOP_ON_REBOOT, "latin1").trim() !== "0") {
      log.warn(
        "the watchdog may stop at the jump: watchdog.stop_on_reboot=0 on Baton's kernel command line keeps it armed",
      );
    }
  } catch {
    // A kernel without this parameter: its drivers decide.
  }
  return opened;
}

export class Watchdog {
  readonly #fd: number;
  readonly #timer: NodeJS.Timeout;

  private constructor(fd: number, seconds: number) {
    this.#fd = fd;
    this.#timer = setInterval(() => this.feed(), (seconds * 1000) / 3);
    this.#timer.unref();
  }

  /**
   * Opens and arms it.
   * @param seconds until the reset once nobody feeds it; hardware may round
   * @returns null where there is none, or it can't be had; the log says why
   */
  static open(seconds: number, path = "/dev/watchdog"): Watchdog | null {
    try {
      const fd = openSync(path, constants.O_WRONLY);
      const value = Buffer.alloc(4);
      value.writeInt32LE(seconds);
      try {
        callNow("ioctl", [fd, WDIOC_SETTIMEOUT, value], { call: "ioctl", args: [path, { word: "WDIOC_SETTIMEOUT" }] });
      } catch (error) {
        log.warn(`the watchdog keeps its own time: ${describeError(error)}`);
      }
      log.info(`the watchdog resets this machine when Baton is silent for ${value.readInt32LE()} s`);
      return new Watchdog(fd, Math.max(1, value.readInt32LE()));
    } catch (error) {
      log.warn(`no watchdog: ${describeError(error)}`);
      return null;
    }
  }

  feed(): void {
    try {
      callNow("ioctl", [this.#fd, WDIOC_KEEPALIVE, Buffer.alloc(4)], {
        call: "ioctl",
        args: [{ word: "WDIOC_KEEPALIVE" }],
      });
    } catch {
      // It resets the machine then, which is what it is for.
    }
  }

  /** Disarms it (the magic close), where Baton ends without a jump. */
  close(): void {
    clearInterval(this.#timer);
    try {
      writeSync(this.#fd, "V");
    } finally {
      closeSync(this.#fd);
    }
  }
}
