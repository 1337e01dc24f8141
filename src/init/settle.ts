/** Settles what holds: the configuration that `baton.config=` names, then what was remembered; and looks for the default. */

import { NAMED_CONFIG_MS } from "../policy/countdown.ts";
import type { BootWords } from "../policy/words.ts";
import { isEfi } from "./firmware.ts";
import type { InitParts } from "./parts.ts";
import { tellRescueMenu } from "./rescueshell.ts";

/** Resolves when the configuration, and what was remembered where that counts, have been read. */
export async function readConfiguration(words: BootWords, parts: InitParts): Promise<void> {
  const { configuration, machine, readiness, session } = parts;
  if (words.config !== null) await readNamedConfiguration(words.config, parts);
  readiness.arrive("configuration");
  if (!readiness.awaits("state")) return;
  // What was remembered may stand on any of the disks, and the driver of EFI variables is loaded with theirs.
  await machine.settled;
  if (configuration.settings.writes === "boot-loader-interface" && isEfi()) {
    await (await import("./askedbefore.ts")).obeyRequests(parts);
  }
  session.settle(configuration.settings, (await parts.bootState()).rules(configuration.settings));
  readiness.arrive("state");
}

/** Also waits for the devices that the configuration waits for. */
async function readNamedConfiguration(name: string, parts: InitParts): Promise<void> {
  const { configuration, machine, network, session } = parts;
  const { keymap: before } = configuration.settings;
  const { readNamedFile } = await import("./namedconfig.ts");
  await configuration.loadNamed(name, () =>
    readNamedFile(name, machine, NAMED_CONFIG_MS, async (url) => (await network.get()).fetchText(url)),
  );
  tellRescueMenu(configuration.settings, true);
  session.problems = configuration.diagnostics;
  session.settle(configuration.settings);
  const { keymap, rootdelay, waitfor } = configuration.settings;
  if (keymap !== null && keymap !== before) void (await import("./keymap.ts")).loadKeymap(keymap);
  await machine.waitFor(rootdelay, waitfor);
}

/**
 * Waits for the entry that `default` names wherever it may still come from, and says where it has not come.
 * @param configured resolves when the configuration has been read
 */
export async function lookForNamedEntry(
  words: BootWords,
  { configuration, kernelLog, machine, readiness, session }: InitParts,
  configured: Promise<void>,
): Promise<void> {
  await Promise.all([machine.complete, configured]);
  await machine.waitForDrivers(() => readiness.isNamedListed);
  readiness.arrive("drivers");
  if (readiness.isNamedListed) return;
  const source = words.settings.default === undefined ? "default: " : "baton.default=";
  const message = `${source}${configuration.settings.default}: no entry has this id, title or number`;
  kernelLog.milestone(`baton: ${message}`);
  session.store.update({ message });
}
