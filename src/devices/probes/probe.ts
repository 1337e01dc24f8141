/** What a probe is: one row of the table in table.ts. */

import type { Identity } from "../device.ts";
import type { Window } from "./window.ts";

/** Bytes that a format has at a fixed place. */
export interface Magic {
  readonly at: number;
  /** One character a byte (latin1). */
  readonly bytes: string;
}

/** What a probe found. */
export interface Match {
  readonly uuid: string | null;
  readonly label: string | null;
  readonly dirty?: boolean;
  readonly version?: string;
  readonly devices?: number;
  /** Where one probe tells several types apart. */
  readonly type?: string;
}

export interface Probe {
  readonly type: string;
  readonly usage: Identity["usage"];
  /** `read` is called once, for the first of these that is there; always, where there are none. */
  readonly magics: readonly Magic[];
  /** Bytes that a device must have at least. */
  readonly least?: number;
  /** May stand beside another filesystem without making the device ambiguous (blkid's BLKID_IDINFO_TOLERANT). */
  readonly tolerant?: true;
  /** Asked only where nothing else was found, since it reads more of the device. */
  readonly last?: true;
  /** @returns null where it isn't this format after all. Bytes are hostile: reads through the window only. */
  read(window: Window, magic: Magic | null): Promise<Match | null>;
}
