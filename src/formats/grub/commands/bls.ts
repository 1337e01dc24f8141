/**
 * Entries of the Boot Loader Specification in GRUB's menu: `blscfg` and `uki`, Fedora's and RHEL's addition
 * (grub-core/commands/blscfg.c, blsuki.c). GRUB makes a script of each file, and so do we: what an `options` line
 * does to it (quotes, variables of the time of boot) comes out the same.
 */

import { formatFileRef } from "../../../entry.ts";
import { BudgetExceeded } from "../budget.ts";
import { BAD_ARGUMENT, FILE_NOT_FOUND, OK } from "../errors.ts";
import type { Call, CommandFunction, Interpreter } from "../interpreter.ts";
import { optionValue, parseOptions } from "../options.ts";
import { compareEntryNames } from "../rpmversion.ts";
import { decodeSource, SourceText } from "../source.ts";
import { readUkiTexts, type UkiTexts } from "../uki.ts";
import { parseBody, splitUsers } from "./menu.ts";

const OPTIONS = [
  { long: "path", short: "p", value: "required" },
  { long: "enable-fallback", short: "f" },
  { long: "show-default", short: "d" },
  { long: "show-non-default", short: "n" },
  { long: "entry", short: "e", value: "required" },
] as const;

/** An entry file: its keys in order, the same one perhaps several times. */
interface EntryFile {
  /** Without `.conf`, and without a boot counter. */
  readonly id: string;
  /** With it: `fedora-6.9+3-1`. */
  readonly fileName: string;
  readonly source: SourceText;
  /** Offset of its last `linux` or `options` line: what is wrong with the script made of it is mostly there. */
  readonly at: number;
  readonly values: readonly (readonly [key: string, value: string])[];
}

const MAX_FILE_SIZE = 1024 * 1024;
const MAX_ENTRIES = 10_000;

const blscfg: CommandFunction = async (run, argv, call) => {
  const options = parseOptions(OPTIONS, argv);
  if (typeof options === "string") {
    run.warn(call, `${call.name}: ${options}`);
    return BAD_ARGUMENT;
  }
  const path = optionValue(options, "path");
  // The older form: `blscfg default`, `blscfg non-default`, `blscfg FILE`.
  const [word] = options.args;
  let only = optionValue(options, "entry");
  let showsDefault = options.values.has("show-default") || word === "default";
  let showsOthers = options.values.has("show-non-default") || word === "non-default";
  if (word !== undefined && word !== "default" && word !== "non-default" && !word.startsWith("(")) only ??= word;
  if (!showsDefault && !showsOthers && only === undefined) showsDefault = showsOthers = true;
  const entries = await readEntries(run, call, path ?? (word?.startsWith("(") ? word : undefined));
  if (typeof entries === "string") {
    run.warn(call, `${call.name}: ${entries}`);
    return FILE_NOT_FOUND;
  }
  const wanted = run.env.get("default") ?? "";
  for (const [index, entry] of entries.entries()) {
    const names = [entry.id, entry.fileName, first(entry, "title"), String(index)];
    const isDefault = names.includes(wanted.replace(/\.conf$/, ""));
    const isShown = (isDefault && showsDefault) || (!isDefault && showsOthers);
    const isOnly = only !== undefined && [entry.id, entry.fileName].includes(only.replace(/\.conf$/, ""));
    if (isShown || isOnly) addEntry(run, entry);
  }
  return OK;
};

/** Every entry of the folder, the newest first; a sentence where there is no folder. */
async function readEntries(run: Interpreter, call: Call, path: string | undefined): Promise<EntryFile[] | string> {
  if (path?.endsWith(".conf")) {
    const entry = await readEntry(run, call, path);
    return entry === null ? [] : [entry];
  }
  const root = `(${run.env.get("root") ?? ""})`;
  const folders =
    path !== undefined
      ? [path.startsWith("(") && path.endsWith(")") ? `${path}/loader/entries` : path]
      : [`${root}${run.env.get("blsdir") ?? "/loader/entries"}`, `${root}/boot/loader/entries`];
  for (const folder of folders) {
    const names = await run.files.list(folder);
    if (names === null) continue;
    const entries: EntryFile[] = [];
    for (const name of names) {
      if (!name.endsWith(".conf") || name.startsWith(".") || name.length <= 5) continue;
      if (entries.length >= MAX_ENTRIES) throw new BudgetExceeded(`more than ${MAX_ENTRIES} entries in ${folder}`);
      const entry = await readEntry(run, call, `${folder.replace(/\/+$/, "")}/${name}`);
      if (entry !== null) entries.push(entry);
    }
    if (entries.length === 0) continue;
    entries.sort((a, b) => compareEntryNames(b.fileName, a.fileName));
    // Of two that compare alike GRUB keeps one.
    return entries.filter((entry, i) => i === 0 || compareEntryNames(entry.fileName, entries[i - 1]!.fileName) !== 0);
  }
  return `there are no entries in ${folders.map((folder) => formatFileRef(run.files.name(folder).ref)).join(" or ")}`;
}

