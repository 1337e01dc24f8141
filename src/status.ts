/** What the rooms that find and load tell the rooms that show: devices and progress. */

/** A device as the `i` screen and the nothing-found screen show it. */
export interface DeviceStatus {
  readonly name: string;
  /** Bytes; null where unknown. */
  readonly size: number | null;
  readonly type: string | null;
  readonly uuid: string | null;
  readonly label: string | null;
  readonly model: string | null;
  readonly transport: string | null;
  /** Configurations found on it. */
  readonly sources: readonly string[];
  /** Why it yielded nothing, else null. */
  readonly reason: string | null;
  /** What a person should know who boots from it, else null or left out. */
  readonly note?: string | null;
  /** Its subvolumes and snapshots (btrfs). */
  readonly subvolumes?: readonly string[];
  /** It is encrypted, and a passphrase opens it. */
  readonly isLocked?: boolean;
}

/** Work that is going on: `Loading Debian GNU/Linux`. */
export interface Progress {
  readonly title: string;
  /** What is being read now. */
  readonly detail: string;
  readonly done: number;
  /** Bytes in all; null where unknown. */
  readonly total: number | null;
  /** Bytes in a second; null or left out where nothing has been measured yet. */
  readonly rate?: number | null;
  /** Esc ends it. */
  readonly canCancel?: boolean;
}
