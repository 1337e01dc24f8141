/** iPXE scripts on a volume: what a stick or a TFTP tree has beside iPXE itself. */

import { type FileRef, formatFileRef } from "../../entry.ts";
import { BatonError } from "../../errors.ts";
import type { BudgetContext } from "../budget.ts";
import type { Format, FormatContext, FormatResult, FormatVolume } from "../format.ts";
import { fileExists, Lookup } from "../lookup.ts";
import { baseName, folderOf, resolvePath } from "../paths.ts";
import { configLimit, readConfig } from "../readbeginning.ts";
import { decodeText } from "../text.ts";
import { IPXE_COMMANDS } from "./commands/commands.ts";
import type { IpxeHost } from "./host.ts";
import { machineSettings } from "./machinesettings.ts";
import { lastPart } from "./names.ts";
import { type Door, IpxeRun } from "./run.ts";
import { isScript } from "./script.ts";

/** Scripts are short. */
const MAX_SCRIPT_SIZE = 1024 * 1024;

/** `autoexec.ipxe` is what iPXE itself looks for beside the file that it was started from. */
const PLACES = ["/", "/EFI/BOOT", "/boot", "/boot/ipxe", "/ipxe"].flatMap((folder) =>
  ["autoexec.ipxe", "boot.ipxe", "menu.ipxe", "ipxe.cfg"].map((name) => `${folder === "/" ? "" : folder}/${name}`),
);

export const ipxe: Format = {
  name: "ipxe",
  // A script that begins a line too late is told as one.
  signs: { beginning: /^\ufeff?\s*#!(ipxe|gpxe)\s/ },

  async find(volume: FormatVolume): Promise<readonly string[]> {
    const lookup = new Lookup(volume.reader);
    for (const place of PLACES) {
      const found = await lookup.find(place);
      if (found !== null) return [found];
    }
    return [];
  },

  async parse(path: string, context: FormatContext): Promise<FormatResult> {
    const { volume } = context;
    const base = { device: volume.name, path };
    const { bytes, fault } = await readConfig(context, path, MAX_SCRIPT_SIZE);
    const { memory, share } = context;
    const options = { title: baseName(path), budget: { memory, share } };
    const listed = await listIpxe(decodeText(bytes).text, base, volumeHost(context), options);
    if (fault === null) return listed;
    const source = formatFileRef(base);
    const diagnostic = { severity: "error", source, line: null, column: null, message: fault } as const;
    return { ...listed, diagnostics: [diagnostic, ...listed.diagnostics] };
  },
};

/**
 * Runs a script and lists what it offers.
 * @param base the script's own file.
 * @param options title: of its entry where it has no menu; budget: what its entries may take.
 */
export async function listIpxe(
  text: string,
  base: FileRef,
  host: IpxeHost,
  { title = lastPart(formatFileRef(base)), budget }: { title?: string; budget?: BudgetContext } = {},
): Promise<FormatResult> {
  const source = formatFileRef(base);
  const run = new IpxeRun(IPXE_COMMANDS, host, title, budget);
  if (!isScript(text)) {
    const message = "it is no iPXE script: its first line is not #!ipxe";
    run.diagnostics.push({ severity: "error", source, line: 1, column: 1, message });
    return { ...EMPTY, diagnostics: run.diagnostics };
  }
  const listed = await run.run(text, source, base);
  const isMenu = listed.timeout !== null;
  return {
    ...listed,
    diagnostics: [...run.diagnostics],
    fallback: [],
    // A script without a question boots at once.
    timeout: listed.timeout ?? (listed.entries.length > 0 ? 0 : null),
    timeoutStyle: isMenu ? "menu" : null,
    ...(run.doors.size > 0 ? { doors: doorsOf(run) } : {}),
  };
}

/** Each gives what is new: its entries, the diagnostics on the way, and further doors. */
function doorsOf(run: IpxeRun): NonNullable<FormatResult["doors"]> {
  const open = async (door: Door, answers?: ReadonlyMap<string, string>): Promise<FormatResult> => {
    const said = run.diagnostics.length;
    const { entries } = await door(answers);
    return { ...EMPTY, entries, diagnostics: run.diagnostics.slice(said), doors: doorsOf(run) };
  };
  return new Map([...run.doors].map(([name, door]) => [name, (answers) => open(door, answers)]));
}

const EMPTY: FormatResult = {
  ...{ entries: [], diagnostics: [], defaultIndex: null, defaultIsExplicit: false },
  ...{ fallback: [], timeout: null, timeoutStyle: null },
};

/** A host without a network: names are files of the volume, and what the machine is, is known. */
function volumeHost({ volume, platform, memory, share }: FormatContext): IpxeHost {
  return {
    resolve: (uri, from) => resolveUri(uri, from),
    exists: async (ref) => !("device" in ref) || fileExists(volume.reader, ref.path),
    async read(ref) {
      if (!("device" in ref)) return null;
      try {
        const bytes = await volume.reader.read(ref.path, configLimit(volume, MAX_SCRIPT_SIZE));
        return (share?.read(bytes.length) ?? null) === null ? { text: decodeText(bytes).text, base: ref } : null;
      } catch (error) {
        if (error instanceof BatonError && error.code === "timeout") throw error;
        return null;
      }
    },
    setting: machineSettings(platform, memory),
    cpuFlags: () => platform.cpu?.()?.flags ?? null,
  };
}

/** A URI seen from the file that names it: a URL, or a path on the same volume (`file:` means that too). */
export function resolveUri(uri: string, from: FileRef): FileRef | null {
  const text = uri.replace(/##params.*$/s, "");
  if (text === "") return null;
  if (/^file:/i.test(text))
    return "path" in from ? { ...from, path: resolvePath("/", text.replace(/^file:(\/\/[^/]*)?/i, "")) } : null;
  if (/^[a-z][a-z0-9+.-]*:/i.test(text)) return { url: text };
  if ("url" in from) {
    try {
      return { url: new URL(text.replaceAll("\\", "/"), from.url).href };
    } catch {
      return null;
    }
  }
  return { ...from, path: resolvePath(folderOf(from.path), text) };
}
