/** An entry on its way into systemd-boot's menu. */

import type { ParsedEntry } from "../../entry.ts";
import type { Sortable, Titled } from "./order.ts";

/** All but its title, which depends on the other entries. */
export interface Candidate extends Sortable, Titled {
  readonly id: string;
  /** `vda1:/loader/entries/fedora.conf`. */
  readonly source: string;
  finish(title: string): ParsedEntry;
}
