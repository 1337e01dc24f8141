/** Devices by the names that people give them in configurations. */

import type { BlockDevice } from "./device.ts";

/** Whether a device is meant by `UUID=…`, `LABEL=…`, `PARTUUID=…`, `PARTLABEL=…`, or the kernel's name. */
export function answersTo(device: BlockDevice, selector: string): boolean {
  const [, key, value = ""] = /^(UUID|LABEL|PARTUUID|PARTLABEL)=(.*)$/.exec(selector) ?? [];
  const same = (text: string | null | undefined): boolean => text?.toLowerCase() === value.toLowerCase();
  switch (key) {
    case "UUID":
      return same(device.identity?.uuid);
    case "LABEL":
      return device.identity?.label === value;
    case "PARTUUID":
      return same(device.partuuid);
    case "PARTLABEL":
      return device.partlabel === value;
    default:
      return device.name === selector;
  }
}
