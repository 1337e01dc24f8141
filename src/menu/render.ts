/** The whole picture for one screen: from the shared state to a frame of that screen's size. Pure. */

import type { LogLine } from "../log.ts";
import { ACTIONS, type ActionRow, keyLabel } from "./actions.ts";
import { type KeyHint, keyBar, titleBar } from "./bars.ts";
import type { Controller } from "./controller.ts";
import { detailRows } from "./details.ts";
import { confirmBox, messageBox, progressBox, promptBox } from "./dialogs.ts";
import { editFrame } from "./editframe.ts";
import { lineText } from "./editline.ts";
import { centre, cutRow, edges, type Frame, type Row, rule, type Size, span } from "./frame.ts";
import { listRow } from "./listrow.ts";
import type { MenuState } from "./model.ts";
import type { Page } from "./page.ts";
import { nothingRows, PAGE_TITLES, pageRows } from "./pages.ts";
import type { Look } from "./style.ts";
import { buildTree, entryById, type Item, scrollTo } from "./tree.ts";
import { textWidth, truncate } from "./width.ts";

/** What a screen keeps from one frame to the next. */
export interface ScreenMemory {
  /** First row of the list that it shows, by level. */
  readonly tops: Map<string, number>;
}

/** What there is to show. */
interface Scene {
  readonly state: MenuState;
  readonly controller: Controller;
  readonly log: () => readonly LogLine[];
  /** Pages of text are broken at this width on every screen, so that all show the same rows. */
  readonly textColumns: number;
  /** The console that alone answers what is open, where that is another than the screen's; left out: this one does. */
  readonly elsewhere?: string | null;
}

/** How a screen of that size is divided. */
interface Panes {
  /** An empty row below the title, where there is room for air. */
  readonly air: number;
  readonly list: number;
  /** Rule and details below the list. */
  readonly details: number;
  readonly status: number;
  readonly keys: number;
}

/** @param empty there is no entry, and so nothing to say below the list */
export function panes(size: Size, empty: boolean): Panes {
  const { rows } = size;
  if (empty && rows >= 6) return { air: 0, list: rows - 3, details: 0, status: 1, keys: 1 };
  if (rows < 6) return { air: 0, list: Math.max(0, rows - 1), details: 0, status: 0, keys: 0 };
  if (rows < 14) return { air: 0, list: rows - 5, details: 2, status: 1, keys: 1 };
  if (rows < 20) return { air: 0, list: rows - 8, details: 5, status: 1, keys: 1 };
  const details = rows < 34 ? 8 : 11;
  return { air: 1, list: rows - 4 - details, details, status: 1, keys: 1 };
}

/** Where a message is shown: on a small screen it has the details' rows, too. */
function messagePanes(size: Size): Panes {
  const parts = panes(size, false);
  return size.rows < 20 ? { ...parts, list: parts.list + parts.details, details: 0 } : parts;
}

/** Rows of text on a page. */
export function pageHeight(size: Size): number {
  return Math.max(1, size.rows - 2);
}

export function renderFrame(scene: Scene, size: Size, look: Look, memory: ScreenMemory): Frame {
  const { controller, state, elsewhere = null } = scene;
  const page = controller.page;
  let frame: Frame;
  if (page?.kind === "edit") frame = editFrame(page, size, look, elsewhere);
  else if (page?.kind === "text") frame = pageFrame(scene, page, size, look);
  else frame = listFrame(scene, size, look, memory);
  let over: Row[] | null = null;
  if (state.progress !== null || controller.busy !== null) {
    over = progressBox(state.progress, controller.busy, size.columns, look);
  } else if (page?.kind === "confirm") {
    over = confirmBox(page, size.columns, look, elsewhere);
  } else if (page?.kind === "prompt") {
    over = promptBox(page, size.columns, look, elsewhere).rows;
  }
  if (over === null) return clip(frame, size, look);
  const rows = centre(frame.rows, over, size.columns, look);
  return clip({ rows, cursor: { ...frame.cursor, visible: false } }, size, look);
}

