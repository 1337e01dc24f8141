/** The initramfs as a session sees it (session/host.ts). */

import { areDriversDone } from "../discovery/drivers.ts";
import { shownAddress } from "../entry.ts";
import { BatonError, describeError } from "../errors.ts";
import { reboot } from "../linux/reboot.ts";
import { sync } from "../linux/sync.ts";
import { bootEntry } from "../loader/boot.ts";
import { loadEntry } from "../loader/load.ts";
import { announce } from "../menu/announce.ts";
import { findConsoles } from "../menu/consoles.ts";
import { isNetworkOff } from "../policy/network.ts";
import type { SessionHost } from "../session/host.ts";
import { Passage } from "../trust/gate.ts";
import { TrustPolicy } from "../trust/policy.ts";
import { isEfi, requestEntry, requestSetup } from "./firmware.ts";
import type { InitParts } from "./parts.ts";

/** The image's own shell, for `c` in the menu. */
const SHELL = ["/bin/busybox", "sh", "-l"];

/** How long the disks may take to have everything, before a restart. Milliseconds. */
const SYNC_MS = 5000;

/** device_shutdown() in drivers/base/core.c waits for probing before kexec; nothing in userland can shorten that. */
const SILENT_DEVICE =
  "A device has not answered its driver yet, and the kernel waits for that before it jumps. " +
  "If nothing happens, take out the device that does not answer.";

/** @param parts of which the session needs not be there yet */
export function initHost(parts: InitParts): SessionHost {
  const { configuration, consoles, kernelLog, machine, network, readiness, watchdog } = parts;
  const { discovery } = machine;
  const policy = (): TrustPolicy => TrustPolicy.from(configuration.settings);
  const leave = async (command: "restart" | "power-off"): Promise<void> => {
    await parts.session.closeMenu();
    await machine.unmount();
    await sync({ timeoutMs: SYNC_MS });
    if (command === "power-off") await watchdog.disarm();
    reboot(command);
  };
  /** What was let go of before a jump that did not happen. */
  let takeDevicesBack = async (): Promise<void> => {};
  return {
    discovery,
    isSettled: () => readiness.isSettled,
    isDecided: () => readiness.isDecided,
    areDisksRead: () => !readiness.awaits("disks"),
    rescan: async () => {
      await Promise.all([machine.rescan(), network.refresh()]);
    },
    boot: async (entry, options, hooks) => {
      try {
        return await bootEntry(discovery, policy(), entry, options, hooks);
      } finally {
        await takeDevicesBack();
      }
    },
    loadAhead: (entry, options) => loadEntry(discovery, policy(), entry, entry.options, () => {}, options),
    beforeJump: async () => {
      await parts.remote?.close();
      await machine.lock();
      await network.down();
      await watchdog.beforeJump();
      const { leaveDevices } = await import("../kexec/quirks.ts");
      takeDevicesBack = await leaveDevices((text) => kernelLog.milestone(text));
    },
    unlockDevice: (name, passphrase) => machine.unlock(name, passphrase),
    openUrl: async (url) => {
      if (isNetworkOff(configuration.settings)) {
        throw new BatonError("refused", `${shownAddress(url)}: this machine's configuration says network: never`);
      }
      return (await network.get()).openUrl(url);
    },
    openDoor: async (door, answers) => (await network.get()).open(door, answers),
    milestone: (text) => kernelLog.milestone(text),
    announce: (text) => announce(consoles, text),
    jumpWarning: () => (areDriversDone() ? null : SILENT_DEVICE),
    openMenu: async (store, actions) => {
      const options = {
        ...{ consoles, store, actions, shell: { argv: SHELL } },
        beforeFirstFrame: () => kernelLog.ready("menu ready", discovery.list.entries.length),
        // Those that appear late join: a USB serial line, a console that was busy.
        findConsoles: () => findConsoles(configuration.settings.console),
      };
      const menu =
        configuration.settings.ui === "plain"
          ? await (await import("../menu/plain.ts")).runPlainMenu(options)
          : await (await import("../menu/menu.ts")).runMenu(options);
      const { remote } = configuration.settings;
      if (remote !== null) {
        parts.remote ??= new (await import("./remote.ts")).RemoteConsole(parts);
        // The menu on the consoles comes first.
        setImmediate(() => void parts.remote?.open(remote, store, actions));
      }
      return menu;
    },
    unmount: () => machine.unmount(),
    bootState: parts.bootState,
    ...(isEfi() && {
      firmware: async () => {
        try {
          await requestSetup();
        } catch (error) {
          parts.session.store.update({ message: describeError(error) });
          return;
        }
        await leave("restart");
      },
      bootNext: async (entry) => {
        // What the firmware starts doesn't come by here.
        Passage.through(policy(), entry.title, null);
        await requestEntry(entry);
        await leave("restart");
      },
    }),
    reboot: () => leave("restart"),
    powerOff: () => leave("power-off"),
  };
}
