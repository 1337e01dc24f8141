/** Menus and questions: each answer is followed in a copy of the script's state, and what it leads to is listed. */

import type { ParsedEntry } from "../../../entry.ts";
import { ANY, integer } from "../options.ts";
import { type IpxeCommand, NOTHING, submenuOf, unspent, type Way } from "../run.ts";
import { copyState, type Item } from "../state.ts";
import { store } from "./setting.ts";

/** Of one menu; more than anybody could read. */
const MAX_ITEMS = 2000;
const MAX_MENU_DEPTH = 8;
/** So many items take as long as one command: to be copied, and to be told apart from those of other menus. */
const COPIED_A_STEP = 512;
const ITEMS_A_STEP = 32;

const menu: IpxeCommand["run"] = (_, given, { state: { machine } }) => {
  const name = given.text("name") ?? "";
  if (given.has("delete")) machine.menus.delete(name);
  else machine.menus.set(name, { title: given.args.join(" "), items: [], default: null });
  return "next";
};

const item: IpxeCommand["run"] = (run, given, { state: { machine }, way }) => {
  const menuName = given.text("menu") ?? given.text("form") ?? "";
  const menu = machine.menus.get(menuName);
  if (menu === undefined) return { fails: `item: there is no menu${menuName === "" ? "" : ` '${menuName}'`}` };
  if (menu.items.length >= MAX_ITEMS) return { fails: `item: a menu has more than ${MAX_ITEMS} items` };
  run.spend(way, menu.items.length / COPIED_A_STEP);
  const isGap = given.has("gap") || given.args.length === 0;
  const name = isGap ? null : given.args[0]!;
  const text = given.args.slice(isGap ? 0 : 1).join(" ");
  const added = { name, text, key: keyOf(given.text("key")), isSecret: given.has("secret") };
  const isDefault = name !== null && given.has("default");
  machine.menus.set(menuName, { ...menu, items: [...menu.items, added], default: isDefault ? name : menu.default });
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
const choose: IpxeCommand["run"] = async (run, given, { state, way, line }) => {
  const menuName = given.text("menu") ?? "";
  const menu = state.machine.menus.get(menuName);
  if (menu === undefined || menu.items.every(({ name }) => name === null))
    return { fails: "choose: the menu is empty" };
  run.spend(way, (menu.items.length * (1 + way.passed.length)) / ITEMS_A_STEP);
  const site = `${state.script.source}:${line}:${namesOf(menu.items)}`;
  // Back to a menu that led here: the way back, not another entry.
  if (way.passed.includes(site) || way.passed.length >= MAX_MENU_DEPTH) return NOTHING;
  const submenu = submenuOf(way);
  const wanted = given.text("default") ?? menu.default;
  const items = menu.items.filter(({ name }) => name !== null);
  if (!given.has("keep")) state.machine.menus.delete(menuName);
  const entries: ParsedEntry[] = [];
  let defaultIndex: number | null = null;
  let isExplicit = false;
  for (const [index, item] of items.entries()) {
    const copy = copyState(state);
    const stored = store(copy, given.args[0]!, item.name!);
    if (stored !== "next") return stored;
    copy.ok = true;
    const isWanted = wanted === null ? index === 0 : item.name === wanted;
    const isChosen = way.isChosen && !way.isOpened && isWanted;
    const inside: Way = { submenu, item, passed: [...way.passed, site], isChosen, spent: unspent() };
    let listed = await run.go(copy, inside);
    // It comes back to this menu, since a file isn't there: a person should see that it is in the menu, and why it's no use.
    if (listed.entries.length === 0 && inside.spent.lost !== null)
      listed = run.unbootable(state, inside, inside.spent.lost, "other");
    const at = listed.defaultIndex === null ? null : entries.length + listed.defaultIndex;
    for (const entry of listed.entries) entries.push(entry);
    const isNamed = item.name === wanted;
    if (at !== null && (isNamed ? !isExplicit : index === 0)) {
      defaultIndex = at;
      isExplicit = isNamed;
    }
  }
  const timeout = seconds(given.number("timeout"));
  return { entries, defaultIndex, defaultIsExplicit: isExplicit, timeout: timeout ?? Number.POSITIVE_INFINITY };
};

/** A key that leads elsewhere: what happens without it is the script's way, the rest stands below the question. */
const prompt: IpxeCommand["run"] = async (run, given, { state, way }) => {
  const timeout = seconds(given.number("timeout"));
  const site = `${state.script.source}:${state.line}:prompt`;
  if ((!given.has("key") && timeout === null) || way.passed.includes(site)) return "next";
  const pressed = copyState(state);
  pressed.ok = true;
  state.ok = false;
  const passed = [...way.passed, site];
  const without = await run.go(state, { ...way, passed });
  const key = given.text("key");
  const question: Item = {
    name: "prompt",
    text: given.args.join(" ") || "Press a key",
    key: keyOf(key),
    isSecret: false,
  };
  const code = key === null ? null : keyOf(key) === null ? integer(key) : key.codePointAt(0)!;
  const setting = given.text("set");
  if (setting !== null && code !== null) store(pressed, setting, String(code), "uint16");
  const asked = await run.go(pressed, {
    ...{ submenu: submenuOf(way), item: question, passed },
    ...{ isChosen: false, spent: unspent() },
  });
  const more = asked.entries.filter((entry) => entry.reason === null);
  return { ...without, entries: [...without.entries, ...more], timeout: without.timeout ?? timeout };
};

/** iPXE names keys by a character or a number (0x02 is Ctrl-B); only characters are keys of a menu here. */
const keyOf = (text: string | null): string | null => (text !== null && [...text].length === 1 ? text : null);

/** Of milliseconds; null where there is no timeout (none, or zero). */
const seconds = (milliseconds: number | null): number | null =>
  milliseconds !== null && milliseconds > 0 ? milliseconds / 1000 : null;

export const menuCommands: readonly IpxeCommand[] = [
  { names: ["menu", "form"], options: { name: "n:", delete: "d" }, args: [0, ANY], run: menu },
  {
    names: ["item"],
    options: { menu: "m:", form: "f:", key: "k!", default: "d", secret: "s", gap: "g" },
    args: [0, ANY],
    run: item,
  },
  {
    names: ["choose"],
    options: { menu: "m:", default: "d:", timeout: "t#", retimeout: "r#", keep: "k" },
    args: [1, 1],
    run: choose,
  },
  { names: ["prompt"], options: { key: "k!", timeout: "t#", set: "s:" }, args: [0, ANY], run: prompt },
];
