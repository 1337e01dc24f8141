/**
 * What U-Boot starts from a disk by a script: `boot.scr` (README.distro), which mostly reads a text with settings
 * (`armbianEnv.txt`), `uEnv.txt` where its own boot command is in that, and the boot command of an environment that was
 * saved as a file (`uboot.env`).
 */

import { parsedEntry } from "../../entry.ts";
import { BatonError, describeError } from "../../errors.ts";
import { findDevicetree } from "../devicetrees.ts";
import { EntryList } from "../entrylist.ts";
import type { Format, FormatContext, FormatResult, FormatVolume } from "../format.ts";
import { fileExists, Lookup } from "../lookup.ts";
import { osNames } from "../osrelease.ts";
import { baseName, folderOf } from "../paths.ts";
import type { Reader } from "../reader.ts";
import { startedProgram } from "../startedprogram.ts";
import { COMMANDS } from "./commands.ts";
import { environmentNear, environmentOf, findEnvironments } from "./environment.ts";
import { scriptIn } from "./image.ts";
import { type BootMenu, ScriptEnd, ScriptRun, type Started } from "./run.ts";

const PREFIXES = ["/", "/boot/"];
const SCRIPTS = ["boot.scr.uimg", "boot.scr"];
/** Texts with settings, and in some a command. */
const TEXTS = ["uEnv.txt", "extEnv.txt"];
/** Real scripts have some ten kilobytes. */
const MAX_SIZE = 256 << 10;

export const uboot: Format = {
  name: "uboot",
  async find(volume) {
    const { reader } = volume;
    const lookup = new Lookup(reader);
    for (const name of [...SCRIPTS, ...TEXTS]) {
      for (const prefix of PREFIXES) {
        const path = await lookup.find(prefix + name);
        // U-Boot reads the first one only.
        if (path !== null && (!TEXTS.includes(name) || (await hasCommand(reader, path)))) return [path];
      }
    }
    const [saved] = await findEnvironments(volume);
    // Its command mostly leads to extlinux.conf, which is read by itself.
    if (saved === undefined || (await hasExtlinux("/boot", volume))) return [];
    return (await environmentOf(volume))?.variables.has("bootcmd") ? [saved] : [];
  },
  parse: readScript,
};

/** Other files of that name only have settings for a command that is built into U-Boot. */
async function hasCommand(reader: Reader, path: string): Promise<boolean> {
  return /^uenvcmd=/m.test(Buffer.from(await reader.readAt(path, 0, MAX_SIZE)).toString("latin1"));
}

async function readScript(path: string, context: FormatContext): Promise<FormatResult> {
  const list = new EntryList(path, context);
  const run = new ScriptRun(list, COMMANDS);
  const script = await scriptOf(path, list);
  if (script === null) return list.result();
  try {
    await setDefaults(run, path);
    await run.script(script.text);
  } catch (error) {
    if (!(error instanceof ScriptEnd)) throw error;
    if (error.message !== "") list.say("warning", null, `the script ends: ${error.message}`);
  }
  const isFirst = !(await hasExtlinux(folderOf(path), context.volume));
  if (run.menu !== null) return menuOf(run.menu, list, isFirst);
  if (run.started === null) {
    list.say("warning", null, "the script starts nothing that Baton could follow without the board");
    return list.result();
  }
  await addEntry(run.started, (await systemName(list)) ?? (script.name || baseName(list.source)), list);
  const [entry] = list.result().entries;
  return list.result({ defaultIndex: isFirst && entry?.reason === null ? 0 : null });
}

/** A menu's items in its order; what can't be followed is named. */
async function menuOf({ items, selected, delay }: BootMenu, list: EntryList, isFirst: boolean): Promise<FormatResult> {
  for (const { title, started } of items) {
    if (started !== null) await addEntry(started, title, list);
    else {
      const reason = "it starts nothing that Baton could follow without the board";
      list.add(parsedEntry({ title, type: "uboot", source: list.source, kind: "other", reason }));
    }
  }
  const entry = list.result().entries[selected];
  return list.result({
    ...(isFirst && entry?.reason === null && { defaultIndex: selected }),
    ...{ timeout: delay, timeoutStyle: delay === null ? null : "menu" },
  });
}

async function scriptOf(path: string, list: EntryList): Promise<{ name: string; text: string } | null> {
  const name = baseName(path).toLowerCase();
  if (TEXTS.some((text) => text.toLowerCase() === name)) return environmentScript(path);
  if (name.endsWith(".env")) return { name: "", text: "run bootcmd\n" };
  try {
    const script = scriptIn(await list.context.volume.reader.read(path, MAX_SIZE));
    if (typeof script !== "string") return script;
    list.say("error", null, `U-Boot doesn't run it: ${script}`);
  } catch (error) {
    if (!(error instanceof BatonError) || error.code !== "too-large") throw error;
    list.say("error", null, describeError(error));
  }
  return null;
}

