/** What every subcommand does with its arguments. */

import { type ParseArgsConfig, parseArgs } from "node:util";
import type { DiskSpec } from "../../discovery/directories.ts";
import { BatonError } from "../../errors.ts";
import type { Platform } from "../../formats/format.ts";
import { parseDiskSpec, parsePlatform } from "./diskspec.ts";

export interface DiskOptions {
  /** Empty: the machine's own devices. */
  readonly disks: readonly DiskSpec[];
  /** Null: the machine's own. */
  readonly platform: Platform | null;
  /** Baton's own configuration, a file of this host; null for none. */
  readonly config: string | null;
}

/** @throws BatonError `usage` */
export function diskOptions(values: {
  disk?: string[];
  platform?: string;
  arch?: string;
  config?: string;
}): DiskOptions {
  const disks = (values.disk ?? []).map(parseDiskSpec);
  const stated = disks.length > 0 || values.platform !== undefined || values.arch !== undefined;
  return {
    disks,
    platform: stated ? parsePlatform(values.platform, values.arch) : null,
    config: values.config ?? null,
  };
}

/** node's parseArgs, with its complaints as wrong usage. */
export function readArgs<const T extends ParseArgsConfig>(config: T): ReturnType<typeof parseArgs<T>> {
  try {
    return parseArgs(config);
  } catch (error) {
    // The first sentence names the option; the rest of node's advice is about positionals.
    throw new BatonError("usage", (error instanceof Error ? error.message : String(error)).split(". ")[0]!);
  }
}
