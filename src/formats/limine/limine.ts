/** Limine's menu: `limine.conf`, and `limine.cfg` of versions before 8. Its CONFIG.md is the specification. */

import { efiArchitecture } from "../architecture.ts";
import { clip, EntryList } from "../entrylist.ts";
import {
  EMPTY_RESULT,
  type Format,
  type FormatContext,
  type FormatResult,
  type LineSigns,
  type Platform,
} from "../format.ts";
import { efiFolders, Lookup } from "../lookup.ts";
import { MAX_CONFIG_SIZE } from "../reader.ts";
import { isShown, limineEntry } from "./entries.ts";
import { firstValue, type Item, type LimineConfig, NEW_SYNTAX, OLD_SYNTAX, parseLimine } from "./syntax.ts";

/** On any volume, in Limine's order; versions before 8 had other names, and looked in the other order. */
const PLACES = [
  ...["/boot/limine/limine.conf", "/boot/limine.conf", "/limine/limine.conf", "/limine.conf"],
  ...["/limine.cfg", "/limine/limine.cfg", "/boot/limine.cfg", "/boot/limine/limine.cfg"],
];
const NAMES = ["limine.conf", "limine.cfg"];
/** Seconds; Limine takes no more. */
const MAX_TIMEOUT = 9999;

const SIGNS: LineSigns = {
  line: /^\s*(\/+\+?\s*[^/\s]|:+\+?\s*[^:\s]|timeout\s*[:=]|(protocol|kernel_path|path|module_path|cmdline|kernel_cmdline|comment|default_entry|image_path|dtb_path)\s*[:=]|\$\{[^}]*\}=)/i,
  ownLine:
    /^\s*(protocol\s*[:=]\s*(linux|limine|multiboot[12]?|efi|bios)|(kernel_|module_|image_)?path\s*[:=]\s*\$?(boot|hdd|odd|guid|uuid|fslabel|tftp)(\(|:\/\/))/i,
  fileName: /limine\.(conf|cfg)$/i,
  precedence: 6,
};

export const limine: Format = {
  name: "limine",
  signs: SIGNS,
  async find({ reader }) {
    const lookup = new Lookup(reader);
    const found: (string | null)[] = [];
    for (const folder of await efiFolders(lookup)) found.push(await besideProgram(lookup, folder));
    return [...found, await firstOf(lookup, PLACES)].filter((path) => path !== null);
  },
  parse: readLimine,
};

/** Beside the EFI program, which looks there first. */
async function besideProgram(lookup: Lookup, folder: string): Promise<string | null> {
  return firstOf(
    lookup,
    NAMES.map((name) => `${folder}/${name}`),
  );
}

async function firstOf(lookup: Lookup, paths: readonly string[]): Promise<string | null> {
  for (const path of paths) {
    const found = await lookup.find(path);
    if (found !== null) return found;
  }
  return null;
}

/** Whether another configuration on the volume comes before it, so that Limine doesn't read it on this machine. */
async function isShadowed(path: string, { volume, platform }: FormatContext): Promise<boolean> {
  const lookup = new Lookup(volume.reader);
  const isBeside = /^\/efi\/[^/]+\/[^/]+$/i.test(path);
  if (platform.firmware === "pc") return isBeside && (await firstOf(lookup, PLACES)) !== null;
  if (isBeside || path !== (await firstOf(lookup, PLACES))) return false;
  for (const folder of await efiFolders(lookup)) if ((await besideProgram(lookup, folder)) !== null) return true;
  return false;
}

async function readLimine(path: string, context: FormatContext): Promise<FormatResult> {
  if (context.network === undefined && (await isShadowed(path, context))) return EMPTY_RESULT;
  const list = new EntryList(path, context);
  const text = await list.read(path, MAX_CONFIG_SIZE);
  if (text === null) return list.result();
  const { platform } = context;
  const syntax = /\.cfg$/i.test(path) ? OLD_SYNTAX : NEW_SYNTAX;
  const config = parseLimine(text, syntax, macrosOf(platform), (line, message) => list.say("warning", line, message));
  if (config === null) return list.result();
  const places = await listItems(config, list);
  return list.result({ ...chooseDefault(config, places, list), ...timing(config, list) });
}

/** In Limine's names. */
function limineArch(arch: string): string {
  const names: Readonly<Record<string, string>> = { x64: "x86-64", ia32: "ia-32", aa64: "aarch64" };
  const efi = efiArchitecture(arch);
  return names[efi] ?? efi;
}

