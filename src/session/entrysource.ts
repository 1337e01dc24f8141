/** Discovery as a session sees it: the list, and the filesystems that its entries' files lie on. */

import type { BootEntry } from "../entry.ts";
import type { BootList } from "../policy/list.ts";
import type { BootRules } from "../policy/readconfig.ts";
import type { DeviceStatus } from "../status.ts";

/** A filesystem that entries' files lie on. */
export interface EntryVolume {
  /** Its device's. */
  readonly name: string;
  /** The disk that it is a partition of; left out, or null, for a whole disk. */
  readonly disk?: string | null;
  readonly removable: boolean;
  readonly reader: {
    read(path: string, limit?: number): Promise<Uint8Array>;
    /** `size` in bytes. */
    stat(path: string): Promise<{ readonly size: number }>;
  };
}

/** What a session needs of discovery. */
export interface EntrySource {
  readonly list: BootList;
  readonly devices: readonly DeviceStatus[];
  readonly volumes: readonly EntryVolume[];
  /** Null where the list has none of that id. */
  entry(id: string): BootEntry | null;
  /** @throws BatonError where no such device is attached (any more) */
  volume(device: string): EntryVolume;
  /** What the machine's owner has settled about the list, which is made anew. */
  setRules(rules: BootRules): void;
}
