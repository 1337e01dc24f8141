/**
 * Where a default may come from: `order:` of the configuration, in petitboot's words and the kernel's. Pure.
 *
 * A source is a kind of device (`virtio` `ata` `nvme` `scsi` `usb` `mmc` `md` `dm` `cdrom` `disk` `removable`), the
 * network (`network`, `mac=52:54:…`), one device (`UUID=…` `LABEL=…` `PARTUUID=…` `PARTLABEL=…` or its name), or
 * `any`. With an order, what it does not name boots by itself only where it says `any`.
 */

/** What is known of the place that a configuration came from. */
export interface Origin {
  /** `vda1`; null where it came over the network. */
  readonly device: string | null;
  /** How the device is attached, as BlockDevice has it. */
  readonly transport: string | null;
  readonly uuid: string | null;
  readonly label: string | null;
  readonly partuuid: string | null;
  readonly partlabel: string | null;
  /** Of the interface that it came through; null where it is on a disk. */
  readonly mac?: string | null;
}

const same = (a: string | null | undefined, b: string): boolean => a?.toLowerCase() === b.toLowerCase();

function matches(source: string, origin: Origin, removable: boolean): boolean {
  const [, key, value = ""] = /^(uuid|label|partuuid|partlabel|mac)[=:](.*)$/is.exec(source) ?? [];
  switch (key?.toLowerCase()) {
    case "uuid":
      return same(origin.uuid, value);
    case "label":
      return origin.label === value;
    case "partuuid":
      return same(origin.partuuid, value);
    case "partlabel":
      return origin.partlabel === value;
    case "mac":
      return same(origin.mac?.replace(/[:-]/g, ""), value.replace(/[:-]/g, ""));
  }
  const word = source.toLowerCase();
  if (word === "network") return origin.device === null;
  if (origin.device === null) return false;
  const isCdrom = /^sr\d/.test(origin.device);
  if (word === "cdrom") return isCdrom;
  if (word === "disk") return !removable && !isCdrom;
  if (word === "removable") return removable;
  return source.replace(/^\/dev\//, "") === origin.device || (word === origin.transport && !isCdrom);
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
