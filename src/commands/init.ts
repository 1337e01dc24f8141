/**
 * `baton init`: Baton as the child of PID 1 in the initramfs. Looks at every device, then boots the default
 * unattended or shows the menu on every console. Returns only where Baton must be started again.
 */

import { existsSync, readFileSync } from "node:fs";
import { describeError } from "../errors.ts";
import { exitNow } from "../linux/exit.ts";
import { reboot } from "../linux/reboot.ts";
import { sync } from "../linux/sync.ts";
import { addLogSink, log } from "../log.ts";
import { Machine } from "../machine.ts";
import { announce } from "../menu/announce.ts";
import { findConsoles } from "../menu/consoles.ts";
import { EarlyKeys } from "../menu/earlykeys.ts";
import { findEntry } from "../policy/list.ts";
import { parseBootWords } from "../policy/words.ts";
import { VERSION } from "../version.ts";
import { machineFacts } from "./facts.ts";
import { startHeartbeat } from "./heartbeat.ts";
import { KernelLog, uptime } from "./kernellog.ts";
import { Session } from "./session.ts";

/** The image's own shell, for `c` in the menu. */
const SHELL = ["/bin/busybox", "sh", "-l"];

/** Made by the init script when no driver is looking at its hardware any more. */
const DRIVERS_DONE = "/run/baton/probed";

/** device_shutdown() in drivers/base/core.c waits for probing before kexec; nothing in userland can shorten that. */
const SILENT_DEVICE =
  "A device has not answered its driver yet, and the kernel waits for that before it jumps. " +
  "If nothing happens, take out the device that does not answer.";

export async function init(): Promise<number> {
  const kernelLog = new KernelLog();
  kernelLog.milestone("baton: start");
  startHeartbeat();
  process.on("uncaughtException", (error) => {
    kernelLog.milestone(`baton: stopped by an error of its own: ${error.stack ?? describeError(error)}`);
    exitNow(1);
  });
  const words = parseBootWords(readFileSync("/proc/cmdline", "utf8"));
  addLogSink((line) => {
    if (words.debug || line.level < 7) kernelLog.write(Math.max(line.level, 4), `baton: ${line.text}`);
  });
  for (const problem of words.problems) log.warn(`kernel command line: ${problem}`);
  for (const name of ["url", "config"] as const) {
    if (words[name] !== null) log.warn(`kernel command line: this version of Baton does not read baton.${name}= yet`);
  }

  const consoles = findConsoles(words.console);
  // The word that this machine's owner gave is final; a disk's own "at once" is not.
  const earlyKeys = words.timeout === null ? new EarlyKeys(consoles) : null;
  announce(consoles, `Baton ${VERSION}: looking at this machine's disks…`);

  const changed = new Signal();
  const machine = new Machine({
    waitForDrivers: true,
    rootdelay: words.rootdelay,
    onChange: () => {
      session.update();
      changed.raise();
    },
  });
  const unmount = (): Promise<void> => machine.unmount();
  let said = false;
  /** The line that tells how long all this took, once. */
  const sayReady = (what: string): void => {
    if (said) return;
    said = true;
    const count = machine.discovery.list.entries.length;
    kernelLog.milestone(`baton: ${what}, ${count} entries, ${uptime().toFixed(2)} s since boot`);
  };
  const end = async (command: "restart" | "power-off"): Promise<void> => {
    await session.closeMenu();
    await unmount();
    await sync({ timeoutMs: 5000 });
    reboot(command);
  };
  const isNamedThere = (): boolean =>
    words.default === null || findEntry(machine.discovery.list.entries, words.default) !== null;
  const session: Session = new Session(
    {
      discovery: machine.discovery,
      // Only an entry that was named may be in an ISO file; nothing else waits for those.
      isSettled: () => machine.isSettled && (machine.isComplete || isNamedThere()),
      rescan: () => machine.rescan(),
      milestone: (text) => kernelLog.milestone(text),
      announce: (text) => announce(consoles, text),
      jumpWarning: () => (existsSync(DRIVERS_DONE) ? null : SILENT_DEVICE),
      openMenu: async (store, actions) => {
        const { runMenu } = await import("../menu/menu.ts");
        const beforeFirstFrame = (): void => sayReady("menu ready");
        return runMenu({ consoles, store, actions, shell: { argv: SHELL }, beforeFirstFrame });
      },
      unmount,
      reboot: () => end("restart"),
      powerOff: () => end("power-off"),
    },
    words,
    machineFacts(),
  );
  machine.start();
  void machine.complete.then(() => {
    if (isNamedThere()) return;
    const message = `baton.default=${words.default}: no entry has this id, title or number`;
    kernelLog.milestone(`baton: ${message}`);
    session.store.update({ message });
  });
  // Drivers look for disks meanwhile.
  if (words.timeout !== 0) void import("../menu/menu.ts").then(({ preloadMenu }) => preloadMenu());

  // The menu comes with the first entry that can boot; without one, when there is nothing left to look at.
  const isBootable = (): boolean => machine.discovery.list.entries.some((entry) => entry.bootable);
  while (!machine.isComplete && !isBootable()) await changed.wait();
  const isUnattended = (): boolean => session.timeout === 0 || consoles.length === 0;
  if (isUnattended()) {
    await machine.settled;
    if (!isNamedThere()) await machine.complete;
    if (earlyKeys?.end()) session.holdForPerson();
    // Settled, the default may be another one, with a timeout of its own.
    if (isUnattended()) {
      sayReady("entries ready");
      const failure = await session.bootUnattended();
      await session.openMenu(`Nothing booted: ${failure}`);
      return new Promise(() => {});
    }
  }
  earlyKeys?.end();
  await session.openMenu();
  // Devices, keys and the countdown carry on from here.
  return new Promise(() => {});
}

/** Wakes whoever waits for the next change. */
class Signal {
  #waiting: (() => void)[] = [];

  wait(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  raise(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}
