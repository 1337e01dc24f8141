/**
 * `baton init`: Baton as the child of PID 1 in the initramfs. Looks at every device, then boots the default
 * unattended or shows the menu on every console. Returns only where Baton must be started again.
 */

import { DeviceMonitor } from "../discovery/devicemonitor.ts";
import { describeError } from "../errors.ts";
import { log } from "../log.ts";
import { announce } from "../menu/announce.ts";
import { findConsoles } from "../menu/consoles.ts";
import { EarlyKeys } from "../menu/earlykeys.ts";
import type { Settings } from "../policy/settings.ts";
import { Session } from "../session/session.ts";
import { VERSION } from "../version.ts";
import { lookAtNetwork } from "./asknetwork.ts";
import { bootStateOf } from "./bootstate.ts";
import { Configuration } from "./configuration.ts";
import { isEfi, listFirmwareEntries } from "./firmware.ts";
import { initHost } from "./host.ts";
import { allMachineFacts, machineFacts } from "./machineinfo.ts";
import { NetworkOnDemand } from "./network.ts";
import type { InitParts } from "./parts.ts";
import { Readiness } from "./readiness.ts";
import { tellRescueMenu } from "./rescueshell.ts";
import { lookForNamedEntry, readConfiguration } from "./settle.ts";
import { readBootWords, startProgram } from "./start.ts";
import { WatchdogOnDemand } from "./watchdog.ts";

export async function init(): Promise<number> {
  const kernelLog = startProgram();
  const words = readBootWords(kernelLog);
  const configuration = await Configuration.load(words);
  const { settings } = configuration;
  tellRescueMenu(settings, words.config === null);

  const consoles = findConsoles(settings.console);
  // The word that this machine's owner gave is final; a disk's own "at once" is not.
  const earlyKeys = settings.timeout?.keys === false ? null : new EarlyKeys(consoles);
  prepareConsoles(settings);
  announce(consoles, `Baton ${VERSION}: looking at this machine's disks…`);

  const machine = new DeviceMonitor({
    waitForDrivers: true,
    rootdelay: settings.rootdelay,
    waitfor: settings.waitfor,
    onChange: () => readiness.changed(),
  });
  const readiness = new Readiness(
    machine,
    () => configuration.settings,
    () => session.update(),
  );
  const parts: InitParts = {
    ...{ kernelLog, configuration, consoles, machine, readiness },
    network: new NetworkOnDemand(machine.discovery, configuration, () => readiness.changed()),
    watchdog: new WatchdogOnDemand(configuration),
    bootState: bootStateOf(machine),
    get session(): Session {
      return session;
    },
  };
  const session: Session = new Session(initHost(parts), settings, machineFacts());
  session.problems = configuration.diagnostics;

  machine.start();
  // Which drivers have which devices shows only then, and of network adapters when the network was asked.
  const tellMachine = async (): Promise<void> => {
    const facts = await allMachineFacts();
    const remote = session.store.state.machine.filter((line) => line.startsWith("remote: "));
    session.store.update({ machine: [...facts, ...remote] });
  };
  void machine.settled.then(tellMachine);
  const configured = readConfiguration(words, parts);
  parts.watchdog.arm();
  void configured.then(() => parts.watchdog.arm());
  void lookForNamedEntry(words, parts, configured);
  preloadMenu(settings);
  if (isEfi()) void listFirmwareEntries(parts, configured).catch((error) => log.warn(describeError(error)));
  void lookAtNetwork(parts, configured).then(tellMachine);

  await readiness.until(() => readiness.menuMayOpen);
  const { remote } = settings;
  if (remote !== null) session.holdForController(remote.hold);
  // Who has no console may have a network.
  const isUnattended = (): boolean => session.timeout === 0 || (consoles.length === 0 && remote === null);
  if (isUnattended()) {
    await readiness.until(() => readiness.mayBootUnattended);
    if (earlyKeys?.end()) session.holdForPerson();
    // Settled, the default may be another one, with a timeout of its own.
    if (isUnattended()) {
      kernelLog.ready("entries ready", machine.discovery.list.entries.length);
      await session.bootDefault();
      return new Promise(() => {});
    }
  }
  earlyKeys?.end();
  await session.openMenu();
  // Devices, keys and the countdown carry on from here.
  return new Promise(() => {});
}

/** Loads what keyboards and late consoles need, while the disks are looked at. */
function prepareConsoles({ keymap, console }: Settings): void {
  if (keymap !== null) void import("./keymap.ts").then(({ loadKeymap }) => loadKeymap(keymap));
  if (console !== null) void import("./latedrivers.ts").then(({ loadConsoleDrivers }) => loadConsoleDrivers(console));
}

/** Drivers look for disks meanwhile. */
function preloadMenu({ timeout, ui }: Settings): void {
  if (timeout?.seconds !== 0 && ui === "screen") void import("../menu/menu.ts").then((menu) => menu.preloadMenu());
}
