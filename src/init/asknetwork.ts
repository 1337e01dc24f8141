/** What the network has for this machine: asked where it may count for what boots. */

import { describeError } from "../errors.ts";
import { endsWithin } from "../linux/deadline.ts";
import { announce } from "../menu/announce.ts";
import { wantsNetwork } from "../policy/network.ts";
import type { InitParts } from "./parts.ts";

/** How long the network may keep a machine from booting what else there is. Milliseconds. */
const NETWORK_MS = 60_000;

type AskParts = Pick<
  InitParts,
  "configuration" | "consoles" | "kernelLog" | "machine" | "network" | "readiness" | "session"
>;

/**
 * Asks the network where it comes before the disks; else when the disks have given nothing that boots, or where the
 * configuration sets it up.
 * @param configured resolves when the configuration has been read
 * @param timeoutMs how long its answer is waited for
 */
export async function lookAtNetwork(
  parts: AskParts,
  configured: Promise<void>,
  timeoutMs: number = NETWORK_MS,
): Promise<void> {
  const { configuration, machine, readiness } = parts;
  // Disks come first: the network's drivers wait until they have been read, and stay away where nobody wants them.
  if (!wantsNetwork(configuration.settings)) await Promise.all([machine.settled, configured]);
  const mayBoot = wantsNetwork(configuration.settings) || !readiness.hasBootable;
  if (!mayBoot) readiness.arrive("network");
  if (mayBoot || configuration.settings.network !== null) await askNetwork(parts, timeoutMs);
  readiness.arrive("network");
}

async function askNetwork(parts: AskParts, timeoutMs: number): Promise<void> {
  const { configuration, consoles, kernelLog, network, session } = parts;
  if (!session.menuIsOpen) announce(consoles, "Asking the network what this machine boots…");
  let failure: string | null = `no answer within ${timeoutMs / 1000} s`;
  const asked = network.get().then((made) => made.start(configuration.settings.url));
  await endsWithin(
    asked.catch(describeError).then((answer) => {
      failure = answer;
    }),
    timeoutMs,
  );
  if (failure !== null) kernelLog.milestone(`baton: network: ${failure}`);
}
