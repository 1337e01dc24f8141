/** What this machine is: what configurations ask for that decide by it. */

import { existsSync, readFileSync } from "node:fs";
import { machine as uname } from "node:os";
import type { Platform } from "../formats/format.ts";
import { readVariable, textOfVariable } from "../state/efivars.ts";
import { LOADER_GUID } from "../state/guids.ts";

/** Each part is read when a configuration asks for it. */
export function thisPlatform(): Platform {
  const firmware = existsSync("/sys/firmware/efi") ? "efi" : "pc";
  return {
    firmware,
    arch: uname(),
    smbios: () => {
      try {
        return readFileSync("/sys/firmware/dmi/tables/DMI");
      } catch {
        return null;
      }
    },
    cpu: () => {
      try {
        const text = readFileSync("/proc/cpuinfo", "utf8");
        const family = Number(/^cpu family\s*:\s*(\d+)/m.exec(text)?.[1] ?? Number.NaN);
        const flags = new Set((/^flags\s*:(.*)$/m.exec(text)?.[1] ?? "").split(/\s+/));
        return Number.isNaN(family) ? null : { family, flags };
      } catch {
        return null;
      }
    },
    compatible: () => {
      try {
        const text = readFileSync("/proc/device-tree/compatible", "latin1");
        return text.split("\0").filter((name) => name !== "");
      } catch {
        return [];
      }
    },
    loaderVariable: (name) => {
      const value = readVariable(`${name}-${LOADER_GUID}`);
      return value === null ? null : textOfVariable(value);
    },
    efiVariable: (name, guid) => readVariable(`${name}-${guid}`),
  };
}
