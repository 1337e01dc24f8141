/** The passphrase of an encrypted device: asked for three times, and everything else stays as it is. */

import type { DeviceStatus } from "../status.ts";
import type { MenuActions } from "./model.ts";
import { PromptPage } from "./prompt.ts";

const TRIES = 3;

/** What the page does to the menu that it lies on. */
interface PassphraseHost {
  isOpen(page: PromptPage): boolean;
  close(): void;
  note(message: string): void;
  redraw(): void;
}

/**
 * The device whose turn it is: the first that is locked after the last one that was asked for.
 * @returns null where none is locked
 */
export function nextLocked(devices: readonly DeviceStatus[], last: string | null): DeviceStatus | null {
  const locked = devices.filter((device) => device.isLocked === true);
  const after = locked.findIndex(({ name }) => name === last) + 1;
  return locked[after] ?? locked[0] ?? null;
}

export function passphrasePage(
  { name }: DeviceStatus,
  others: number,
  unlock: NonNullable<MenuActions["unlockDevice"]>,
  host: PassphraseHost,
): PromptPage {
  let left = TRIES;
  let isBusy = false;
  const hint = others > 0 ? `Esc and u asks for another of ${others + 1} encrypted devices.` : "";
  const options = { title: `Passphrase for ${name}`, hidden: true, note: hint };
  return new PromptPage(options, (text, page) => {
    if (isBusy || text === "") return;
    isBusy = true;
    page.clear("Opening; key derivation takes its time. Esc leaves this, and it goes on.");
    void unlock(name, text).then((problem) => {
      isBusy = false;
      left--;
      const isOpen = host.isOpen(page);
      if (problem?.again && left > 0 && isOpen) {
        page.note = `${problem.reason} ${left === 1 ? "One try is" : `${left} tries are`} left.`;
      } else if (isOpen) host.close();
      if (problem === null) host.note(`${name} is open, read-only; what is on it stands in the list.`);
      else if (!problem.again || left === 0 || !isOpen) {
        const end = problem.again && left === 0 ? " It stays shut; u asks again." : "";
        host.note(`${name}: ${problem.reason}${end}`);
      }
      host.redraw();
    });
  });
}
