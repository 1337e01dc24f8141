/** What the list shows of a label. */

import { type EntryType, type ParsedEntry, parsedEntry } from "../../entry.ts";
import type { BootCommand } from "./commands.ts";
import type { Label } from "./config.ts";

/** Of an item that nobody can choose: a heading, mostly. */
export const SWITCHED_OFF = "the configuration has switched it off (MENU DISABLE)";

/**
 * @param command what it boots; null for one that leads nowhere.
 * @param restricted by which passwords, as {@link ParsedEntry.restricted}.
 */
export function labelEntry(
  label: Label,
  command: BootCommand | null,
  submenu: readonly string[],
  type: EntryType,
  restricted: readonly string[] | null,
): ParsedEntry {
  const text = label.menuLabel ?? label.name;
  return parsedEntry({
    nativeId: label.name,
    title: plainTitle(text) || label.name,
    submenu,
    type,
    source: label.source,
    hotkey: /\^(.)/s.exec(label.menuLabel ?? "")?.[1]?.toLowerCase() ?? null,
    restricted,
    ...(command === null
      ? { kind: "other", reason: "it leads to nothing that is there" }
      : {
          kind: command.kind,
          linux: command.linux,
          initrd: command.initrd,
          devicetree: command.devicetree,
          ...(command.overlays.length > 0 && { devicetreeOverlays: command.overlays }),
          ...(command.fitConfiguration !== null && { fitConfiguration: command.fitConfiguration }),
          modules: command.modules,
          options: command.options,
          reason: command.reason,
          ...(command.program !== undefined && { program: command.program }),
        }),
  });
}

/** Without the marks of hotkeys, and without blanks at its ends (MENU INDENT, lining up). */
export const plainTitle = (text: string): string => text.replaceAll("^", "").trim();
