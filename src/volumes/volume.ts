/** A filesystem that Baton reads: what formats know of it, and how its files are opened for kexec. */

import type { FormatVolume } from "../formats/format.ts";

/** Bytes of a file on this machine that are a file of a volume. */
export interface FileExtent {
  readonly hostPath: string;
  /** Bytes from the beginning of that file. */
  readonly offset: number;
  readonly size: number;
}

/** A volume whose files can also be opened by path, as kexec needs it. */
export interface Volume extends FormatVolume {
  /** Removable because it is attached by USB or FireWire: the kernel doesn't call it so. */
  readonly isPluggable?: boolean;
  /** The one disk that it lies on, also where it is a whole disk, an LVM volume or an opened container. */
  readonly baseDisk?: string;
  /** Where a file of this volume can be opened on this machine, after resolving links inside the volume. */
  hostPath(path: string): Promise<string>;
  /** In a volume that is itself a file: which part of that file a file of it is. Then `hostPath` rejects. */
  extent?(path: string): Promise<FileExtent>;
  /** Unmounts. The volume mounts again if it is read again. */
  close(): Promise<void>;
}
