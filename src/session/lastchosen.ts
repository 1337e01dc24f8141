/** What a boot and a person's choice leave behind: written where the owner allows it. Loaded when there is something. */

import { setTimeout as sleep } from "node:timers/promises";
import type { BootEntry } from "../entry.ts";
import { describeError } from "../errors.ts";
import { log } from "../log.ts";
import type { Settings } from "../policy/settings.ts";
import type { SessionPlace } from "./host.ts";

type Place = Pick<SessionPlace, "keeper" | "unmount" | "milestone">;

/** How long what is remembered may take to be written, before the jump. */
const WRITE_MS = 12_000;

/** What booting an entry leaves behind, once it is loaded and no filesystem is mounted. Never rejects. */
export async function rememberBoot(place: Place, entry: BootEntry, settings: Settings): Promise<void> {
  if (place.keeper === undefined) return;
  try {
    const state = await place.keeper();
    // Reading Baton's own state may have mounted something again.
    await place.unmount();
    const work = state.perform(state.writesFor(entry, settings), settings).then((problems) => {
      // With writes: none that is what the owner wants, and the log has it.
      if (settings.writes === "none") return;
      for (const problem of problems) place.milestone(`baton: ${problem}`);
    });
    const late = `the disks have not taken what is to be remembered within ${WRITE_MS / 1000} s; booting all the same`;
    await Promise.race([work, sleep(WRITE_MS).then(() => log.error(late))]);
  } catch (error) {
    log.error(describeError(error));
  }
}

/**
 * Remembers the entry as the default.
 * @returns what to tell: how long it is the default, and why not longer
 */
export async function saveDefault(place: Place, entry: BootEntry, settings: Settings): Promise<string> {
  if (place.keeper === undefined) return `${entry.title} is the default as long as this menu is open.`;
  const state = await place.keeper();
  const writes = state.writesToSave(entry);
  if (writes === null) {
    return (
      `${entry.title} is the default until the machine restarts: Baton has no place to remember it. ` +
      "grub-editenv /boot/batonenv create makes one."
    );
  }
  // Nothing may be mounted meanwhile; volumes mount again when they are read.
  await place.unmount();
  const problems = await state.perform(writes, settings);
  if (problems.length > 0) return `${entry.title} is the default until the machine restarts. ${problems.join(". ")}.`;
  return `${entry.title} is saved as the default; it counts where the configuration says default: "@saved".`;
}
