/**
 * The hardware watchdog (Documentation/watchdog/watchdog-api.rst): fed as long as Baton lives, and left armed across
 * the jump, so that a next kernel that hangs is reset.
 */

import { closeSync, constants, existsSync, openSync, readFileSync, writeSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { describeError } from "../errors.ts";
import { callNow } from "../linux/libc.ts";
import { log } from "../log.ts";

// include/uapi/linux/watchdog.h
const WDIOC_SETTIMEOUT = 0xc0045706;
const WDIOC_KEEPALIVE = 0x80045705;

const DEVICE = "/dev/watchdog";

/** Drivers, and what shows them their hardware. Loaded here, since they cost a machine that uses none its time. */
const DRIVERS = ["wdat_wdt", "lpc_ich", "i2c_i801", "iTCO_wdt", "sp5100_tco", "i6300esb", "hpwdt"];
/** The kernel's own timer: it resets a machine whose Baton hangs, and ends with this kernel. */
const SOFTWARE = "softdog";
/** How long a driver may take to find its hardware, in milliseconds. */
const PROBE_MS = 2000;
/** The kernel's watchdog core is to keep it armed across the jump; left alone, most drivers stop it. */
const PARAMETERS = { watchdog: "stop_on_reboot=0" };
/** What it was told, by us or by the kernel's command line. */
const STOP_ON_REBOOT = "/sys/module/watchdog/parameters/stop_on_reboot";

/**
 * Opens the watchdog, with its driver loaded where that is needed. Never rejects.
 * @param load loads modules by name
 */
export async function armWatchdog(
  seconds: number,
  load: (names: readonly string[], parameters?: Readonly<Record<string, string>>) => Promise<void>,
): Promise<Watchdog | null> {
  let isHardware = existsSync(DEVICE);
  if (!isHardware) {
    await load(DRIVERS, PARAMETERS);
    for (const end = performance.now() + PROBE_MS; !existsSync(DEVICE) && performance.now() < end; ) await sleep(50);
    isHardware = existsSync(DEVICE);
    if (!isHardware) await load([SOFTWARE]);
  }
  const opened = Watchdog.open(seconds);
  if (opened === null) return null;
  if (!isHardware) log.warn("no watchdog in hardware was found: the kernel's own is used, which ends at the jump");
  else if (!isKept()) {
    log.warn(
      "the watchdog may stop at the jump: watchdog.stop_on_reboot=0 on Baton's kernel command line keeps it armed",
    );
  }
  return opened;
}

/** Whether the kernel keeps it armed across the jump; true where drivers alone decide (an older kernel). */
function isKept(): boolean {
  try {
    return readFileSync(STOP_ON_REBOOT, "latin1").trim() === "0";
  } catch {
    return true;
  }
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
  static open(seconds: number, path = DEVICE): Watchdog | null {
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
