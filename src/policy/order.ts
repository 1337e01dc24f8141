/**
 * Where a default may come from: `order:` of the configuration, in petitboot's words and the kernel's. Pure.
 *
 * A source is a kind of device (`virtio` `ata` `nvme` `scsi` `usb` `mmc` `md` `dm` `cdrom` `disk` `removable`), the
 * network (`network`, `mac=52:54:…`), one device (`UUID=…` `LABEL=…` `PARTUUID=…` `PARTLABEL=…` or its name), or
 * `any`. With an order, what it does not name boots by itself only where it says `any`.
 */

import { hasTag, parseSelector, type VolumeIdentity } from "../identity.ts";

/** What is known of the place that a configuration came from. */
export interface Origin {
  /** The filesystem; null where it came over the network. */
  readonly device: VolumeIdentity | null;
  /** The disk that the device is a part of; left out where it is none, or unknown. */
  readonly disk?: string | null;
  /** How the device is attached, as BlockDevice has it. */
  readonly transport: string | null;
  /** Of the interface that it came through; null where it is on a disk. */
  readonly mac?: string | null;
}

const bareMac = (text: string | null | undefined): string | undefined => text?.replace(/[:-]/g, "").toLowerCase();

function matches(source: string, { device, transport, mac }: Origin, removable: boolean): boolean {
  // petitboot writes `uuid:…`.
  const [, key = "", value = ""] = /^(\w+)[=:](.*)$/s.exec(source) ?? [];
  const selector = parseSelector(`${key.toUpperCase()}=${value}`);
  if (selector !== null) return device !== null && hasTag(device, selector.tag, selector.value);
  if (key.toLowerCase() === "mac") return bareMac(mac) === bareMac(value);
  const word = source.toLowerCase();
  if (word === "network") return device === null;
  if (device === null) return false;
  const isCdrom = /^sr\d/.test(device.name);
  if (word === "cdrom") return isCdrom;
  if (word === "disk") return !removable && !isCdrom;
  if (word === "removable") return removable;
  return source.replace(/^\/dev\//, "") === device.name || (word === transport && !isCdrom);
}

/**
 * @param removable the device's medium can be taken out
 * @returns the place in the order from 0; null where the order does not name it
 */
export function placeInOrder(order: readonly string[], origin: Origin | undefined, removable: boolean): number | null {
  const named = origin === undefined ? -1 : order.findIndex((source) => matches(source, origin, removable));
  const place = named >= 0 ? named : order.findIndex((source) => source.toLowerCase() === "any");
  return place < 0 ? null : place;
}

/** Whether the order names it, rather than taking whatever comes by `any`. */
export function isNamedInOrder(order: readonly string[], origin: Origin | undefined, removable: boolean): boolean {
  return origin !== undefined && order.some((source) => matches(source, origin, removable));
}