/** Whatever was laid out, no row or column goes beyond the screen. */
function clip(frame: Frame, size: Size, look: Look): Frame {
  const rows = frame.rows.slice(0, size.rows).map((row) => cutRow(row, size.columns, look));
  const { cursor } = frame;
  const row = Math.max(0, Math.min(cursor.row, size.rows - 1));
  const column = Math.max(0, Math.min(cursor.column, size.columns - 1));
  return { rows, cursor: { row, column, visible: cursor.visible } };
}

/** The keys that mean something now, the most used first. */
export function listKeys(
  item: Item | undefined,
  controller: Controller,
  state: MenuState,
  actions: readonly ActionRow[] = ACTIONS,
): KeyHint[] {
  const rows = actions.flatMap(({ keys, bar, guard }) => {
    if (bar === undefined || !controller.can(guard)) return [];
    const [place, word] = bar;
    return { place, key: keyLabel(keys[0]!), word: typeof word === "string" ? word : word(item, state) };
  });
  rows.sort((a, b) => a.place - b.place);
  return rows.flatMap(({ key, word }): KeyHint[] => (word === null ? [] : [[key, word]]));
}

const PAGE_KEYS: readonly KeyHint[] = [
  ["Esc", "back"],
  ["Up Down PgUp PgDn", "scroll"],
];

function listFrame(scene: Scene, size: Size, look: Look, memory: ScreenMemory): Frame {
  const { controller, state } = scene;
  const { columns } = size;
  const level = controller.position.level();
  const parts = state.message === null ? panes(size, level.items.length === 0) : messagePanes(size);
  const search = controller.page?.kind === "search" ? controller.page : null;
  const top = buildTree(state.entries);
  const items = search === null ? level.items : search.found(top);
  const selected = search === null ? controller.position.selection(level) : search.selection(top);
  const item = items[selected];
  const message =
    state.message === null
      ? []
      : messageBox(state.message, columns, Math.max(1, parts.list - (parts.details > 0 ? 3 : 2)), look, {
          isNote: state.message === state.note,
          more: state.failure !== null,
        });
  const height = Math.max(0, parts.list - message.length);
  const where = search === null ? level.path.map((title) => look.text(title)).join(" > ") : "Search";

  const { title, message: motd } = state.settings;
  const rows: Row[] = [titleBar(where, columns, look, title)];
  if (parts.air > 0 && message.length === 0) {
    rows.push(
      motd === null ? [] : [span(` ${truncate(look.text(motd), columns - 2, look.glyphs.ellipsis)}`, "accent")],
    );
  }
  rows.push(...message);
  if (message.length > 0 && parts.air > 0) rows.push([]);
  let position = "";
  let cursorRow = rows.length;
  if (search === null && items.length === 0) {
    const text = nothingRows(state, scene.textColumns, look);
    const first = Math.max(0, Math.min(controller.nothingTop, text.length - height));
    for (let i = 0; i < height; i++) rows.push(text[first + i] ?? []);
    if (text.length > height) position = `${first + height} of ${text.length} lines`;
  } else {
    const key = search === null ? level.key : "/";
    const first = scrollTo(selected, items.length, height, memory.tops.get(key) ?? 0);
    memory.tops.set(key, first);
    const path = controller.position.defaultKeys();
    const defaultKey = search === null ? path[level.path.length] : path.at(-1);
    for (let i = first; i < first + height; i++) {
      const shown = items[i];
      if (i === selected) cursorRow = rows.length;
      rows.push(shown === undefined ? [] : listRow(shown, i === selected, shown.key === defaultKey, columns, look));
    }
    if (items.length > height) position = `${selected + 1} of ${items.length}`;
  }
  if (parts.details > 2) rows.push(rule(columns, look, position));
  if (parts.details > 0) {
    const room = parts.details > 2 ? parts.details - 1 : parts.details;
    const details = item === undefined ? [] : detailRows(item, state, columns, room, look);
    for (let i = 0; i < room; i++) rows.push(details[i] ?? []);
  }
  if (search !== null) {
    // The line takes the status's place, or on the smallest screens the list's last.
    if (parts.status === 0) rows.pop();
    const typed = look.unicode ? lineText(search.line) : look.text(lineText(search.line));
    const room = columns - 4;
    const query = typed.length > room ? typed.slice(typed.length - room) : typed;
    rows.push([span(" /", "strong"), span(query)]);
    const cursor = { row: rows.length - 1, column: 2 + textWidth(query), visible: true };
    const count: KeyHint = [String(items.length), "found"];
    if (parts.keys > 0) rows.push(keyBar([["Enter", "select"], ["Esc", "back"], ["Up Down", "move"], count], columns));
    return { rows, cursor };
  }
  if (parts.status > 0) rows.push(statusRow(scene, columns, look));
  if (parts.keys > 0) rows.push(keyBar(listKeys(item, controller, state), columns));
  return { rows, cursor: { row: cursorRow, column: 0, visible: false } };
}

