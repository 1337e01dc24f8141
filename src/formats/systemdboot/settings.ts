/** Finding loader.conf for a menu. */

import type { DiagnosticSink } from "../budget.ts";
import type { FormatContext, FormatVolume } from "../format.ts";
import { Lookup } from "../lookup.ts";
import { type LoaderSettings, loaderSettings } from "./loaderconf.ts";
import { readText } from "./readtext.ts";

/** A few lines, however many comments. */
const MAX_LOADER_CONF = 64 * 1024;

/**
 * loader.conf lies on the ESP. Where the entries are on another volume (XBOOTLDR), the ESP is the other volume of
 * the same disk that has one.
 * @param base the folder that holds `loader`.
 */
export async function readSettings(
  base: string,
  context: FormatContext,
  diagnostics: DiagnosticSink,
): Promise<LoaderSettings> {
  const { volume, volumes, platform } = context;
  const own = await readLoaderConf(volume, `${base === "/" ? "" : base}/loader/loader.conf`, diagnostics);
  if (own !== null) return loaderSettings(own.text, own.source, platform, diagnostics);
  const found: LoaderConf[] = [];
  for (const other of volumes) {
    if (other.name === volume.name || other.disk !== volume.disk) continue;
    if (other.type !== null && other.type !== "vfat") continue;
    try {
      const conf = await readLoaderConf(other, "/loader/loader.conf", diagnostics);
      if (conf !== null) found.push(conf);
    } catch {
      // A volume that can't be read is said so where it is read for its own sake.
    }
  }
  // With two ESPs on a disk it is unknown which one's systemd-boot would be running.
  const only = found.length === 1 ? found[0]! : null;
  return loaderSettings(only?.text ?? null, only?.source ?? "", platform, diagnostics);
}

interface LoaderConf {
  readonly text: string;
  readonly source: string;
}

async function readLoaderConf(
  volume: FormatVolume,
  path: string,
  diagnostics: DiagnosticSink,
): Promise<LoaderConf | null> {
  const found = await new Lookup(volume.reader).find(path);
  if (found === null) return null;
  const source = `${volume.name}:${found}`;
  const text = await readText(volume, found, source, MAX_LOADER_CONF, diagnostics);
  return text === null ? null : { text, source };
}
