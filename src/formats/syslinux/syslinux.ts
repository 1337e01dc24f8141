/** SYSLINUX, ISOLINUX, EXTLINUX and U-Boot's extlinux.conf on a volume. */

import { BatonError } from "../../errors.ts";
import type { Format, FormatContext, FormatResult, LineSigns } from "../format.ts";
import { folderOf } from "../paths.ts";
import { findSyslinux } from "./find.ts";
import { listSyslinux } from "./listing.ts";
import { parsePxelinux } from "./pxelinux.ts";
import { inFirmwaresOrder, withoutRepeats } from "./twins.ts";

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
    return network === undefined ? withoutTwins(path, context) : list(path, context);
  },
};

/** What a volume's configurations are, by path, for as long as one scan of it takes: copies are compared with one another. */
const lists = new WeakMap<FormatContext, Map<string, Promise<FormatResult>>>();

function list(path: string, context: FormatContext): Promise<FormatResult> {
  const known = lists.get(context) ?? new Map<string, Promise<FormatResult>>();
  lists.set(context, known);
  const listed =
    known.get(path) ?? listSyslinux(path, context, { type: "syslinux", cwd: folderOf(path), dialect: null });
  known.set(path, listed);
  return listed;
}

/** One of a volume's configurations, without what is listed in those that this machine's firmware would come to before. */
async function withoutTwins(path: string, context: FormatContext): Promise<FormatResult> {
  const all = inFirmwaresOrder(await findSyslinux(context.volume), context.platform);
  const result = await list(path, context);
  const before = all.slice(0, Math.max(0, all.indexOf(path)));
  if (before.length === 0 || result.entries.length === 0) return result;
  const others: FormatResult[] = [];
  for (const other of before) {
    try {
      others.push(await list(other, context));
    } catch (error) {
      // That one's own reading says so.
      if (!(error instanceof BatonError)) throw error;
    }
  }
  return withoutRepeats(result, others);
}
