/**
 * LVM2: logical volumes, activated read-only by lvm without a change to its metadata. Only such as the kernel can show
 * without writing: linear and striped ones, which is what systems boot from. (RAID, mirrors, thin pools and caches keep
 * notes of their own on the disks while they are active.)
 */

import { BatonError } from "../errors.ts";
import { setReadOnly } from "../linux/blkdev.ts";
import { log } from "../log.ts";
import { runTool } from "./tools.ts";

export interface VolumeGroup {
  readonly name: string;
  readonly uuid: string;
  /** Physical volumes that it has and that are not there. */
  readonly missing: number;
  readonly volumes: readonly LogicalVolume[];
}

interface LogicalVolume {
  readonly name: string;
  /** Why it is not activated, else null. */
  readonly reason: string | null;
}

/** No file of lvm's is there or is made; no device is looked for beyond those that are named; no daemon is asked. */
const CONFIG = [
  "global { metadata_read_only=1 use_lvmpolld=0 event_activation=0 use_lvmlockd=0 wait_for_locks=0 }",
  'devices { scan_lvs=1 use_devicesfile=0 external_device_info_source="none" obtain_device_list_from_udev=0 }',
  "backup { backup=0 archive=0 }",
  "activation { udev_sync=0 udev_rules=0 monitoring=0 auto_set_activation_skip=0 }",
].join(" ");

/** What LVM names may be made of (lvm(8)); others never reach its configuration. */
const NAME = /^[A-Za-z0-9_+.][A-Za-z0-9_+.-]*$/;
/** Groups that are looked at, and logical volumes of one that are activated. */
const MAX_GROUPS = 100;
const MAX_VOLUMES = 500;
const READABLE: ReadonlySet<string> = new Set(["linear", "striped"]);

/**
 * What groups these physical volumes make. Reads them only.
 * @throws BatonError with what lvm said
 */
export async function volumeGroups(nodes: readonly string[]): Promise<VolumeGroup[]> {
  const report = async (command: "vgs" | "lvs", fields: string): Promise<Record<string, string>[]> => {
    const args = [command, "--readonly", "--nolocking", "--reportformat", "json", "--config", CONFIG];
    const { code, stdout, complaint } = await runTool("lvm", [...args, "--devices", nodes.join(","), "-o", fields]);
    const rows = parseReport(stdout, command === "vgs" ? "vg" : "lv");
    if (code !== 0 && rows.length === 0)
      throw new BatonError("io", `lvm cannot read it: ${complaint || `exit ${code}`}`);
    return rows;
  };
  const groups = await report("vgs", "vg_name,vg_uuid,vg_missing_pv_count");
  const segments = await report("lvs", "vg_uuid,lv_name,lv_attr,segtype");
  return groupsOf(groups, segments);
}

/** @param segments of all groups; a hostile physical volume may have tens of thousands of either */
export async function groupsOf(
  groups: readonly Record<string, string>[],
  segments: readonly Record<string, string>[],
): Promise<VolumeGroup[]> {
  // What they were read from has taken its time already.
  await new Promise(setImmediate);
  const segmentsOf = new Map<string, Map<string, Record<string, string>[]>>();
  for (const segment of segments) {
    const { vg_uuid: uuid = "", lv_name: name = "" } = segment;
    if (!NAME.test(name)) continue;
    const own = getOrMake(segmentsOf, uuid, () => new Map<string, Record<string, string>[]>());
    getOrMake(own, name, () => []).push(segment);
  }
  return groups
    .slice(0, MAX_GROUPS)
    .flatMap(({ vg_name: name = "", vg_uuid: uuid = "", vg_missing_pv_count: missing }) => {
      if (!NAME.test(name)) return [];
      const volumes = [...(segmentsOf.get(uuid) ?? [])].map(([lv, own], at) => ({
        name: lv,
        reason: at < MAX_VOLUMES ? unreadable(own) : `its group has more than ${MAX_VOLUMES} logical volumes`,
      }));
      return [{ name, uuid, missing: Number(missing) || 0, volumes }];
    });
}

function getOrMake<Value>(map: Map<string, Value>, key: string, make: () => Value): Value {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = make();
  map.set(key, made);
  return made;
}

/** @param segments of one logical volume */
function unreadable(segments: readonly Record<string, string>[]): string | null {
  const other = segments.map(({ segtype = "" }) => segtype).find((type) => !READABLE.has(type));
  if (other !== undefined) return `it is of the kind ${other}, which writes to its disks while it is active`;
  // lvs(8), lv_attr: an origin into which a snapshot is being merged.
  return segments.some(({ lv_attr = "" }) => lv_attr.startsWith("O")) ? "a snapshot is being merged into it" : null;
}

/** The rows of a report of lvm's in JSON; none where it is none. */
export function parseReport(text: string, kind: "vg" | "lv"): Record<string, string>[] {
  try {
    const { report } = JSON.parse(text) as { report: readonly Record<string, Record<string, string>[]>[] };
    return report.flatMap((part) => part[kind] ?? []);
  } catch {
    return [];
  }
}

/**
 * Activates what can be read of a group; its physical volumes are set read-only first.
 * @returns how many logical volumes are active
 * @throws BatonError with what lvm said where none is
 */
export async function activateGroup(group: VolumeGroup, nodes: readonly string[]): Promise<number> {
  for (const node of nodes) await setReadOnly(node, true);
  for (const { name, reason } of group.volumes.slice(0, MAX_VOLUMES)) {
    if (reason !== null) log.warn(`${group.name}/${name} is not activated: ${reason}`);
  }
  const wanted = group.volumes.filter(({ reason }) => reason === null).map(({ name }) => `${group.name}/${name}`);
  if (wanted.length === 0) return 0;
  const list = wanted.map((name) => JSON.stringify(name)).join(", ");
  const only = `activation { volume_list=[${list}] read_only_volume_list=[${JSON.stringify(group.name)}] }`;
  const args = ["vgchange", "--activate", "y", "--activationmode", "degraded", "--nolocking"];
  const config = ["--config", `${CONFIG} ${only}`, "--devices", nodes.join(",")];
  const { code, complaint } = await runTool("lvm", [...args, ...config, group.name]);
  if (code !== 0) throw new BatonError("io", `lvm cannot activate ${group.name}: ${complaint || `exit ${code}`}`);
  return wanted.length;
}
