/**
 * `baton init`: Baton as the child of PID 1 in the initramfs. Looks at every device, then boots the default
 * unattended or shows the menu on every console. Returns only where Baton must be started again.
 */

import { existsSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { areDriversDone, DeviceMonitor } from "../discovery/devicemonitor.ts";
import { thisPlatform } from "../discovery/platform.ts";
import type { BootEntry } from "../entry.ts";
import { BatonError, describeError } from "../errors.ts";
import { exitNow } from "../linux/exit.ts";
import { loadKoffi } from "../linux/libc.ts";
import { reboot } from "../linux/reboot.ts";
import { sync } from "../linux/sync.ts";
import { bootEntry } from "../loader/boot.ts";
import { loadEntry } from "../loader/load.ts";
import { addLogSink, log } from "../log.ts";
import { announce } from "../menu/announce.ts";
import { findConsoles } from "../menu/consoles.ts";
import { EarlyKeys } from "../menu/earlykeys.ts";
import { sourceDevice } from "../menu/tree.ts";
import type { MachineNetwork } from "../netboot/machinenetwork.ts";
import { NAMED_CONFIG_MS } from "../policy/countdown.ts";
import { findEntry } from "../policy/list.ts";
import { wantsNetwork } from "../policy/network.ts";
import { parseBootWords } from "../policy/words.ts";
import type { BootState } from "../session/bootstate.ts";
import { Session } from "../session/session.ts";
import type { Watchdog } from "../state/watchdog.ts";
import { VERSION } from "../version.ts";
import { Configuration } from "./configuration.ts";
import { startHeartbeat } from "./heartbeat.ts";
import { KernelLog, uptime } from "./kernellog.ts";
import { machineFacts } from "./machineinfo.ts";

/** How long the network may keep a machine from booting what else there is. */
const NETWORK_MS = 60_000;

/** How long the jump waits for a watchdog that is being armed. */
const WATCHDOG_MS = 4000;

/** The image's own shell, for `c` in the menu. */
const SHELL = ["/bin/busybox", "sh", "-l"];

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
  try {
    loadKoffi();
  } catch (error) {
    // Nothing can be mounted, drawn or booted without system calls: PID 1's rescue menu is what is left, and it shows
    // what stands on stderr.
    kernelLog.milestone(`baton: stopped: ${describeError(error)}`);
    process.stderr.write(`${describeError(error)}\n`);
    exitNow(1);
  }
  const words = parseBootWords(readFileSync("/proc/cmdline", "utf8"));
  addLogSink((line) => {
    if (words.settings.debug || line.level < 7) kernelLog.write(Math.max(line.level, 4), `baton: ${line.text}`);
  });
  for (const problem of words.problems) log.warn(`kernel command line: ${problem}`);
  const configuration = await Configuration.load(words);
  const { settings } = configuration;

  const consoles = findConsoles(settings.console);
  // The word that this machine's owner gave is final; a disk's own "at once" is not.
  const earlyKeys = settings.timeout?.keys === false ? null : new EarlyKeys(consoles);
  if (settings.keymap !== null) void import("./keymap.ts").then(({ loadKeymap }) => loadKeymap(settings.keymap!));
  if (settings.console !== null)
    void import("./latedrivers.ts").then(({ loadConsoleDrivers }) => loadConsoleDrivers(settings.console));
  announce(consoles, `Baton ${VERSION}: looking at this machine's disks…`);

  const changed = new Signal();
  const machine = new DeviceMonitor({
    waitForDrivers: true,
    rootdelay: settings.rootdelay,
    waitfor: settings.waitfor,
    onChange: () => {
      session.update();
      changed.raise();
    },
  });
  const isBootable = (): boolean => machine.discovery.list.entries.some((entry) => entry.bootable);
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
    if (command === "power-off") (await watchdog)?.close();
    reboot(command);
  };
  let watchdog: Promise<Watchdog | null> | null = null;
  /** Arms the watchdog, where the configuration says so. */
  const armWatchdog = (): void => {
    const { watchdog: seconds } = configuration.settings;
    if (seconds === null) return;
    watchdog ??= Promise.all([import("../state/watchdog.ts"), import("./latedrivers.ts")]).then(
      ([{ armWatchdog }, { loadDrivers }]) => armWatchdog(seconds, loadDrivers),
    );
  };
  const isNamedThere = (): boolean => {
    const named = configuration.settings.default;
    return named === null || named === "@saved" || findEntry(machine.discovery.list.entries, named) !== null;
  };
  /** True while the entry that was named may still come: in an ISO file, or on a disk that has not answered its driver. */
  let awaitsNamed = true;
  const enterFirmware = async (): Promise<void> => {
    const { canEnterSetup, requestSetup } = await import("../state/firmware.ts");
    try {
      if (!canEnterSetup())
        throw new BatonError("unsupported", "this firmware offers no way into its set-up from here");
      await requestSetup();
    } catch (error) {
      session.store.update({ message: describeError(error) });
      return;
    }
    await end("restart");
  };
  /** What the firmware itself could start, once its variables can be read. */
  const listFirmware = async (): Promise<void> => {
    await Promise.all([machine.settled, configured]);
    const { firmwareConfig } = await import("../discovery/firmwareentries.ts");
    machine.discovery.setOthers(firmwareConfig(configuration.settings, machine.discovery.volumes));
    session.update();
  };
  const bootNext = async ({ nativeId }: BootEntry): Promise<void> => {
    const firmware = await import("../discovery/firmwareentries.ts");
    await firmware.bootNext(nativeId);
    await end("restart");
  };
  let kept: Promise<BootState> | null = null;
  /** Loaded where something is remembered or written, and not before. */
  const keeper = (): Promise<BootState> => {
    kept ??= (async () => {
      const { BootState } = await import("../session/bootstate.ts");
      const lookAt = async (name: string) => {
        const device = await machine.lookAt(name);
        const { identity } = device;
        return { ...device, type: identity?.type ?? null, dirty: identity?.dirty ?? true };
      };
      const made = new BootState(machine.discovery, lookAt, existsSync("/sys/firmware/efi"));
      await made.load();
      return made;
    })();
    return kept;
  };
  /** True while what was remembered is needed and has not been read: all disks are looked at first. */
  let awaitsState = false;
  const remember = async (): Promise<void> => {
    const { tries, default: named } = configuration.settings;
    if (tries === 0 && named !== "@saved") return;
    awaitsState = true;
    await machine.settled;
    session.settle(configuration.settings, (await keeper()).rules(configuration.settings));
    awaitsState = false;
    changed.raise();
  };
  /** True while the file that baton.config= names has neither been read nor passed its deadline. */
  let awaitsConfig = words.config !== null;
  const isDecided = (): boolean => {
    const { list } = machine.discovery;
    const entry = list.isDecided ? list.entries.find(({ id }) => id === list.defaultId) : undefined;
    return (
      !awaitsConfig &&
      !awaitsState &&
      !isNetworkAwaited() &&
      entry?.bootable === true &&
      machine.isPrecededByNone(sourceDevice(entry.source))
    );
  };
  let net: Promise<MachineNetwork> | null = null;
  /** Loaded where the network is asked for, and not before. */
  const networkOf = (): Promise<MachineNetwork> => {
    net ??= import("../netboot/machinenetwork.ts").then(({ MachineNetwork }) => {
      const made = new MachineNetwork(thisPlatform(), configuration.settings.network, () => {
        machine.discovery.refresh();
        session.update();
        changed.raise();
      });
      machine.discovery.setNetwork(made.network);
      return made;
    });
    return net;
  };
  /** True until it is known that nothing boots by itself from the network, or the network has said what does. */
  let awaitsNetwork = true;
  const askNetwork = async (): Promise<void> => {
    if (!session.menuIsOpen) announce(consoles, "Asking the network what this machine boots…");
    const asked = networkOf().then((network) => network.start(configuration.settings.url));
    const late = sleep(NETWORK_MS, `no answer within ${NETWORK_MS / 1000} s`, { ref: false });
    const failure = await Promise.race([asked.catch(describeError), late]);
    if (failure !== null) kernelLog.milestone(`baton: network: ${failure}`);
  };
  /** True while what the network says may change what boots by itself. */
  const isNetworkAwaited = (): boolean => awaitsNetwork && (wantsNetwork(configuration.settings) || !isBootable());
  const lookAtNetwork = async (): Promise<void> => {
    if (!wantsNetwork(configuration.settings)) {
      // Disks come first: the network's drivers wait until they have been read, and stay away where nobody wants them.
      await Promise.all([machine.settled, configured]);
    }
    const mayBoot = wantsNetwork(configuration.settings) || !isBootable();
    if (!mayBoot) awaitsNetwork = false;
    if (mayBoot || configuration.settings.network !== null) await askNetwork();
    awaitsNetwork = false;
    session.update();
    changed.raise();
  };
  const session: Session = new Session(
    {
      discovery: machine.discovery,
      isSettled: () =>
        machine.isSettled && !awaitsConfig && !awaitsState && !awaitsNetwork && (!awaitsNamed || isNamedThere()),
      isDecided,
      boot: (entry, options, hooks) => bootEntry(machine.discovery, entry, options, hooks),
      loadAhead: (entry, options) => loadEntry(machine.discovery, entry, entry.options, () => {}, options),
      rescan: async () => {
        await Promise.all([machine.rescan(), net?.then((network) => network.refresh())]);
      },
      beforeJump: async () => {
        await machine.lock();
        await (await net)?.down();
        await Promise.race([watchdog, sleep(WATCHDOG_MS, undefined, { ref: false })]);
      },
      unlockDevice: (name, passphrase) => machine.unlock(name, passphrase),
      openUrl: async (url) => (await networkOf()).openUrl(url),
      openDoor: async (door) => (await networkOf()).open(door),
      milestone: (text) => kernelLog.milestone(text),
      announce: (text) => announce(consoles, text),
      jumpWarning: () => (areDriversDone() ? null : SILENT_DEVICE),
      openMenu: async (store, actions) => {
        const beforeFirstFrame = (): void => sayReady("menu ready");
        const options = {
          ...{ consoles, store, actions, shell: { argv: SHELL }, beforeFirstFrame },
          // Those that appear late join: a USB serial line, a console that was busy.
          findConsoles: () => findConsoles(configuration.settings.console),
        };
        if (configuration.settings.ui === "plain") return (await import("../menu/plain.ts")).runPlainMenu(options);
        return (await import("../menu/menu.ts")).runMenu(options);
      },
      unmount,
      bootState: keeper,
      ...(existsSync("/sys/firmware/efi") ? { firmware: enterFirmware, bootNext } : {}),
      reboot: () => end("restart"),
      powerOff: () => end("power-off"),
    },
    settings,
    machineFacts(),
  );
  session.problems = configuration.diagnostics;
  machine.start();
  const configured = (words.config === null ? Promise.resolve() : readNamedConfig(words.config)).then(remember);
  armWatchdog();
  void configured.then(armWatchdog);
  const lookForNamed = async (): Promise<void> => {
    await Promise.all([machine.complete, configured]);
    await machine.waitForDrivers(isNamedThere);
    awaitsNamed = false;
    changed.raise();
    if (isNamedThere()) return;
    const source = words.settings.default === undefined ? "default: " : "baton.default=";
    const message = `${source}${configuration.settings.default}: no entry has this id, title or number`;
    kernelLog.milestone(`baton: ${message}`);
    session.store.update({ message });
  };
  void lookForNamed();
  // Drivers look for disks meanwhile.
  if (settings.timeout?.seconds !== 0 && settings.ui === "screen")
    void import("../menu/menu.ts").then(({ preloadMenu }) => preloadMenu());

  async function readNamedConfig(name: string): Promise<void> {
    const { readNamedFile } = await import("./namedconfig.ts");
    await configuration.loadNamed(name, () =>
      readNamedFile(name, machine, NAMED_CONFIG_MS, async (url) => (await networkOf()).fetchText(url)),
    );
    session.problems = configuration.diagnostics;
    session.settle(configuration.settings);
    const { keymap } = configuration.settings;
    if (keymap !== null && keymap !== settings.keymap) void (await import("./keymap.ts")).loadKeymap(keymap);
    await machine.waitFor(configuration.settings.rootdelay, configuration.settings.waitfor);
    awaitsConfig = false;
    changed.raise();
  }

  if (existsSync("/sys/firmware/efi")) void listFirmware().catch((error) => log.warn(describeError(error)));
  void lookAtNetwork();
  // The menu comes with the first entry that can boot; without one, when there is nothing left to look at.
  while ((!machine.isComplete || awaitsNetwork) && !isBootable()) await changed.wait();
  const isUnattended = (): boolean => session.timeout === 0 || consoles.length === 0;
  if (isUnattended()) {
    await configured;
    while ((!machine.isSettled || isNetworkAwaited()) && !isDecided()) await changed.wait();
    while (awaitsNamed && !isNamedThere()) await changed.wait();
    if (earlyKeys?.end()) session.holdForPerson();
    // Settled, the default may be another one, with a timeout of its own.
    if (isUnattended()) {
      sayReady("entries ready");
      await session.bootDefault();
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
