/** What the menu's keys make happen. */

import type { BootEntry } from "../entry.ts";
import { describeError } from "../errors.ts";
import { logLines } from "../log.ts";
import type { MenuActions, MenuStore } from "../menu/model.ts";
import type { Settings } from "../policy/settings.ts";
import type { Attempts } from "./attempts.ts";
import type { Clock } from "./clock.ts";
import type { SessionHost } from "./host.ts";
import type { NetworkReads } from "./networkreads.ts";
import { PasswordLock } from "./passwordlock.ts";
import type { Selection } from "./selection.ts";

/** What keys reach of their session. */
interface ActionContext {
  readonly host: SessionHost;
  readonly store: MenuStore;
  readonly clock: Clock;
  readonly attempts: Attempts;
  readonly reads: NetworkReads;
  readonly selection: Selection;
  /** What holds now. */
  settings(): Settings;
  /** The list may be another: shows it. */
  update(): void;
  /** Shows the menu, with why a boot failed. */
  openMenu(message: string): Promise<void>;
  stopCountdown(): void;
  addTime(seconds: number): void;
  makeDefault(entry: BootEntry): Promise<void>;
}

export function menuActions(context: ActionContext): MenuActions {
  const { host, store, attempts, reads, selection } = context;
  const { firmware, openDoor, openUrl, unlockDevice } = host;
  const passwordLock = new PasswordLock(context.clock);
  return {
    boot: async (entry, options, files) => {
      if (attempts.isGoingOn) return;
      context.stopCountdown();
      const known = host.discovery.entry(entry.id) ?? entry;
      if (known.opens !== undefined && openDoor) {
        return reads.wait(`Reading ${known.title}`, known.source, openDoor(known.opens));
      }
      // Whether such files are there shows when they are opened.
      const current = files == null ? known : { ...known, ...files, bootable: true, reason: null };
      const failure = await attempts.attempt(current, options ?? current.options, true);
      await context.openMenu(`${entry.title}: ${failure}`);
    },
    selected: (entry) => selection.select(entry),
    cancel: () => {
      attempts.cancel();
      reads.leave();
    },
    addTime: (seconds) => context.addTime(seconds),
    makeDefault: (entry) =>
      context.makeDefault(entry).catch((error) => store.update({ message: describeError(error) })),
    unlock: (password) => passwordLock.tryPassword(password, context.settings().password ?? ""),
    ...(firmware ? { firmware } : {}),
    ...(unlockDevice
      ? {
          unlockDevice: async (name: string, passphrase: string) => {
            try {
              return (await unlockDevice(name, passphrase)) ? null : { reason: "Wrong passphrase.", again: true };
            } catch (error) {
              return { reason: describeError(error), again: false };
            } finally {
              context.update();
            }
          },
        }
      : {}),
    ...(openUrl ? { openUrl: (url: string) => reads.wait(`Fetching ${url}`, "", openUrl(url)) } : {}),
    rescan: async () => {
      await host.rescan();
      context.update();
    },
    stopCountdown: () => {
      context.stopCountdown();
      store.update({ countdown: null });
    },
    reboot: () => host.reboot(),
    powerOff: () => host.powerOff(),
    log: () => logLines(),
  };
}
