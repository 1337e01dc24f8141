/** SYSLINUX, ISOLINUX, EXTLINUX and U-Boot's extlinux.conf on a volume. */

import type { Format, LineSigns } from "../format.ts";
import { folderOf } from "../paths.ts";
import { findSyslinux } from "./find.ts";
import { listSyslinux } from "./listing.ts";
import { parsePxelinux } from "./pxelinux.ts";

/** What shows a text to be a configuration of the SYSLINUX family. */
const SIGNS: LineSigns = {
  line: /^\s*(label|append|kernel|prompt|say|display|ui|menu|include|onerror|ontimeout|ipappend|sysappend|localboot|default|timeout|linux|initrd|fdt|fdtdir|serial|f[0-9]|text help|endtext|implicit|allowoptions|noescape|totaltimeout|kbdmap|font|com32|config|boot|pxe)(\s|$)/i,
  ownLine:
    /^\s*(label|append|prompt|ipappend|sysappend|onerror|localboot|menu\s+(title|label|default|include|begin))(\s|$)/i,
  fileName: /pxelinux|syslinux|extlinux|isolinux/i,
  precedence: 0,
};

export const syslinux: Format = {
  name: "syslinux",
  signs: SIGNS,
  find: findSyslinux,
  parse(path, context) {
    const { network } = context;
    // Over the network PXELINUX reads a file of any name; these three names belong to its siblings.
    if (network !== undefined && !/(ext|sys|iso)linux\.(conf|cfg)$/i.test(path)) {
      return parsePxelinux(path, network.folder, context, network);
    }
    return listSyslinux(path, context, { type: "syslinux", cwd: folderOf(path), dialect: null });
  },
};
