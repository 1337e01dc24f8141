/**
 * PXELINUX: the same language, found below `pxelinux.cfg/` beside the boot file, with names that start where that boot
 * file lies (doc/pxelinux.txt).
 */

import type { Format, FormatVolume, NetworkFacts } from "../format.ts";
import { Lookup } from "../lookup.ts";
import { folderOf } from "../paths.ts";
import { listSyslinux } from "./listing.ts";

/** Where people keep TFTP trees, and where Debian's installer has its own. */
const ROOTS = ["/", "/tftpboot", "/srv/tftp", "/var/lib/tftpboot", "/boot"];

/** A TFTP tree on a volume. Nothing tells there for which machine it is read, so the file for all of them is taken. */
export const pxelinux: Format = {
  name: "pxelinux",

  async find(volume: FormatVolume): Promise<readonly string[]> {
    const lookup = new Lookup(volume.reader);
    for (const root of ROOTS) {
      const found = await lookup.find(`${root === "/" ? "" : root}/pxelinux.cfg/default`);
      if (found !== null) return [found];
    }
    return [];
  },

  parse: (path, context) => parsePxelinux(path, folderOf(folderOf(path)), context),
};

/**
 * @param cwd where relative names start: the boot file's folder, or DHCP option 210.
 * @param network what IPAPPEND adds, where the machine has booted from the network.
 */
export function parsePxelinux(
  path: string,
  cwd: string,
  context: Parameters<Format["parse"]>[1],
  network?: NetworkFacts,
): ReturnType<Format["parse"]> {
  // PXELINUX exists for x86 alone; elsewhere U-Boot reads such trees (`pxe get`, `pxe boot`).
  const dialect = /^(x86_64|i[3-6]86)$/.test(context.platform.arch) ? "pxelinux" : "u-boot";
  const options = { type: "pxelinux", cwd, dialect } as const;
  return listSyslinux(path, context, network ? { ...options, network } : options);
}

export interface Client {
  /** As SMBIOS gives it: `c0ffee00-…`; null where unknown. */
  readonly uuid: string | null;
  /** `52:54:00:12:34:56`. */
  readonly mac: string | null;
  /** Type of the network hardware (RFC 1700), 1 for Ethernet. */
  readonly hardwareType?: number;
  /** IPv4, dotted. */
  readonly ip: string | null;
}

/** The names in `pxelinux.cfg/` in the order in which PXELINUX asks for them. */
export function pxelinuxNames(client: Client): string[] {
  const names: string[] = [];
  if (client.uuid) names.push(client.uuid.toLowerCase());
  if (client.mac) {
    const type = (client.hardwareType ?? 1).toString(16).padStart(2, "0");
    names.push(`${type}-${client.mac.toLowerCase().replace(/[:.]/g, "-")}`);
  }
  const bytes = client.ip?.split(".").map(Number) ?? [];
  if (bytes.length === 4 && bytes.every((byte) => Number.isInteger(byte) && byte >= 0 && byte <= 255)) {
    const hex = bytes.map((byte) => byte.toString(16).toUpperCase().padStart(2, "0")).join("");
    for (let length = 8; length > 0; length--) names.push(hex.slice(0, length));
  }
  return [...names, "default"];
}
