/** kexecboot's `/boot/boot.cfg`: `LABEL=` begins an entry, the one of highest priority is its default. */

import { type FileRef, parsedEntry } from "../entry.ts";
import { EntryList } from "./entrylist.ts";
import type { Format, FormatResult } from "./format.ts";
import { fileExists } from "./lookup.ts";
import { resolvePath } from "./paths.ts";

const CONFIG = "/boot/boot.cfg";
const MAX_SIZE = 1 << 20;
/** VMware's file of that name has no labels. */
const OWN_LINE = /^[ \t]*label[ \t]*=/im;

interface Section {
  readonly label: string;
  readonly values: Map<string, string>;
}

export const kexecboot: Format = {
  name: "kexecboot",
  async find({ reader }) {
    if (!(await fileExists(reader, CONFIG))) return [];
    return OWN_LINE.test(Buffer.from(await reader.readAt(CONFIG, 0, MAX_SIZE)).toString("utf8")) ? [CONFIG] : [];
  },
  async parse(path, context): Promise<FormatResult> {
    const list = new EntryList(path, context);
    const { global, sections } = parseSections((await list.read(path, MAX_SIZE)) ?? "");
    const { name, type } = context.volume;
    const at = (file: string): FileRef => ({ device: name, path: resolvePath("/", file) });
    // As its menu shows them; equal ones as they stand in the file.
    const sorted = [...sections].sort((a, b) => priorityOf(b) - priorityOf(a));
    for (const { label, values } of sorted) {
      await list.breath.take();
      const [kernel, initrd, dtb] = ["KERNEL", "INITRD", "DTB"].map((key) => values.get(key) ?? "");
      const own = `root=/dev/${name}${type === null ? "" : ` rootfstype=${type}`} rootwait`;
      const entry = parsedEntry({
        ...{ title: label || "untitled", type: "kexecboot", source: list.source },
        linux: kernel === "" ? null : at(kernel!),
        initrd: initrd === "" ? [] : [at(initrd!)],
        devicetree: dtb === "" ? null : at(dtb!),
        options: values.get("CMDLINE") ?? [own, values.get("APPEND") ?? ""].filter((part) => part !== "").join(" "),
        reason: kernel === "" ? "it names no kernel" : null,
      });
      if (list.add(entry) === null) break;
    }
    const named = sorted.findIndex(({ values }) => values.has("DEFAULT"));
    const index = named >= 0 && named < list.length ? named : 0;
    const timeout = /^[0-9]{1,9}$/.test(global.get("TIMEOUT") ?? "") ? Number(global.get("TIMEOUT")) : null;
    return list.result({
      defaultIndex: list.length === 0 ? null : index,
      defaultIsExplicit: named >= 0 && index === named && list.length > 0,
      // It never goes on by itself without one.
      timeout: timeout === 0 ? Number.POSITIVE_INFINITY : timeout,
    });
  },
};

const priorityOf = ({ values }: Section): number => Number.parseInt(values.get("PRIORITY") ?? "0", 10) || 0;

function parseSections(text: string): { global: ReadonlyMap<string, string>; sections: readonly Section[] } {
  const global = new Map<string, string>();
  const sections: Section[] = [];
  for (const raw of text.split(/\r?\n/)) {
    const line = raw.trim();
    const end = line.indexOf("=");
    if (line === "" || line.startsWith("#") || end === 0) continue;
    const key = (end < 0 ? line : line.slice(0, end)).trimEnd().toUpperCase();
    const value = end < 0 ? "" : line.slice(end + 1).trimStart();
    if (key === "LABEL") sections.push({ label: value, values: new Map() });
    else (sections.at(-1)?.values ?? global).set(key, value);
  }
  return { global, sections };
}
