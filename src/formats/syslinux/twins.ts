/**
 * A medium that starts under BIOS and UEFI carries one menu twice, and either firmware reads one of the copies: what the
 * copy for this machine's firmware has is listed there alone.
 */

import { formatFileRef, type ParsedEntry } from "../../entry.ts";
import type { FormatResult, Platform } from "../format.ts";

const isEfi = (path: string): boolean => /^\/EFI\//i.test(path);

/** A volume's configurations, those that this machine's firmware would come to first. */
export function inFirmwaresOrder(paths: readonly string[], { firmware }: Platform): readonly string[] {
  const [efi, bios] = [paths.filter(isEfi), paths.filter((path) => !isEfi(path))];
  return firmware === "efi" ? [...efi, ...bios] : [...bios, ...efi];
}

/** What a person would take for the same; how names are written (BOOT_IMAGE=, initrd=) makes no difference. */
function sameness(entry: ParsedEntry): string {
  const { submenu, title, kind, linux, initrd, devicetree, modules, options, reason } = entry;
  const files = [linux, ...initrd, devicetree, ...modules.map(({ file }) => file)];
  const words = options.split(/\s+/).filter((word) => !/^(BOOT_IMAGE|initrd)=/.test(word));
  return JSON.stringify([submenu, title, kind, reason, files.map((file) => file && formatFileRef(file)), words]);
}

/** A configuration without the entries that others have. */
export function withoutRepeats(result: FormatResult, others: readonly FormatResult[]): FormatResult {
  const known = new Set(others.flatMap(({ entries }) => entries.map(sameness)));
  const kept = result.entries.flatMap((entry, index) => (known.has(sameness(entry)) ? [] : index));
  const moved = (index: number): number[] => (kept.includes(index) ? [kept.indexOf(index)] : []);
  return {
    ...result,
    entries: kept.map((index) => result.entries[index]!),
    // What it says of the same lines is said there, too.
    diagnostics: kept.length === 0 ? [] : result.diagnostics,
    defaultIndex: result.defaultIndex === null ? null : (moved(result.defaultIndex)[0] ?? null),
    fallback: result.fallback.flatMap(moved),
  };
}
