/** `--disk SPEC`: directories that stand for a machine's disks. Nothing of the host is read. */

import { statSync } from "node:fs";
import { identityReason } from "../devices/probe.ts";
import { BatonError } from "../errors.ts";
import type { Platform } from "../formats/format.ts";
import type { VolumeIdentity } from "../identity.ts";
import type { BootRules } from "../policy/readconfig.ts";
import { openDirectory } from "../volumes/directory.ts";
import { filesystem } from "../volumes/filesystems.ts";
import { type DeviceFacts, Discovery } from "./discovery.ts";

/** A directory that stands for a filesystem's root (docs/interfaces.md, "Commands"). */
export interface DiskSpec extends VolumeIdentity {
  /** Absolute path on this machine. */
  readonly directory: string;
  readonly type: string | null;
}

/** Reads every directory; one that isn't there is a device with a reason. */
export async function discoverDirectories(
  specs: readonly DiskSpec[],
  platform: Platform,
  rules: BootRules,
): Promise<Discovery> {
  const discovery = new Discovery(platform);
  // Before there is anything to choose from: the list is made anew for them.
  discovery.setRules(rules);
  for (const spec of specs) {
    const facts: DeviceFacts = {
      name: spec.name,
      size: null,
      type: spec.type,
      uuid: spec.uuid,
      label: spec.label,
      model: null,
      transport: null,
      reason: null,
    };
    if (discovery.devices.some(({ name }) => name === spec.name)) {
      throw new BatonError("usage", `--disk ${spec.name}=…: two disks can't have the same name`);
    }
    if (!statSync(spec.directory, { throwIfNoEntry: false })?.isDirectory()) {
      discovery.noteDevice({ ...facts, reason: `${spec.directory} is not a directory` });
      continue;
    }
    const unreadable = spec.type === null ? null : identityReason({ type: spec.type });
    if (unreadable !== null) {
      discovery.noteDevice({ ...facts, reason: unreadable });
      continue;
    }
    const reader = openDirectory(spec.directory, { caseInsensitive: filesystem(spec.type).caseless ?? false });
    const { name, type, uuid, label, partuuid, partlabel } = spec;
    discovery.attach(
      {
        ...{ name, type, uuid, label, partuuid, partlabel },
        ...{ disk: null, partition: null, scheme: null, removable: false },
        reader,
        hostPath: (path) => reader.hostPath(path),
        close: async () => {},
      },
      facts,
    );
  }
  await discovery.scan();
  await discovery.scanIsoFiles();
  return discovery;
}
