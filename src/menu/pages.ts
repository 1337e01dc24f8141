/** The screens of text: help, the log, the machine and its devices. Each is a list of rows that scrolls. Pure. */

import { formatDiagnostic } from "../entry.ts";
import type { LogLine } from "../log.ts";
import type { DeviceStatus } from "../status.ts";
import { formatSize } from "../text.ts";
import { ACTIONS, type ActionRow, keyLabel, type PageName } from "./actions.ts";
import { failureRows } from "./failure.ts";
import { type Row, span } from "./frame.ts";
import type { MenuState } from "./model.ts";
import { paragraph } from "./paragraph.ts";
import type { Look, Style } from "./style.ts";
import { fit, wrap } from "./width.ts";

export const PAGE_TITLES: Readonly<Record<PageName, string>> = {
  help: "Keys",
  log: "Log",
  devices: "This machine",
  failure: "What failed",
};

type HelpRow = readonly [keys: string, what: string];

const EDIT_HELP: readonly HelpRow[] = [
  ["Enter Ctrl-X F10", "boot with what stands there"],
  ["Esc", "leave everything as it was"],
  ["Tab", "to the next field: options, kernel, initrds"],
  ["PgUp PgDn", "earlier command lines, later ones (Alt-P and Alt-N too)"],
  ["Ctrl-A Ctrl-E", "to the beginning, to the end (Home and End too)"],
  ["Ctrl-Left -Right", "a word back, a word on (Alt-B and Alt-F too)"],
  ["Ctrl-K Ctrl-U", "delete to the end, to the beginning"],
  ["Ctrl-W Alt-D", "delete the word before the cursor, the one after it"],
  ["Ctrl-Y", "put back what was deleted last"],
  ["Alt-R", "the field as it was"],
];

/** @param own keys by action, from the configuration */
export function helpRows(
  columns: number,
  look: Look,
  own: MenuState["settings"]["keys"] = {},
  actions: readonly ActionRow[] = ACTIONS,
): Row[] {
  const more = Object.entries(own).map(([action, names]) => [look.text(names.join(" ")), look.text(action)] as const);
  const keys = columns < 60 ? 13 : 18;
  const table = (rows: readonly HelpRow[]): Row[] =>
    rows.flatMap(([name, what]) =>
      wrap(what, columns - keys - 3).map((line, index) => [
        span(`  ${fit(index === 0 ? name : "", keys, look.glyphs.ellipsis)}`, "strong"),
        span(line),
      ]),
    );
  const ours = actions
    .filter(({ help }) => help !== "")
    .map(({ keys: names, shown, help }) => [shown ?? names.map(keyLabel).join(" "), help] as const);
  return [
    [],
    ...table(ours),
    ...(more.length > 0 ? [[], [span(" From the configuration", "label")], [], ...table(more)] : []),
    [],
    [span(" While editing an entry", "label")],
    [],
    ...table(EDIT_HELP),
    [],
    ...paragraph(
      "An entry marked * is the default. A dimmed entry cannot be booted now; select it to read why. " +
        "All consoles show the same menu: what is done on one is seen on all.",
      1,
      columns,
      look,
    ),
  ];
}

function logRows(lines: readonly LogLine[], columns: number, look: Look): Row[] {
  if (lines.length === 0) return [[], [span(" Nothing has been logged.")]];
  return lines.flatMap((line) => {
    const time = (line.at / 1000).toFixed(3).padStart(9);
    const style: Style = line.level <= 3 ? "error" : line.level === 4 ? "warning" : line.level >= 7 ? "soft" : "normal";
    return wrap(look.text(line.text), columns - 13).map((text, index) => [
      span(index === 0 ? `${time}  ` : " ".repeat(11), "label"),
      span(text, style),
    ]);
  });
}

/** `ext4, "root", 20.0 GiB, virtio, QEMU HARDDISK`. */
export function describeDevice(device: DeviceStatus): string {
  return [
    device.type,
    device.label === null || device.label === "" ? null : `"${device.label}"`,
    device.size === null ? null : formatSize(device.size),
    device.transport,
    device.model,
  ]
    .filter((part): part is string => part !== null && part.trim() !== "")
    .join(", ");
}

