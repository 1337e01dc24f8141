/**
 * An ISO image on a server: its menu is read from it in places, and kernel and initrd are fetched from within it. A file in
 * it has the address `http://host/x.iso#/path`.
 */

import { chooseConfig } from "../discovery/isofiles.ts";
import { scanConfig } from "../discovery/scan.ts";
import { type Diagnostic, entryFiles, type FileRef } from "../entry.ts";
import { describeError } from "../errors.ts";
import type { FormatContext, FormatResult, FormatVolume } from "../formats/format.ts";
import { EMPTY_RESULT } from "../formats/format.ts";
import { formats } from "../formats/formats.ts";
import { withIsoUrl } from "../formats/isowords.ts";
import { openIso } from "../volumes/iso.ts";

/** Where a file within a larger one lies. */
export interface Part {
  readonly url: string;
  readonly offset: number;
  readonly size: number;
}

interface RemoteIso {
  readonly result: FormatResult;
  /** What stands for the image's root in the result: its files are `NAME:/path`. */
  readonly volume: FormatVolume;
  /** By path. */
  readonly parts: ReadonlyMap<string, Part>;
}

/** @param outer the volume that the image lies on. @throws BatonError where it is no image that can be read */
export async function readRemoteIso(
  url: string,
  outer: FormatVolume,
  path: string,
  context: FormatContext,
): Promise<RemoteIso> {
  const { size } = await outer.reader.stat(path);
  const readAt = (offset: number, length: number): Promise<Uint8Array> => outer.reader.readAt(path, offset, length);
  const image = await openIso(readAt, size, url, url);
  const volume: FormatVolume = { ...outer, name: `${url}#`, type: "iso9660", reader: image.reader };
  const inside = { ...context, volume, volumes: [volume], image: { volume: outer, path } };
  const scan = await chooseConfig(volume, formats, (format, at) => scanConfig(format, at, inside));
  if (scan === null) {
    const message = "no boot configuration was found in this ISO image";
    const diagnostics: Diagnostic[] = [{ severity: "error", source: url, line: null, column: null, message }];
    return { result: { ...EMPTY_RESULT, diagnostics }, volume, parts: new Map() };
  }
  const { entries, diagnostics: lost } = withIsoUrl(scan.result.entries, volume.name, url);
  const diagnostics = [...scan.result.diagnostics, ...lost];
  const parts = new Map<string, Part>();
  const missing = new Map<string, string>();
  const isInside = (ref: FileRef): ref is { device: string; path: string } =>
    "device" in ref && ref.device === volume.name;
  for (const ref of entries.flatMap(entryFiles).filter(isInside)) {
    if (parts.has(ref.path) || missing.has(ref.path)) continue;
    try {
      parts.set(ref.path, { url, ...(await image.extent(ref.path)) });
    } catch (error) {
      missing.set(ref.path, describeError(error));
    }
  }
  const checked = entries.map((entry) => {
    const lost = entryFiles(entry)
      .filter(isInside)
      .find((ref) => missing.has(ref.path));
    return lost === undefined || entry.reason !== null ? entry : { ...entry, reason: missing.get(lost.path)! };
  });
  return { result: { ...scan.result, entries: checked, diagnostics }, volume, parts };
}