async function readEntry(run: Interpreter, call: Call, path: string): Promise<EntryFile | null> {
  const file = run.files.name(path);
  const bytes = await run.files.read(file, MAX_FILE_SIZE);
  if (typeof bytes === "string") {
    run.warn(call, `${call.name}: ${bytes}`);
    return null;
  }
  const values: [string, string][] = [];
  const source = SourceText.file(formatFileRef(file.ref), decodeSource(bytes).text);
  let at = 0;
  let start = 0;
  for (const raw of source.text.split("\n")) {
    const line = raw.replace(/^[ \t]+/, "");
    const match = line.startsWith("#") ? null : /^([^ \t]+)[ \t]+(.+)$/.exec(line);
    if (match !== null) values.push([match[1]!, match[2]!]);
    if (match?.[1] === "options" || match?.[1] === "linux") at = start + raw.length - line.length;
    start += raw.length + 1;
  }
  const fileName = path.slice(path.lastIndexOf("/") + 1).replace(/\.conf$/, "");
  return { id: fileName.replace(/\+[0-9]+(-[0-9]+)?$/, ""), fileName, source, at, values };
}

function first(entry: EntryFile, key: string): string | undefined {
  return entry.values.find(([name]) => name === key)?.[1];
}

function all(entry: EntryFile, key: string): string[] {
  return entry.values.filter(([name]) => name === key).map(([, value]) => value);
}

/** Makes a menu entry, as the script that GRUB would make of the file. */
function addEntry(run: Interpreter, entry: EntryFile): void {
  const linux = first(entry, "linux");
  if (linux === undefined) {
    run.say("warning", null, "GRUB leaves this entry out: it has no 'linux' line", entry.source);
    return;
  }
  if (run.menu.items.length >= run.budget.limits.entries) {
    throw new BudgetExceeded(`more than ${run.budget.limits.entries} entries in one menu`);
  }
  const options = expandValue(run, first(entry, "options") ?? run.env.get("default_kernelopts") ?? "");
  const initrds = all(entry, "initrd");
  const early = (run.env.get("early_initrd") ?? "").split(/\s+/).filter((name) => name !== "");
  const folder = (initrds[0] ?? linux).replace(/[^/]*$/, "");
  const ramdisks = [...early.map((name) => `${folder}${name}`), ...initrds];
  const devicetree = first(entry, "devicetree");
  const script = [
    ...(isTrue(run.env.get("save_default") ?? run.env.get("blsuki_save_default")) ? ["savedefault"] : []),
    `linux ($root)${linux}${options === "" ? "" : ` ${options}`}`,
    ...(ramdisks.length === 0 ? [] : [`initrd ${ramdisks.map((name) => `($root)${name}`).join(" ")}`]),
    ...(devicetree === undefined ? [] : [`devicetree ($root)${expandValue(run, devicetree)}`]),
  ].join("\n");
  const users = expandValue(run, first(entry, "grub_users") ?? "");
  const text = SourceText.string(script, entry.source, entry.at);
  run.menu.items.push({
    title: first(entry, "title") ?? linux,
    id: entry.id,
    names: [`${entry.id}.conf`, entry.fileName, `${entry.fileName}.conf`],
    isSubmenu: false,
    users: users === "" ? null : splitUsers(users),
    hotkey: first(entry, "grub_hotkey") ?? null,
    args: [first(entry, "title") ?? linux, ...all(entry, "grub_arg")],
    block: parseBody(run, text),
    source: text,
    at: 0,
  });
}

function isTrue(value: string | undefined): boolean {
  return value !== undefined && /^(?:1|true|yes|on|enable|enabled)$/i.test(value);
}

/**
 * Fills in `$name` at once, with a blank after each: what GRUB does before it makes its script. Unset ones leave
 * nothing.
 */
function expandValue(run: Interpreter, value: string): string {
  const expanded = value.replace(/\$([A-Za-z0-9_]+) ?/g, (_, name: string) => {
    const text = run.env.get(name);
    return text === undefined ? "" : `${text} `;
  });
  run.budget.text(expanded.length);
  return expanded;
}

/** `uki`: every unified kernel image of a folder, `/EFI/Linux` of the system partition unless told otherwise. */
const uki: CommandFunction = async (run, argv, call) => {
  const options = parseOptions(OPTIONS, argv);
  if (typeof options === "string") {
    run.warn(call, `uki: ${options}`);
    return BAD_ARGUMENT;
  }
  const device = /^\([^)]*\)/.exec(run.env.get("cmdpath") ?? "")?.[0] ?? `(${run.env.get("root") ?? ""})`;
  const path = optionValue(options, "path") ?? `${device}/EFI/Linux`;
  const only = optionValue(options, "entry");
  const folder = path.replace(/\/+$/, "");
  const names = path.endsWith(".efi") ? [""] : ((await run.files.list(`${folder}/`)) ?? []);
  const found: { id: string; path: string; texts: UkiTexts }[] = [];
  for (const name of names) {
    const file = name === "" ? path : `${folder}/${name}`;
    const id = file.slice(file.lastIndexOf("/") + 1);
    if (!id.endsWith(".efi") || (only !== undefined && only !== id)) continue;
    const texts = await readUkiTexts(run, run.files.name(file));
    if (texts !== null) found.push({ id, path: file, texts });
  }
  found.sort((a, b) => compareEntryNames(b.id, a.id));
  for (const { id, path: file, texts } of found) {
    // GRUB needs the name that the image gives itself.
    if (texts.title === null) continue;
    const source = SourceText.string(`chainloader ${file} ${texts.cmdline}\n`, run.source, call.at);
    run.menu.items.push({
      ...{ title: texts.title, id, isSubmenu: false, users: null, hotkey: null, args: [texts.title] },
      ...{ block: parseBody(run, source), source: run.source, at: call.at },
    });
  }
  return OK;
};

export const blsCommands: readonly (readonly [string, CommandFunction])[] = [
  ["blscfg", blscfg],
  ["bls_import", blscfg],
  ["uki", uki],
];