/** What the countdown leads to where that is no boot, and the verb. */
const NEXT = {
  retry: ["Everything", " is tried again"],
  reboot: ["The machine", " reboots"],
  poweroff: ["The machine", " powers off"],
} as const;

/** `5 minutes`, `90 seconds`. */
const duration = (seconds: number): string =>
  seconds % 60 > 0 ? `${seconds} seconds` : seconds === 60 ? "a minute" : `${seconds / 60} minutes`;

/** One line about what goes on by itself. */
function statusRow(scene: Scene, columns: number, look: Look): Row {
  const { state } = scene;
  if (state.countdown !== null) {
    const entry = entryById(state.entries, state.defaultId);
    const named = entry === undefined ? "The default" : look.text(entry.title);
    const [title, does] = state.next === "boot" ? [named, " boots"] : NEXT[state.next];
    const left = state.countdown === 1 ? "1 second" : `${state.countdown} seconds`;
    const pause = state.settings.idle > 0 ? `stops it for ${duration(state.settings.idle)}` : "stops it";
    const long = `${does} in ${left}. Any key ${pause}.`;
    const tail = columns >= 60 ? long : ` in ${state.countdown} s; any key stops`;
    const room = columns - tail.length - 2;
    return [span(` ${truncate(title, room, look.glyphs.ellipsis)}${tail}`, "warning")];
  }
  if (scene.controller.isTooFast && columns >= 60) {
    return [span(" That key came too close behind another one to be a person's: press it again.", "warning")];
  }
  const count = state.diagnostics.length;
  const problems = `${count} ${count === 1 ? "problem" : "problems"}`;
  const right = count === 0 ? "" : columns < 60 ? `${problems} (i) ` : `${problems} in the configurations (i) `;
  if (state.resumes && columns >= 60) {
    const entry = entryById(state.entries, state.defaultId);
    const named = entry === undefined ? "The default" : look.text(entry.title);
    const [title, does] = state.next === "boot" ? [named, " boots"] : NEXT[state.next];
    const tail = `${does} by itself after ${duration(state.settings.idle)} without a key.`;
    return [span(` ${truncate(title, columns - tail.length - 2, look.glyphs.ellipsis)}${tail}`, "accent")];
  }
  const left = state.scanning && state.entries.length > 0 ? ` Looking for disks${look.glyphs.ellipsis}` : "";
  return edges([span(left, "accent")], right === "" ? [] : [span(right, "warning")], columns, look);
}

function pageFrame(scene: Scene, page: Extract<Page, { kind: "text" }>, size: Size, look: Look): Frame {
  const { columns } = size;
  const height = pageHeight(size);
  const text = pageRows(page.name, scene.state, scene.log(), scene.textColumns, look);
  const first = Math.max(0, Math.min(page.top, text.length - height));
  const rows: Row[] = [titleBar(PAGE_TITLES[page.name], columns, look)];
  for (let i = 0; i < height; i++) rows.push(text[first + i] ?? []);
  const shown = text.length <= height ? "" : `${Math.min(text.length, first + height)} of ${text.length} `;
  if (size.rows > 1) rows.push(edges(keyBar(PAGE_KEYS, columns - shown.length - 1), [span(shown)], columns, look));
  return { rows, cursor: { row: 1, column: 0, visible: false } };
}
