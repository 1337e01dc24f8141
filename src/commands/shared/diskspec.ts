/** The options that several commands share: `--disk SPEC`, `--platform`, `--arch`. */

import { resolve } from "node:path";
import type { DiskSpec } from "../../discovery/directories.ts";
import { BatonError } from "../../errors.ts";
import type { Platform } from "../../formats/format.ts";

const SPEC_KEYS = ["uuid", "label", "partuuid", "partlabel", "type"] as const;

/**
 * Reads `NAME=DIR[,uuid=U][,label=L][,partuuid=P][,partlabel=P][,type=T]`; a comma in a value is `\,`.
 * @throws BatonError `usage`
 */
export function parseDiskSpec(text: string): DiskSpec {
  const bad = (what: string): BatonError =>
    new BatonError(
      "usage",
      `--disk ${text}: ${what}; it is NAME=DIR[,uuid=U][,label=L][,partuuid=P][,partlabel=P][,type=T]`,
    );
  // A backslash takes the comma after it as it is.
  const parts = (text.match(/(?:\\,|[^,])+/g) ?? []).map((part) => part.replace(/\\,/g, ","));
  const [first = "", ...rest] = parts;
  const equals = first.indexOf("=");
  if (equals < 1 || equals === first.length - 1) throw bad("a name, '=' and a directory are missing");
  const name = first.slice(0, equals);
  if (/[\s:/]/.test(name)) throw bad("the name may not contain spaces, ':' or '/'");

  const values: Partial<Record<(typeof SPEC_KEYS)[number], string>> = {};
  for (const part of rest) {
    const at = part.indexOf("=");
    const key = SPEC_KEYS.find((known) => known === part.slice(0, at));
    if (at < 1 || key === undefined) throw bad(`'${part}' is none of ${SPEC_KEYS.join(", ")}`);
    values[key] = part.slice(at + 1);
  }
  return {
    name,
    directory: resolve(first.slice(equals + 1)),
    uuid: values.uuid ?? null,
    label: values.label ?? null,
    partuuid: values.partuuid ?? null,
    partlabel: values.partlabel ?? null,
    type: values.type ?? null,
  };
}

/** What `--platform` and `--arch` stand for; `efi` and `x86_64` unless given. */
export function parsePlatform(platform: string | undefined, arch: string | undefined): Platform {
  const firmware = platform ?? "efi";
  if (firmware !== "efi" && firmware !== "pc") {
    throw new BatonError("usage", `--platform ${firmware}: it is 'pc' or 'efi'`);
  }
  return { firmware, arch: arch ?? "x86_64" };
}
