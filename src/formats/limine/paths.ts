/** Limine's paths: `boot():/vmlinuz#HASH`, and `boot:///vmlinuz` in the older syntax (CONFIG.md, "Paths" and "URIs"). */

import type { FileRef } from "../../entry.ts";
import { hasTag } from "../../identity.ts";
import type { FormatContext } from "../format.ts";
import { fileAt, ownPartition, type Place, taggedPlace } from "../volumenames.ts";

interface LiminePath {
  readonly file: FileRef;
  /** Of the file, in hexadecimal digits; null where none is given. */
  readonly hash: string | null;
  /** It is unpacked before it is used (`$`). */
  readonly isPacked: boolean;
}

const NEW = /^(\$?)([a-z]+)\(([^)]*)\):(\/.*)$/i;
const OLD = /^(\$?)([a-z]+):\/\/([^/]*)(\/.*)$/i;

/** @returns why it can't be followed, as text, where it can't */
export function liminePath(text: string, context: FormatContext): LiminePath | string {
  const trimmed = text.trim();
  const [, packed, resource, argument, rest] = NEW.exec(trimmed) ?? OLD.exec(trimmed) ?? [];
  if (rest === undefined) return `it names no file that Limine could find: ${trimmed.slice(0, 100) || "nothing"}`;
  const at = rest.lastIndexOf("#");
  const path = at < 0 ? rest : rest.slice(0, at);
  const hash = at < 0 ? null : rest.slice(at + 1).toLowerCase();
  const file = fileOf(resource!.toLowerCase(), argument!, path, context);
  return typeof file === "string" ? file : { file, hash, isPacked: packed === "$" };
}

function fileOf(resource: string, argument: string, path: string, context: FormatContext): FileRef | string {
  if (resource === "tftp" && argument !== "") return { url: `tftp://${argument}${path}` };
  const place = placeOf(resource, argument, context);
  return place === null ? `it names a file on ${resource}, which Baton doesn't know` : fileAt(place, path);
}

function placeOf(resource: string, argument: string, context: FormatContext): Place | null {
  const name = `${resource}(${argument})`;
  switch (resource) {
    case "tftp":
      return context.volume;
    case "boot":
      return argument === "" ? context.volume : ownPartition(context, Number(argument) || null, name);
    case "hdd":
      return ownPartition(context, Number(argument.split(":")[1] ?? "") || null, name);
    case "odd": {
      const all = [context.volume, ...context.volumes];
      return all.find(({ type }) => type === "iso9660" || type === "udf") ?? { selector: name };
    }
    case "guid":
    case "uuid":
      return taggedPlace(context, ["UUID", "PARTUUID"], argument);
    case "fslabel": {
      // Limine takes either case; what is written as it stands on the disk comes first.
      const exact = taggedPlace(context, ["LABEL"], argument);
      if (!("selector" in exact)) return exact;
      return (
        context.volumes.find((one) =>
          hasTag({ ...one, label: one.label?.toLowerCase() ?? null }, "LABEL", argument.toLowerCase()),
        ) ?? exact
      );
    }
    default:
      return null;
  }
}
