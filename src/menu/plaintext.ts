/** What the menu of plain lines says (plain.ts). Every line stands for itself. Pure. */

import { type BootEntry, sourceDevice } from "../entry.ts";
import { ACTIONS, type ActionRow } from "./actions.ts";
import type { Failure, MenuState } from "./model.ts";
import { describeDevice } from "./pages.ts";
import { distinction } from "./tree.ts";

export function helpLines(actions: readonly ActionRow[] = ACTIONS): string[] {
  return [
    "A number and Enter boots that entry. Or a letter:",
    "  ENTER   the list",
    ...actions.flatMap(({ plain, plainHelp, help }) =>
      plain === undefined ? [] : [`  ${plain.padEnd(7)} ${plainHelp ?? help}`],
    ),
    "Any key stops the countdown. Escape empties the line, and ends what is being loaded.",
  ];
}

/** The list, or those of it that are wanted, each with its number in the whole list. */
export function listLines(state: MenuState, wanted: readonly BootEntry[] = state.entries): string[] {
  const { entries, scanning, countdown } = state;
  const lines = scanning ? ["Still looking for disks."] : [];
  if (entries.length === 0) lines.push(scanning ? "Nothing to boot yet." : "Nothing to boot was found. i says why.");
  else if (wanted.length === 0) lines.push("No entry has that in it.");
  const isMixed = entries.some(({ source }) => sourceDevice(source) !== sourceDevice(entries[0]!.source));
  const numbers = new Map<BootEntry, number>();
  const seen = new Map<string, number>();
  entries.forEach((entry, index) => {
    numbers.set(entry, index + 1);
    seen.set(nameOf(entry), (seen.get(nameOf(entry)) ?? 0) + 1);
  });
  for (const entry of wanted) {
    const number = String(numbers.get(entry)).padStart(3);
    const title = [...entry.submenu, entry.title].join(" > ");
    const which = seen.get(nameOf(entry))! > 1 ? `, ${distinction(entry)}` : "";
    const where = isMixed ? `, on ${sourceDevice(entry.source)}` : "";
    const mark = entry.id === state.defaultId ? " (default)" : "";
    const why = entry.bootable ? "" : `, can't boot: ${entry.reason ?? "the reason is not known"}`;
    lines.push(`${number} ${title}${which}${where}${mark}${why}`);
  }
  if (countdown !== null) lines.push(countdownLine(state));
  return lines;
}

const nameOf = ({ source, submenu, title }: BootEntry): string => [sourceDevice(source), ...submenu, title].join("\0");

export function countdownLine({ countdown, next, entries, defaultId, settings }: MenuState): string {
  const title = entries.find(({ id }) => id === defaultId)?.title ?? "the default";
  const what = {
    boot: `${title} boots`,
    retry: "everything is tried again",
    reboot: "the machine reboots",
    poweroff: "the machine powers off",
  }[next];
  const pause = settings.idle > 0 ? `, and it goes on after ${settings.idle} seconds without one` : "";
  return `In ${countdown} ${countdown === 1 ? "second" : "seconds"} ${what}. Any key stops it${pause}.`;
}

export function deviceLines({ devices, diagnostics, machine, why }: MenuState): string[] {
  return [
    ...machine,
    ...(why === "" ? [] : [`The default: ${why}.`]),
    ...devices.map((device) => {
      const found = device.sources.length > 0 ? device.sources.join(", ") : (device.reason ?? "nothing found");
      const note = device.note == null ? "" : ` (${device.note})`;
      return `${[device.name, describeDevice(device), found].filter((part) => part !== "").join(": ")}${note}`;
    }),
    ...diagnostics.map(({ source, line, message }) => `${source}${line === null ? "" : ` line ${line}`}: ${message}`),
  ];
}

export function failureLines(failure: Failure | null): string[] {
  if (failure === null) return ["No boot has failed."];
  return [failure.title, `from ${failure.source}`, failure.reason, ...failure.advice];
}