/** Columns for the longest name. */
function nameWidth(devices: readonly DeviceStatus[]): number {
  return Math.min(14, Math.max(4, ...devices.map((device) => device.name.length)));
}

/** One device: what it is, what was found on it, or why nothing. */
function deviceRows(device: DeviceStatus, names: number, columns: number, look: Look): Row[] {
  const name = look.text(device.name);
  const indent = names + 4;
  const head = wrap(look.text(describeDevice(device)), columns - indent - 1).map((line, index): Row => {
    const label = index > 0 ? "" : name;
    return [span(`  ${fit(label, names, look.glyphs.ellipsis)}  `, "strong"), span(line)];
  });
  return [
    ...head,
    ...(device.uuid === null ? [] : paragraph(`UUID ${device.uuid}`, indent, columns, look)),
    ...device.sources.flatMap((source) => paragraph(source, indent, columns, look, "accent")),
    ...subvolumeRows(device.subvolumes ?? [], indent, columns, look),
    ...(device.note == null ? [] : paragraph(device.note, indent, columns, look, "warning")),
    ...(device.reason === null ? [] : paragraph(device.reason, indent, columns, look, "warning")),
  ];
}

/** A system that makes a snapshot every hour must not hide the devices below it. */
const MAX_SUBVOLUMES = 24;

function subvolumeRows(subvolumes: readonly string[], indent: number, columns: number, look: Look): Row[] {
  if (subvolumes.length === 0) return [];
  const rest = subvolumes.length - MAX_SUBVOLUMES;
  const shown = [...subvolumes.slice(0, MAX_SUBVOLUMES), ...(rest > 0 ? [`and ${rest} more`] : [])];
  return ["Subvolumes:", ...shown].flatMap((text, index) =>
    paragraph(text, indent + (index > 0 ? 2 : 0), columns, look),
  );
}

function devicesRows(state: MenuState, columns: number, look: Look): Row[] {
  const out: Row[] = [[]];
  for (const line of state.machine) out.push(...paragraph(line, 1, columns, look));
  if (state.why !== "") out.push([], ...paragraph(`The default: ${state.why}.`, 1, columns, look));
  if (out.length > 1) out.push([]);
  out.push([span(state.devices.length === 0 ? " No disks." : " Disks and partitions", "label")], []);
  const names = nameWidth(state.devices);
  for (const device of state.devices) out.push(...deviceRows(device, names, columns, look));
  if (state.diagnostics.length > 0) {
    out.push([], [span(" What is wrong in the configurations", "label")], []);
    for (const diagnostic of state.diagnostics) {
      const style = diagnostic.severity === "error" ? "error" : "warning";
      out.push(...paragraph(formatDiagnostic(diagnostic), 2, columns, look, style));
    }
  }
  return out;
}

export function pageRows(
  page: PageName,
  state: MenuState,
  log: readonly LogLine[],
  columns: number,
  look: Look,
): Row[] {
  if (page === "help") return helpRows(columns, look, state.settings.keys);
  if (page === "log") return logRows(log, columns, look);
  if (page === "failure") return failureRows(state.failure, log, columns, look);
  return devicesRows(state, columns, look);
}

const REMEDY = "A disk or stick that is plugged in now appears by itself; r looks again; n boots from a URL.";

/** What stands in place of the list where nothing can be booted: every device and why. */
export function nothingRows(state: MenuState, columns: number, look: Look): Row[] {
  const head = state.scanning
    ? `Looking for disks${look.glyphs.ellipsis}`
    : state.devices.length === 0
      ? `Nothing to boot: this machine shows no disks. ${REMEDY}`
      : `Nothing to boot was found on these disks. ${REMEDY}`;
  return [
    [],
    ...paragraph(head, 1, columns, look, state.scanning ? "normal" : "strong"),
    [],
    ...state.devices.flatMap((device) => deviceRows(device, nameWidth(state.devices), columns, look)),
  ];
}