/** U-Boot's command for such a file: it takes the settings, and runs the command in them. */
const environmentScript = (path: string): { name: string; text: string } => ({
  name: "",
  text: `load \${devtype} \${devnum}:\${distro_bootpart} \${scriptaddr} ${path}\nenv import -t \${scriptaddr} \${filesize}\nrun uenvcmd\n`,
});

/** What U-Boot has set before; the addresses differ on every board, and only have to differ from each other. */
async function setDefaults(run: ScriptRun, path: string): Promise<void> {
  const { volume, platform } = run.list.context;
  const prefix = folderOf(path) === "/" ? "/" : `${folderOf(path)}/`;
  const addresses = [
    ...["kernel_addr_r", "ramdisk_addr_r", "fdt_addr_r", "scriptaddr", "loadaddr", "pxefile_addr_r"],
    ...["kernel_comp_addr_r", "fdtoverlay_addr_r", "rdaddr", "fdtaddr", "kernel_addr", "initrd_addr", "load_addr"],
  ];
  const saved = await environmentNear(run.list.context);
  for (const [name, value] of saved) run.set(name, value);
  for (const [index, name] of addresses.entries()) {
    if (!saved.has(name)) run.set(name, (0x40000000 + index * 0x4000000).toString(16));
  }
  const partition = (volume.partition ?? 1).toString(16);
  const values: Readonly<Record<string, string>> = {
    ...{ devtype: "mmc", devnum: "0", mmcdev: "0", distro_bootpart: partition, bootpart: `0:${partition}`, prefix },
    arch: /^(aarch64|arm)/.test(platform.arch) ? "arm" : platform.arch,
    fdtfile: run.get("fdtfile") || ((await fdtFile(run, prefix)) ?? ""),
  };
  for (const [name, value] of Object.entries(values)) run.set(name, value);
}

/** The board's own devicetree, by its name below `dtb`: U-Boot has it built in. */
async function fdtFile({ list }: ScriptRun, prefix: string): Promise<string | null> {
  const { volume, platform } = list.context;
  const compatible = platform.compatible?.() ?? [];
  if (compatible.length === 0) return null;
  for (const folder of [`${prefix}dtb`, `${prefix}dtbs`]) {
    const found = await findDevicetree(volume.reader, folder, compatible);
    if (found !== null) return found.slice(folder.length + 1);
  }
  return null;
}

/** extlinux.conf comes first in each folder, `/` before `/boot`. */
async function hasExtlinux(folder: string, { reader }: FormatVolume): Promise<boolean> {
  const folders = folder === "/" ? [""] : ["", "/boot"];
  for (const one of folders) {
    if (await fileExists(reader, `${one}/extlinux/extlinux.conf`)) return true;
  }
  return false;
}

async function addEntry(started: Started, title: string, list: EntryList): Promise<void> {
  const { command, kernel, configuration, initrd, devicetree, overlays, options } = started;
  const { arch } = list.context.platform;
  const isX86 = /^(x86_64|i.86)$/.test(arch);
  const other = isX86 ? /^boot[iz]$/.test(command) : command === "zboot";
  const what =
    command === "bootefi"
      ? await startedProgram(kernel.file, options, list)
      : { linux: kernel.file, options, reason: null };
  if (devicetree === null && overlays.length === 0 && !isX86) {
    list.say("warning", null, "no devicetree for this machine was found: the one that it runs with is handed on");
  }
  list.add(
    parsedEntry({
      title,
      ...{ type: "uboot", source: list.source, initrd: initrd === null ? [] : [initrd], devicetree },
      ...(configuration !== null && { fitConfiguration: configuration }),
      ...(overlays.length > 0 && { devicetreeOverlays: overlays }),
      ...what,
      ...(other && { reason: `it is for a board with U-Boot, and this machine is ${arch}` }),
      ...(command === "go" && { linux: null, kind: "other", reason: "it starts a program that is no kernel" }),
    }),
  );
}

async function systemName({ context }: EntryList): Promise<string | null> {
  const { reader } = context.volume;
  if (!(await fileExists(reader, "/etc/os-release"))) return null;
  return osNames(Buffer.from(await reader.readAt("/etc/os-release", 0, MAX_SIZE)).toString("utf8"))?.name ?? null;
}
