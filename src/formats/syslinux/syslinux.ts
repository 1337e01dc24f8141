/** SYSLINUX, ISOLINUX, EXTLINUX and U-Boot's extlinux.conf on a volume. */

import type { Format } from "../format.ts";
import { folderOf } from "../paths.ts";
import { findSyslinux } from "./find.ts";
import { listSyslinux } from "./listing.ts";

export const syslinux: Format = {
  name: "syslinux",
  find: findSyslinux,
  parse: (path, context) => listSyslinux(path, context, { type: "syslinux", cwd: folderOf(path), dialect: null }),
};
