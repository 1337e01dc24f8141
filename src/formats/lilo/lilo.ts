/**
 * LILO (`/etc/lilo.conf`, lilo.conf(5)) and ELILO (`elilo.conf` beside its EFI program, its elilo.txt): one language of
 * `key=value` lines, in which `image=` begins an entry.
 */

import { type FileRef, type ParsedEntry, parsedEntry } from "../../entry.ts";
import { bootSectorOn } from "../bootsector.ts";
import { clip, EntryList } from "../entrylist.ts";
import type { Format, FormatContext, FormatResult, FormatVolume } from "../format.ts";
import { efiFolders, fileExists, Lookup } from "../lookup.ts";
import { NamelessPasswords } from "../passwords.ts";
import { folderOf, resolvePath } from "../paths.ts";

const MAX_SIZE = 1 << 20;
/** More than either of them shows. */
const MAX_IMAGES = 1000;
/** Of one entry. */
const MAX_INITRDS = 16;

/** When a password is asked for: always, for other options, never. */
const PASSWORD_NEEDS = ["mandatory", "restricted", "bypass"];

type Dialect = "lilo" | "elilo";

export const lilo: Format = {
  name: "lilo",
  find: async ({ reader }) => ((await fileExists(reader, "/etc/lilo.conf")) ? ["/etc/lilo.conf"] : []),
  parse: (path, context) => readMenu(path, context, "lilo"),
};

export const elilo: Format = {
  name: "elilo",
  async find({ reader }) {
    const lookup = new Lookup(reader);
    const found: string[] = [];
    for (const folder of ["", ...(await efiFolders(lookup))]) {
      const path = await lookup.find(`${folder}/elilo.conf`);
      if (path !== null) found.push(path);
    }
    return found;
  },
  parse: (path, context) => readMenu(path, context, "elilo"),
};

/** An entry, or what stands before the first one and holds for all. */
interface Section {
  readonly kind: "image" | "other";
  readonly path: string;
  readonly line: number;
  /** A key without a value has an empty one. */
  readonly values: Map<string, string>;
}

interface Menu {
  readonly shared: ReadonlyMap<string, string>;
  readonly sections: readonly Section[];
}

/** `label = "Linux 2.6"   # comment` */
function parseMenu(text: string, list: EntryList): Menu {
  const shared = new Map<string, string>();
  const sections: Section[] = [];
  for (const [index, raw] of text.split(/\r?\n/).entries()) {
    const [, key, quoted, plain] = /^\s*([a-z0-9_-]+)\s*(?:=\s*(?:"((?:\\.|[^"\\])*)"?|([^#"]*)))?/i.exec(raw) ?? [];
    if (key === undefined) continue;
    const name = key.toLowerCase();
    const value = quoted?.replace(/\\(.)/g, "$1") ?? plain?.trim() ?? "";
    if (name === "image" || name === "other" || name === "vmm") {
      const last = sections.at(-1);
      // ELILO's Xen stands in its entry, before or after the kernel.
      if (name === "vmm" && last !== undefined) last.values.set(name, value);
      if (name === "vmm") continue;
      if (sections.length === MAX_IMAGES) {
        list.say("error", index + 1, `more than ${MAX_IMAGES} entries; the others are left out`);
        break;
      }
      sections.push({ kind: name, path: value, line: index + 1, values: new Map() });
    } else (sections.at(-1)?.values ?? shared).set(name, value);
  }
  return { shared, sections };
}

async function readMenu(path: string, context: FormatContext, dialect: Dialect): Promise<FormatResult> {
  const list = new EntryList(path, context);
  const text = await list.read(path, MAX_SIZE);
  if (text === null) return list.result();
  const { shared, sections } = parseMenu(text, list);
  const passwords = new NamelessPasswords();
  const place = dialect === "lilo" ? liloPlace(context) : eliloPlace(path, context);
  for (const section of sections) {
    await list.breath.take();
    if (list.add(await entryOf(section, shared, place, dialect, list, passwords)) === null) break;
  }
  const wanted = shared.get("default");
  const named = sections.findIndex(
    ({ values }) => wanted !== undefined && [values.get("label"), values.get("alias")].includes(wanted),
  );
  if (wanted !== undefined && named < 0) {
    list.say("warning", null, `the default is ${clip(wanted)}, which the menu doesn't have; the first entry is taken`);
  }
  const isInstalled = dialect === "elilo" || (await isLiloInstalled(shared, context));
  const first = list.length > 0 && isInstalled ? Math.max(0, named) : null;
  return list.result({
    defaultIndex: first !== null && first < list.length ? first : null,
    defaultIsExplicit: named >= 0 && first === named && named < list.length,
    timeout: timeoutOf(shared),
    ...passwords.fields,
  });
}

/** What LILO starts stands in its map file; without one the text is a leftover. */
async function isLiloInstalled(
  shared: ReadonlyMap<string, string>,
  { volume, volumes }: FormatContext,
): Promise<boolean> {
  const map = shared.get("map") ?? "/boot/map";
  if (await fileExists(volume.reader, map)) return true;
  const near = volumes.filter((one) => volume.disk !== null && one.disk === volume.disk);
  for (const { reader } of near) if (await fileExists(reader, withoutBoot(map)).catch(() => false)) return true;
  return false;
}

