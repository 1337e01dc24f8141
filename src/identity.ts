/**
 * What a filesystem is called by, and the one grammar of the names that configurations, kernels and people have for it:
 * `UUID=…`, `LABEL=…`, `PARTUUID=…`, `PARTLABEL=…` (blkid(8) calls these tags), or the device's own. Pure.
 */

export interface VolumeIdentity {
  /** Kernel name of the device that it is on: `vda1`. */
  readonly name: string;
  /** As blkid prints it: vfat's is `1234-ABCD`. */
  readonly uuid: string | null;
  readonly label: string | null;
  readonly partuuid: string | null;
  readonly partlabel: string | null;
}

export type Tag = "UUID" | "PARTUUID" | "LABEL" | "PARTLABEL";

interface TagRow {
  readonly tag: Tag;
  readonly of: (identity: VolumeIdentity) => string | null;
  /** Numbers, which people and tools write in either case (vfat's in capitals); a label is compared to the letter. */
  readonly caseless: boolean;
}

/** The surest first. */
export const TAGS: readonly TagRow[] = [
  { tag: "UUID", of: ({ uuid }) => uuid, caseless: true },
  { tag: "PARTUUID", of: ({ partuuid }) => partuuid, caseless: true },
  { tag: "LABEL", of: ({ label }) => label, caseless: false },
  { tag: "PARTLABEL", of: ({ partlabel }) => partlabel, caseless: false },
];

const ROWS: ReadonlyMap<string, TagRow> = new Map(TAGS.map((row) => [row.tag, row]));

/** What a tag says, in the form in which two of them can be compared. */
export function comparable(tag: Tag, value: string): string {
  return ROWS.get(tag)!.caseless ? value.toLowerCase() : value;
}

/** A filesystem's own, as {@link comparable}; null where it has none. */
export function tagOf(identity: VolumeIdentity, tag: Tag): string | null {
  const own = ROWS.get(tag)!.of(identity);
  return own === null ? null : comparable(tag, own);
}

export function hasTag(identity: VolumeIdentity, tag: Tag, value: string): boolean {
  return tagOf(identity, tag) === comparable(tag, value);
}

/** A filesystem by what it says of itself. */
interface Selector {
  readonly tag: Tag;
  readonly value: string;
}

/** @returns null where the text is no `TAG=VALUE`: then it is a device's name, or nothing */
export function parseSelector(text: string): Selector | null {
  const equals = text.indexOf("=");
  const row = ROWS.get(text.slice(0, Math.max(0, equals)));
  return row === undefined ? null : { tag: row.tag, value: text.slice(equals + 1) };
}

/** Whether a filesystem is meant by `TAG=VALUE`, or by its device's name. */
export function answersTo(identity: VolumeIdentity, text: string): boolean {
  const selector = parseSelector(text);
  return selector === null ? identity.name === text : hasTag(identity, selector.tag, selector.value);
}

/**
 * A file on a filesystem that is named: `UUID=1234-ABCD:/boot/vmlinuz`, `LABEL=data:/…`, `sda1:/vmlinuz`.
 * @returns null where the text is none of these; a URL is for the caller to recognise before
 */
export function parseSelectedFile(text: string): { readonly selector: string; readonly path: string } | null {
  const [, selector, path] = /^((?:UUID|LABEL|PARTUUID|PARTLABEL)=[^:]+|[^:/]+):(\/.*)$/s.exec(text) ?? [];
  return selector === undefined || path === undefined ? null : { selector, path };
}
