/** The disk that would be overwritten: what it is, what is on it, what uses it, and why it may not be written. */

import { readdirSync, readFileSync, realpathSync } from "node:fs";
import { listBlockDevices, readBlockDevice } from "../../devices/block.ts";
import type { BlockDevice } from "../../devices/device.ts";
import { BatonError } from "../../errors.ts";
import { formatSize } from "../../text.ts";
import { mountsOf } from "../../volumes/mountinfo.ts";

export interface Target {
  readonly device: BlockDevice;
  /** Of a disk. */
  readonly partitions: readonly BlockDevice[];
  /** `8:16` */
  readonly number: string;
  readonly isReadOnly: boolean;
  /** Bytes of a logical sector. */
  readonly sectorSize: number;
  /** Who uses the disk or a part of it, for people: `sdb1 is mounted at /media/stick`. */
  readonly uses: readonly string[];
}

export interface Places {
  readonly sysfs: string;
  readonly proc: string;
}

/**
 * Looks at a device through sysfs and /proc; the device itself isn't opened.
 * @param name the kernel's: `sdb`
 * @throws BatonError `not-found` where it isn't there, or has no size
 */
export async function readTarget(name: string, places: Places = { sysfs: "/sys", proc: "/proc" }): Promise<Target> {
  const { sysfs } = places;
  const device = readBlockDevice(name, sysfs);
  if (device === null) throw new BatonError("not-found", `${name} is no disk to write to, or has no medium in it`);
  const all = await listBlockDevices({ sysfs });
  const partitions = all.filter(({ disk }) => disk === name);
  const attribute = (path: string): string => readFileSync(`${sysfs}/class/block/${name}/${path}`, "utf8").trim();
  return {
    device,
    partitions,
    number: attribute("dev"),
    isReadOnly: attribute("ro") !== "0",
    sectorSize: device.kind === "partition" ? 512 : Number(attribute("queue/logical_block_size")),
    uses: [device, ...partitions].flatMap((part) => usesOf(part, all, places)),
  };
}

function usesOf({ name, node }: BlockDevice, all: readonly BlockDevice[], places: Places): string[] {
  const { sysfs, proc } = places;
  const loops = all.filter(
    ({ transport, kind, model }) => transport === "loop" && kind !== "partition" && model === node,
  );
  return [
    ...mountsOf(name, node, places).map(({ mountPoint }) => `${name} is mounted at ${mountPoint}`),
    ...swaps(proc).flatMap((path) => (path === node ? [`${name} is used as swap`] : [])),
    ...[...holders(name, sysfs), ...loops.map((loop) => loop.name)].map((holder) => `${name} is a part of ${holder}`),
  ];
}

function swaps(proc: string): string[] {
  return lines(`${proc}/swaps`)
    .slice(1)
    .map((line) => line.split(/\s/)[0]!)
    .map((path) => {
      try {
        return realpathSync(path);
      } catch {
        return path;
      }
    });
}

/** The arrays and mappings that are made of it, with their names. */
function holders(name: string, sysfs: string): string[] {
  try {
    return readdirSync(`${sysfs}/class/block/${name}/holders`).map((holder) => {
      const [given] = lines(`${sysfs}/class/block/${holder}/dm/name`);
      return given ? `${holder} (${given})` : holder;
    });
  } catch {
    return [];
  }
}

function lines(path: string): string[] {
  try {
    return readFileSync(path, "utf8").split("\n");
  } catch {
    return [];
  }
}

interface Rule {
  readonly refuses: (target: Target, imageSize: number) => boolean;
  /** Why, and what to do, behind the device's name. */
  readonly why: (target: Target, imageSize: number) => string;
}

/** The first that refuses says why. */
const RULES: readonly Rule[] = [
  {
    refuses: ({ device }) => device.kind === "partition",
    why: ({ device }) =>
      `is a partition, and a whole disk is written: baton flash /dev/${device.disk}, if that is meant`,
  },
  {
    refuses: ({ device }) => device.kind === "other",
    why: ({ device }) => `is no disk, but made by the kernel (${device.transport}): name the disk itself`,
  },
  {
    refuses: ({ device }) => /^sr\d/.test(device.name),
    why: () => "is an optical drive: burn baton.iso instead (npm run image -- --format iso)",
  },
  {
    refuses: ({ device }) => !device.removable,
    why: ({ device }) =>
      `is an internal disk (${device.transport ?? "unknown bus"}): only what the kernel calls removable, or what is attached by USB or FireWire, is written`,
  },
  {
    refuses: ({ uses }) => uses.length > 0,
    why: ({ uses }) => `is in use: ${uses.join(", ")}; end that first`,
  },
  {
    refuses: ({ isReadOnly }) => isReadOnly,
    why: () => "is write-protected: look for a switch on it, or set it writable by blockdev --setrw",
  },
  {
    refuses: ({ sectorSize }) => sectorSize !== 512,
    why: ({ sectorSize }) => `has sectors of ${sectorSize} bytes, and the image is made for 512: use another stick`,
  },
  {
    refuses: ({ device }, imageSize) => device.size < imageSize,
    why: ({ device }, imageSize) =>
      `is too small: it has ${formatSize(device.size)}, and the image ${formatSize(imageSize)}`,
  },
];

/** Why this disk may not be written, and what to do, in a sentence; null where it may. @param imageSize in bytes */
export function refusal(target: Target, imageSize: number): string | null {
  const rule = RULES.find(({ refuses }) => refuses(target, imageSize));
  return rule === undefined ? null : `${target.device.node} ${rule.why(target, imageSize)}`;
}
