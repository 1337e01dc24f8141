/**
 * boot.cfg: what VMware's mboot.c32 and mboot.efi start (VMware ESXi Installation and Setup, "About the boot.cfg File").
 * Listed with all its files; ESXi itself wants more of its loader than the multiboot specification has.
 */

import type { FileRef } from "../../entry.ts";
import type { Place } from "../format.ts";
import { keyValues } from "../lines.ts";
import { folderOf, resolvePath } from "../paths.ts";
import type { BootCommand } from "./commands.ts";
import type { Label } from "./config.ts";
import type { SyslinuxRun } from "./run.ts";
import { splitRaw } from "./words.ts";

export const ESXI_REASON = "it starts VMware ESXi, which only VMware's own loader can do";

/** A boot.cfg as written. */
interface BootCfg {
  readonly title: string | null;
  /** Stands before every file that doesn't begin with `/` or a scheme; "" where there is none. */
  readonly prefix: string;
  readonly kernel: string;
  readonly options: string;
  /** Files, each with its arguments. */
  readonly modules: readonly (readonly [file: string, args: string])[];
}

/** @returns null where the text names no kernel. */
function parseBootCfg(text: string): BootCfg | null {
  const values = new Map(keyValues(text, "=").map(({ key, value }) => [key.trim().toLowerCase(), value.trim()]));
  const kernel = values.get("kernel") ?? "";
  if (kernel === "") return null;
  const modules = (values.get("modules") ?? "").split(/(?:^|\s)---(?=\s|$)/).map(splitRaw);
  return {
    title: values.get("title") || null,
    prefix: values.get("prefix") ?? "",
    kernel,
    options: values.get("kernelopt") ?? "",
    modules: modules.filter(([file]) => file !== ""),
  };
}

/** Fills in what `mboot.c32 -c FILE OPTIONS` starts. @param cwd the folder in which relative names start. */
export async function withBootCfg(
  command: BootCommand,
  name: string,
  run: SyslinuxRun,
  cwd: Place,
  label: Label,
): Promise<BootCommand> {
  const from = { source: label.source, line: label.line, column: null };
  const place = await run.place(name, cwd, from);
  const file = place && (await run.read(place, from));
  const cfg = file === null ? null : parseBootCfg(file.text);
  if (place === null || cfg === null) {
    const what = file === null ? "can't be read" : "names no kernel";
    return { ...command, reason: `it starts VMware ESXi as ${name} says, which ${what}` };
  }
  const inFolder = ({ volume, path }: Place, written: string): FileRef => {
    if (/^[a-z][a-z0-9+.-]*:\/\//i.test(written)) return { url: written };
    const prefixed = written.startsWith("/") || cfg.prefix === "" ? written : `${cfg.prefix}/${written}`;
    if (/^[a-z][a-z0-9+.-]*:\/\//i.test(prefixed)) return { url: prefixed };
    return { device: volume.name, path: resolvePath(path, prefixed) };
  };
  // Without a prefix files lie beside boot.cfg, or where the loader was started from.
  const beside = { ...place, path: folderOf(place.path) };
  const isBeside = cfg.prefix === "" && (await run.isThere(inFolder(beside, cfg.kernel)));
  const folder = isBeside ? beside : cwd;
  const options = [cfg.options, command.options].filter((part) => part !== "").join(" ");
  const kernel = { file: inFolder(folder, cfg.kernel), args: options };
  const modules = cfg.modules.map(([written, args]) => ({ file: inFolder(folder, written), args }));
  return { ...command, kind: "multiboot", modules: [kernel, ...modules], options, reason: ESXI_REASON };
}
