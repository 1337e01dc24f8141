/** What an iPXE script sees of the world outside it. */

import type { FileRef } from "../../entry.ts";
import type { FormatResult } from "../format.ts";

export interface ScriptFile {
  readonly text: string;
  /** After redirects. */
  readonly base: FileRef;
}

export interface IpxeHost {
  /** The file that a URI means, seen from the script that names it; null where it is none. */
  resolve(uri: string, from: FileRef): FileRef | null;
  /** False where a file is known not to be there. */
  exists(ref: FileRef): Promise<boolean>;
  /** The text of a file that may be a script, and where it came from in the end; null where it can't be read now. */
  read(ref: FileRef): Promise<ScriptFile | null>;
  /** True where scripts behind a menu's items are to be fetched only when they are chosen. */
  readonly defers?: boolean;
  /**
   * What another network loader would make of the tree that its program lies in; null where that is nothing, or can't be
   * known. Absent where there is no network.
   * @param settings options 209 and 210 as the script has set them
   */
  tree?(
    program: FileRef,
    settings: { readonly conf: string | null; readonly prefix: string | null },
  ): Promise<Pick<FormatResult, "entries" | "defaultIndex" | "timeout"> | null>;
  /** A setting that the script hasn't set itself: `net0/mac`, `buildarch`. */
  setting(name: string): string | null;
  /** The processor's flags as /proc/cpuinfo has them; null where they aren't known. */
  cpuFlags?(): ReadonlySet<string> | null;
  /** The address of a host by its name, for `nslookup`; null where nobody knows it. Absent where there is no network. */
  lookup?(name: string): Promise<string | null>;
}
