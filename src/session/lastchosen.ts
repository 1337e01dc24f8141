/** What a boot and a person's choice leave behind: written where the owner allows it. Loaded when there is something. */

import type { BootEntry } from "../entry.ts";
import { describeError } from "../errors.ts";
import { endsWithin } from "../linux/deadline.ts";
import { log } from "../log.ts";
import type { Settings } from "../policy/settings.ts";
import type { SessionHost } from "./host.ts";

type Host = Pick<SessionHost, "bootState" | "unmount" | "milestone">;

/** How long what is remembered may take to be written, before the jump. Milliseconds. */
const WRITE_MS = 12_000;

/**
 * Writes what booting an entry leaves behind, once it is loaded and no filesystem is mounted. Never rejects.
 * @param writeMs how long that may keep the boot
 */
export async function rememberBoot(
  host: Host,
  entry: BootEntry,
  settings: Settings,
  writeMs = WRITE_MS,
): Promise<void> {
  if (host.bootState === undefined) return;
  try {
    const state = await host.bootState();
    // Reading Baton's own state may have mounted something again.
    await host.unmount();
    const work = state.perform(state.writesFor(entry, settings), settings).then((problems) => {
      // With writes: none that is what the owner wants, and the log has it.
      if (settings.writes === "none") return;
      for (const problem of problems) host.milestone(`baton: ${problem}`);
    });
    if (await endsWithin(work, writeMs)) return;
    log.error(`the disks have not taken what is to be remembered within ${writeMs / 1000} s; booting all the same`);
  } catch (error) {
    log.error(describeError(error));
  }
}

/**
 * Remembers the entry as the default.
 * @returns what to tell: how long it is the default, and why not longer
 */
export async function saveDefault(host: Host, entry: BootEntry, settings: Settings): Promise<string> {
  if (host.bootState === undefined) return `${entry.title} is the default as long as this menu is open.`;
  const state = await host.bootState();
  const writes = state.writesToSave(entry);
  if (writes === null) {
    return (
      `${entry.title} is the default until the machine restarts: Baton has no place to remember it. ` +
      "grub-editenv /boot/batonenv create makes one."
    );
  }
  // Nothing may be mounted meanwhile; volumes mount again when they are read.
  await host.unmount();
  const problems = await state.perform(writes, settings);
  if (problems.length > 0) return `${entry.title} is the default until the machine restarts. ${problems.join(". ")}.`;
  return `${entry.title} is saved as the default; it counts where the configuration says default: "@saved".`;
}
