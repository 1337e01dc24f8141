/** Reads the file that `baton.config=` names: in the image, on a device that may yet have to appear, or by URL. */

import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import type { DeviceMonitor } from "../discovery/devicemonitor.ts";
import { BatonError } from "../errors.ts";
import { answersTo } from "../identity.ts";
import { endsWithin } from "../linux/deadline.ts";
import { MAX_SETTINGS_SIZE } from "../policy/settingsfile.ts";
import { filesystem } from "../volumes/filesystems.ts";
import type { Volume } from "../volumes/volume.ts";
import { configPlace } from "./configuration.ts";

/**
 * @param fetchText brings the network up where it isn't, and reads a file by its URL
 * @throws BatonError where it isn't there within `timeoutMs`, or can't be read
 */
export async function readNamedFile(
  name: string,
  machine: DeviceMonitor,
  timeoutMs: number,
  fetchText: (url: string) => Promise<string>,
): Promise<string> {
  const place = configPlace(name);
  if ("url" in place) {
    const fetched = fetchText(place.url);
    if (await endsWithin(fetched, timeoutMs)) return fetched;
    throw new BatonError("timeout", `${place.url}: not fetched within ${timeoutMs / 1000} s`);
  }
  if (!("device" in place)) return readFile(place.path, "utf8");
  const end = performance.now() + timeoutMs;
  for (;;) {
    const volumes = machine.discovery.volumes.filter((candidate) => answersTo(candidate, place.device));
    // A copy may still have to answer: what holds must not hang on which of the two was faster.
    const isSure = machine.isSettled || performance.now() >= end;
    if (isSure && volumes.length > 0) return readText(theOne(volumes, place.device), place.path);
    if (performance.now() >= end) {
      throw new BatonError("timeout", `no filesystem that answers to ${place.device} within ${timeoutMs / 1000} s`);
    }
    await sleep(50);
  }
}

const readText = async ({ reader }: Volume, path: string): Promise<string> =>
  new TextDecoder().decode(await reader.read(path, MAX_SETTINGS_SIZE));

/** A stick with a copied UUID must not decide what the machine's owner has settled. */
function theOne(volumes: readonly Volume[], name: string): Volume {
  const [first] = volumes;
  // The members of one btrfs have one UUID.
  const isOneFilesystem = volumes.every(({ type, removable }) => filesystem(type).isMultiDevice && !removable);
  if (volumes.length === 1 || isOneFilesystem) return first!;
  const names = volumes.map((volume) => volume.name).join(" and ");
  throw new BatonError("refused", `${names} both answer to ${name}: take one away, or give one of them a new name`);
}
