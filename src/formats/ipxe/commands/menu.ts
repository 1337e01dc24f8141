/** Menus and questions: each answer is followed in a copy of the script's state, and what it leads to is listed. */

import type { ParsedEntry } from "../../../entry.ts";
import { type CommandRow, type IpxeCommand, NOTHING, submenuOf } from "../run.ts";
import { parseOptions, textOption } from "../script.ts";
import { copyState, type Item } from "../state.ts";
import { untyped } from "./setting.ts";

/** Of one menu; more than anybody could read. */
const MAX_ITEMS = 2000;
const MAX_MENU_DEPTH = 8;

const menu: IpxeCommand = (_, args, { state }) => {
  const options = parseOptions(args, { name: true, delete: false });
  if (typeof options === "string") return "failed";
  const name = textOption(options, "name") ?? "";
  if (options.given.has("delete")) state.menus.delete(name);
  else state.menus.set(name, { title: options.args.join(" "), items: [], default: null });
  return "next";
};

const item: IpxeCommand = (_, args, { state }) => {
  const options = parseOptions(args, { menu: true, key: true, default: false, gap: false });
  if (typeof options === "string") return "failed";
  const menuName = textOption(options, "menu") ?? "";
  const menu = state.menus.get(menuName);
  if (menu === undefined || menu.items.length >= MAX_ITEMS) return "failed";
  const isGap = options.given.has("gap") || options.args.length === 0;
  const name = isGap ? null : options.args[0]!;
  const text = options.args.slice(isGap ? 0 : 1).join(" ");
  const added = { name, text, key: keyOf(textOption(options, "key")) };
  const isDefault = name !== null && options.given.has("default");
  state.menus.set(menuName, { ...menu, items: [...menu.items, added], default: isDefault ? name : menu.default });
  return "next";
};

const names = new WeakMap<readonly Item[], string>();

/** The names of a menu's items, put together once: a script may come back to a menu from each of them. */
function namesOf(items: readonly Item[]): string {
  let joined = names.get(items);
  if (joined === undefined) {
    joined = items.map(({ name }) => name).join(" ");
    names.set(items, joined);
  }
  return joined;
}

/** Each item in a copy of its own. */
const choose: IpxeCommand = async (run, args, { state, way, line }) => {
  const options = parseOptions(args, { menu: true, default: true, timeout: true, keep: false });
  if (typeof options === "string" || options.args.length !== 1) return "failed";
  const menu = state.menus.get(textOption(options, "menu") ?? "");
  if (menu === undefined || menu.items.every(({ name }) => name === null)) return "failed";
  const site = `${state.script.source}:${line}:${namesOf(menu.items)}`;
  // Back to a menu that led here: the way back, not another entry.
  if (way.passed.includes(site) || way.passed.length >= MAX_MENU_DEPTH) return NOTHING;
  const submenu = submenuOf(way);
  const wanted = textOption(options, "default") ?? menu.default;
  const items = menu.items.filter(({ name }) => name !== null);
  const entries: ParsedEntry[] = [];
  let defaultIndex: number | null = null;
  let isExplicit = false;
  for (const [index, item] of items.entries()) {
    const copy = copyState(state);
    copy.settings.set(untyped(options.args[0]!), item.name!);
    copy.ok = true;
    const isWanted = wanted === null ? index === 0 : item.name === wanted;
    const isChosen = way.isChosen && !way.isOpened && isWanted;
    const listed = await run.go(copy, { submenu, item, passed: [...way.passed, site], isChosen });
    const at = listed.defaultIndex === null ? null : entries.length + listed.defaultIndex;
    for (const entry of listed.entries) entries.push(entry);
    const isNamed = item.name === wanted;
    if (at !== null && (isNamed ? !isExplicit : index === 0)) {
      defaultIndex = at;
      isExplicit = isNamed;
    }
  }
  const timeout = milliseconds(textOption(options, "timeout"));
  return { entries, defaultIndex, defaultIsExplicit: isExplicit, timeout: timeout ?? Number.POSITIVE_INFINITY };
};

/** A key that leads elsewhere: what happens without it is the script's way, the rest stands below the question. */
const prompt: IpxeCommand = async (run, args, { state, way }) => {
  const options = parseOptions(args, { key: true, timeout: true, set: true });
  if (typeof options === "string") return "failed";
  const timeout = milliseconds(textOption(options, "timeout"));
  const site = `${state.script.source}:${state.line}:prompt`;
  if ((!options.given.has("key") && timeout === null) || way.passed.includes(site)) return "next";
  const pressed = copyState(state);
  pressed.ok = true;
  state.ok = false;
  const passed = [...way.passed, site];
  const without = await run.go(state, { ...way, passed });
  const question: Item = {
    name: "prompt",
    text: options.args.join(" ") || "Press a key",
    key: keyOf(textOption(options, "key")),
  };
  const asked = await run.go(pressed, { submenu: submenuOf(way), item: question, passed, isChosen: false });
  const more = asked.entries.filter((entry) => entry.reason === null);
  return { ...without, entries: [...without.entries, ...more], timeout: without.timeout ?? timeout };
};

/** iPXE names keys by a character or a number (0x02 is Ctrl-B); only characters are keys of a menu here. */
const keyOf = (text: string | null): string | null => (text !== null && [...text].length === 1 ? text : null);

/** Seconds; null where there is no timeout (none, or zero). */
function milliseconds(text: string | null): number | null {
  const value = Number(text ?? 0);
  return value > 0 && Number.isFinite(value) ? value / 1000 : null;
}

export const menuCommands: readonly CommandRow[] = [
  ["menu", menu],
  ["item", item],
  ["choose", choose],
  ["prompt", prompt],
];
