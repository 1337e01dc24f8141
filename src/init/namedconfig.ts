/** Reads the file that `baton.config=` names: in the image, on a device that may yet have to appear, or by URL. */

import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import type { DeviceMonitor } from "../discovery/devicemonitor.ts";
import { BatonError } from "../errors.ts";
import { answersTo } from "../identity.ts";
import { endsWithin } from "../linux/deadline.ts";
import { MAX_SETTINGS_SIZE } from "../policy/settingsfile.ts";
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
    const volume = machine.discovery.volumes.find((candidate) => answersTo(candidate, place.device));
    if (volume !== undefined) return new TextDecoder().decode(await volume.reader.read(place.path, MAX_SETTINGS_SIZE));
    if (performance.now() >= end) {
      throw new BatonError("timeout", `no filesystem that answers to ${place.device} within ${timeoutMs / 1000} s`);
    }
    await sleep(50);
  }
}
