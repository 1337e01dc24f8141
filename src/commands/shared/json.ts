/** The JSON of docs/interfaces.md: what `list`, `boot --dry-run` and `netboot --list` print. */

import { type BootEntry, formatFileRef } from "../../entry.ts";
import type { BootList } from "../../policy/list.ts";
import type { DeviceStatus } from "../../status.ts";

export function entryJson(entry: BootEntry): Record<string, unknown> {
  const json: Record<string, unknown> = {
    id: entry.id,
    title: entry.title,
    submenu: entry.submenu,
    type: entry.type,
    source: entry.source,
    linux: entry.linux && formatFileRef(entry.linux),
    kind: entry.kind,
    initrd: entry.initrd.map(formatFileRef),
    devicetree: entry.devicetree && formatFileRef(entry.devicetree),
    modules: entry.modules.map(({ file, args }) => ({ file: formatFileRef(file), args })),
    options: entry.options,
    isDefault: entry.isDefault,
    bootable: entry.bootable,
    reason: entry.reason,
    unattended: entry.unattended ?? null,
  };
  if (entry.initrdNames !== undefined) json.initrdNames = entry.initrdNames;
  if (entry.devicetreeOverlays !== undefined) json.devicetreeOverlays = entry.devicetreeOverlays.map(formatFileRef);
  if (entry.addons !== undefined) json.addons = entry.addons.map(formatFileRef);
  if (entry.leadsTo !== undefined) json.leadsTo = entry.leadsTo.id;
  if (entry.unchecked !== undefined) json.unchecked = entry.unchecked;
  if (entry.restricted !== null) json.restricted = entry.restricted;
  if (entry.type === "bls" || entry.type === "uki") {
    json.sortKey = entry.sortKey ?? null;
    json.version = entry.version ?? null;
    json.machineId = entry.machineId ?? null;
    json.architecture = entry.architecture ?? null;
    json.triesLeft = entry.triesLeft ?? null;
    json.triesDone = entry.triesDone ?? null;
  }
  return json;
}

export interface ListJson {
  readonly entries: Record<string, unknown>[];
  readonly [key: string]: unknown;
}

const NOTHING: Pick<BootList, "entries" | "unattended" | "why" | "diagnostics"> = {
  ...{ entries: [], unattended: [], why: "nothing boots by itself: nothing was read", diagnostics: [] },
};

/** The whole answer of `baton list --json`: without a list, that of a machine of which nothing could be read. */
export function listJson(list = NOTHING, devices: readonly DeviceStatus[] = []): ListJson {
  return {
    entries: list.entries.map(entryJson),
    unattended: list.unattended,
    why: list.why,
    diagnostics: list.diagnostics,
    devices: devices.map(({ name, type, uuid, label, sources, reason }) => ({
      name,
      type,
      uuid,
      label,
      sources,
      reason,
    })),
  };
}