/** Tenths of a second. `prompt` without a timeout waits for a person. */
function timeoutOf(shared: ReadonlyMap<string, string>): number | null {
  const tenths = Number.parseInt(shared.get("timeout") ?? shared.get("delay") ?? "", 10);
  if (Number.isInteger(tenths) && tenths >= 0) return tenths / 10;
  return shared.has("prompt") ? Number.POSITIVE_INFINITY : null;
}

type Place = (path: string) => Promise<FileRef>;

const withoutBoot = (path: string): string => path.replace(/^\/boot(?=\/)/, "");

/** Paths are those of the running system: `/boot` may be a filesystem of its own on the same disk. */
function liloPlace({ volume, volumes }: FormatContext): Place {
  return async (name) => {
    const path = resolvePath("/", name);
    if (await fileExists(volume.reader, path)) return { device: volume.name, path };
    const isBoot = async (one: FormatVolume): Promise<boolean> =>
      fileExists(one.reader, withoutBoot(path)).catch(() => false);
    for (const one of volumes) {
      if (volume.disk === null || one === volume || one.disk !== volume.disk || !path.startsWith("/boot/")) continue;
      if (await isBoot(one)) return { device: one.name, path: withoutBoot(path) };
    }
    return { device: volume.name, path };
  };
}

/** Without a slash at its beginning, a name starts in ELILO's own folder; `dev_name:` is the firmware's. */
function eliloPlace(config: string, { volume }: FormatContext): Place {
  return async (name) => {
    const path = name.replaceAll("\\", "/").replace(/^[a-z0-9_]+:/i, "");
    return { device: volume.name, path: resolvePath(folderOf(config), path) };
  };
}

async function entryOf(
  { kind, path, values, line }: Section,
  shared: ReadonlyMap<string, string>,
  place: Place,
  dialect: Dialect,
  list: EntryList,
  passwords: NamelessPasswords,
): Promise<ParsedEntry> {
  const label = values.get("label") || path.slice(path.lastIndexOf("/") + 1) || "untitled";
  const entry = { nativeId: values.get("label") ?? null, type: dialect, source: list.source } as const;
  const title = values.get("description") || label;
  if (kind === "other") {
    const reason = `it starts the boot sector of ${clip(path)}, which only a BIOS can do`;
    const program = otherSector(path, shared.get("boot") ?? "", list.context);
    return parsedEntry({ ...entry, title, kind: "local", reason, ...(program !== null && { program }) });
  }
  const given = (key: string): string | undefined => values.get(key) ?? shared.get(key);
  const initrds = (given("initrd") ?? "").split(",", MAX_INITRDS).filter((name) => name !== "");
  // What an image itself says about the password comes before what holds for all (lilo.conf(5)).
  const needs = [values, shared].flatMap((one) => PASSWORD_NEEDS.find((key) => one.has(key)) ?? [])[0];
  const isShut = given("password") !== undefined && (needs ?? "mandatory") === "mandatory";
  if (path === "") list.say("warning", line, "'image' names no file");
  return parsedEntry({
    ...entry,
    title,
    linux: path === "" ? null : await place(path),
    initrd: await Promise.all(initrds.map(place)),
    options: cmdlineOf(values, shared, label, dialect),
    reason:
      path === ""
        ? "it names no kernel"
        : values.has("vmm")
          ? "it starts Xen as ELILO does, which Baton doesn't"
          : null,
    restricted: isShut ? passwords.add(`password of ${clip(label)}`, given("password")!, false) : null,
  });
}

/** What of kernels' names stands for the disk, and the partition's number. */
const DEVICE = /^\/dev\/([hsv]d[a-z]|xvd[a-z]|(?:nvme\d+n|mmcblk)\d+)p?(\d*)$/;

/** Names of another day: only what is on the disk that LILO was installed on can be told. */
function otherSector(path: string, boot: string, context: FormatContext): FileRef | null {
  const [, disk, partition] = DEVICE.exec(path) ?? [];
  if (disk === undefined || disk !== DEVICE.exec(boot)?.[1]) return null;
  return bootSectorOn(context.volume.disk, Number(partition), context);
}

/** LILO's words come before `append`; `literal` stands for all of them. */
function cmdlineOf(
  values: ReadonlyMap<string, string>,
  shared: ReadonlyMap<string, string>,
  label: string,
  dialect: Dialect,
): string {
  const given = (key: string): string | undefined => values.get(key) ?? shared.get(key);
  const literal = given("literal");
  if (literal !== undefined) return dialect === "lilo" ? `BOOT_IMAGE=${label} ${literal}` : literal;
  const has = (key: string): boolean => values.has(key) || (shared.has(key) && !values.has(other(key)));
  const other = (key: string): string => (key === "read-only" ? "read-write" : "read-only");
  const mode = has("read-write") ? "rw" : has("read-only") ? "ro" : "";
  const root = given("root")?.replace(/^\/dev\/(?=[A-Z]+=)/, "");
  const words = [
    dialect === "lilo" ? `BOOT_IMAGE=${label}` : "",
    ...[mode, root === undefined || root === "current" ? "" : `root=${root}`],
    given("append") ?? "",
    values.get("addappend") ?? "",
  ];
  return words.filter((word) => word !== "").join(" ");
}