function macrosOf({ firmware, arch }: Platform): Map<string, string> {
  const name = limineArch(arch);
  return new Map([
    ["ARCH", name],
    ["LOADER_ARCH", name],
    ["FW_TYPE", firmware === "efi" ? "UEFI" : "BIOS"],
  ]);
}

/** Places in the list by item; null for a folder of the menu. In the order of the rows that Limine shows at first. */
interface Places {
  readonly rows: readonly (number | null)[];
  readonly byItem: ReadonlyMap<Item, number>;
}

async function listItems(config: LimineConfig, list: EntryList): Promise<Places> {
  const { firmware, arch } = list.context.platform;
  const tree = firstValue(config.options, "global_dtb");
  const rows: (number | null)[] = [];
  const byItem = new Map<Item, number>();
  const add = async (items: readonly Item[], submenu: readonly string[], isOpen: boolean): Promise<void> => {
    for (const item of items) {
      if (!isShown(item, firmware, limineArch(arch)) || list.isSpent) continue;
      await list.breath.take();
      if (item.items.length > 0) {
        if (isOpen) rows.push(null);
        await add(item.items, [...submenu, item.title], isOpen && item.isOpen);
        continue;
      }
      const place = list.add(await limineEntry(item, submenu, tree, list));
      if (isOpen) rows.push(place);
      if (place !== null) byItem.set(item, place);
    }
  };
  await add(config.items, [], true);
  return { rows, byItem };
}

/** Options for the whole menu may stand anywhere. */
function globalValue(config: LimineConfig, key: string): string | null {
  const own = firstValue(config.options, key);
  if (own !== null) return own.trim();
  const below = (items: readonly Item[]): string | null => {
    for (const { options, items: inner } of items) {
      const found = firstValue(options, key) ?? below(inner);
      if (found !== null) return found;
    }
    return null;
  };
  return below(config.items)?.trim() ?? null;
}

type Default = Pick<FormatResult, "defaultIndex" | "defaultIsExplicit">;

function chooseDefault(config: LimineConfig, { rows, byItem }: Places, list: EntryList): Default {
  const wanted = globalValue(config, "default_entry");
  if (globalValue(config, "remember_last_entry") === "yes") {
    list.say("warning", null, "Limine starts the entry that it started last; which one that was Baton doesn't know");
  }
  if (wanted === null) return { defaultIndex: rows[0] ?? null, defaultIsExplicit: false };
  const isNumber = /^[0-9]{1,9}$/.test(wanted);
  const item = isNumber ? null : itemAt(config.items, wanted);
  const index = isNumber ? (rows[Number(wanted) - 1] ?? null) : item === null ? null : (byItem.get(item) ?? null);
  if (index === null) {
    list.say(
      "warning",
      null,
      `default_entry is ${clip(wanted)}, which is no entry that boots: Limine waits for a choice`,
    );
  }
  return { defaultIndex: index, defaultIsExplicit: index !== null };
}

/** `OSes/Arch Linux#1`: the second entry of that name in that folder; a backslash makes the next character a plain one. */
function itemAt(all: readonly Item[], path: string): Item | null {
  let items = all;
  let item: Item | null = null;
  for (const part of path.match(/(?:\\.|[^\\/])+/gs) ?? []) {
    const [, name, number] = /^((?:\\.|[^\\#])*)(?:#([0-9]{1,9}))?$/s.exec(part) ?? [];
    if (name === undefined) return null;
    const title = name.replace(/\\(.)/gs, "$1");
    item = items.filter((one) => one.title === title)[Number(number ?? 0)] ?? null;
    if (item === null) return null;
    items = item.items;
  }
  return item;
}

function timing(config: LimineConfig, list: EntryList): Pick<FormatResult, "timeout" | "timeoutStyle"> {
  const text = globalValue(config, "timeout");
  const timeoutStyle = globalValue(config, "quiet") === "yes" ? "hidden" : null;
  if (text === null) return { timeout: null, timeoutStyle };
  if (text === "no") return { timeout: Number.POSITIVE_INFINITY, timeoutStyle };
  if (/^[0-9]+(\.[0-9]+)?$/.test(text)) return { timeout: Math.min(Number(text), MAX_TIMEOUT), timeoutStyle };
  list.say("warning", null, `timeout needs a number of seconds or 'no', not '${clip(text)}': ignored`);
  return { timeout: null, timeoutStyle };
}
