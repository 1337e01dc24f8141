/**
 * What a Raspberry Pi's own firmware starts from the first partition of a medium: config.txt and cmdline.txt ("config.txt",
 * Boot Options, in the Raspberry Pi documentation). There is one entry.
 */

import { type FileRef, type ParsedEntry, parsedEntry } from "../../entry.ts";
import { clip, EntryList } from "../entrylist.ts";
import type { Format, FormatContext, FormatResult, FormatVolume } from "../format.ts";
import { fileExists, Lookup } from "../lookup.ts";
import { osNames } from "../osrelease.ts";
import { resolvePath } from "../paths.ts";
import { type ConfigTxt, modelsOf, readConfigTxt } from "./configtxt.ts";

const CONFIG = "/config.txt";
/** One of these lies beside it. */
const FIRMWARE =
  /^(bootcode\.bin|start[0-9a-z]*\.elf|fixup[0-9a-z]*\.dat|bcm2[0-9]{3}-rpi-.*\.dtb|kernel[0-9a-z_]*\.img)$/i;
const MAX_SIZE = 1 << 20;
/** Longer than any kernel takes. */
const MAX_CMDLINE = 64 << 10;
/** What people have the firmware start in a kernel's place, and whose configuration is found by itself. */
const LOADERS: readonly (readonly [RegExp, string])[] = [
  [/u-?boot/i, "U-Boot"],
  [/rpi_efi|uefi/i, "UEFI firmware"],
  [/grub/i, "GRUB"],
];
/** Initrds that `auto_initramfs` means, by their kernel. */
const AUTO_INITRAMFS: Readonly<Record<string, string>> = {
  "kernel.img": "initramfs",
  "kernel7.img": "initramfs7",
  "kernel7l.img": "initramfs7l",
  "kernel8.img": "initramfs8",
  "kernel_2712.img": "initramfs_2712",
};

export const raspberryPi: Format = {
  name: "raspberrypi",
  async find({ reader }) {
    const lookup = new Lookup(reader);
    const path = await lookup.find(CONFIG);
    if (path === null) return [];
    return (await lookup.list("/")).some(({ name }) => FIRMWARE.test(name)) ? [path] : [];
  },
  parse: readPi,
};

async function readPi(path: string, context: FormatContext): Promise<FormatResult> {
  const list = new EntryList(path, context);
  const text = await list.read(path, MAX_SIZE);
  if (text === null) return list.result();
  const { volume, platform } = context;
  const models = modelsOf(platform.compatible?.() ?? []);
  const include = (name: string): Promise<string | null> => list.read(resolvePath("/", name), MAX_SIZE);
  const board = { models, partition: volume.partition };
  const config = await readConfigTxt(text, board, include, (line, message) => list.say("warning", line, message));
  const entry = await piEntry(config, models, list);
  list.add(entry);
  const isDefault = entry.reason === null && !(await isPassedOver(context));
  return list.result({ defaultIndex: isDefault ? 0 : null });
}

/** Whether the firmware starts from another partition of the medium (autoboot.txt). */
async function isPassedOver({ volume, volumes }: FormatContext): Promise<boolean> {
  if (volume.disk === null || volume.partition === null) return false;
  const near = volumes.filter(({ disk, type }) => disk === volume.disk && (type === "vfat" || type === null));
  const [first] = [...near].sort((a, b) => (a.partition ?? 0) - (b.partition ?? 0));
  // Where that partition can't be read, nothing says that this one counts.
  const isThere = first === undefined ? false : await fileExists(first.reader, "/autoboot.txt").catch(() => null);
  if (first === undefined || !isThere) return isThere === null;
  const text = Buffer.from(await first.reader.readAt("/autoboot.txt", 0, 512)).toString("latin1");
  const none = async (): Promise<null> => null;
  const { values } = await readConfigTxt(text, { models: [], partition: null }, none, () => {});
  const wanted = Number(values.get("boot_partition") ?? 0);
  return wanted > 0 && wanted !== volume.partition;
}

/** Why it is not for this machine; null where it may be. */
function otherMachine({ platform }: FormatContext, models: readonly string[]): string | null {
  const compatible = platform.compatible?.() ?? [];
  if (!/^(aarch64|arm)/.test(platform.arch)) return `it is for a Raspberry Pi, and this machine is ${platform.arch}`;
  if (models.length > 0 || compatible.length === 0) return null;
  return `it is for a Raspberry Pi, and this machine is ${clip(compatible[0]!)}`;
}

async function piEntry(config: ConfigTxt, models: readonly string[], list: EntryList): Promise<ParsedEntry> {
  const { volume } = list.context;
  const { values, overlays } = config;
  const kernel = kernelName(values, models, list.context);
  const prefix = await prefixOf(values, kernel, volume);
  const at = (name: string): FileRef => ({ device: volume.name, path: osPath(prefix, name) });
  const cmdline = await readCmdline(osPath(prefix, values.get("cmdline") ?? "cmdline.txt"), list);
  const tree = values.get("device_tree");
  const hasTree = tree !== undefined && tree !== "";
  if (!hasTree && overlays.length > 0) {
    list.say(
      "warning",
      null,
      "the devicetree that this machine runs with is handed on, without the overlays that config.txt names",
    );
  }
  const loader = LOADERS.find(([name]) => name.test(kernel) || name.test(values.get("armstub") ?? ""))?.[1];
  const started = loader === undefined ? null : `it starts ${loader}, whose own configuration is listed by itself`;
  const isBaton = /(^|\s)baton\./.test(cmdline);
  return parsedEntry({
    title: (await systemName(list.context)) ?? "Raspberry Pi",
    type: "raspberrypi",
    source: list.source,
    ...(started === null ? { linux: at(kernel) } : { kind: "local" }),
    initrd: started === null ? (await initramfsOf(values, kernel, prefix, volume)).map(at) : [],
    devicetree: hasTree ? at(tree) : null,
    ...(hasTree && { devicetreeOverlays: await overlayFiles(config, prefix, list) }),
    options: cmdline,
    reason: otherMachine(list.context, models) ?? started ?? (isBaton ? "it starts Baton itself" : null),
  });
}

function kernelName(values: ConfigTxt["values"], models: readonly string[], { platform }: FormatContext): string {
  const given = values.get("kernel");
  if (given !== undefined && given !== "") return given;
  const is = (...names: string[]): boolean => names.some((name) => models.includes(name));
  const isNew = is("pi4", "pi5") || (models.length === 0 && platform.arch !== "arm");
  const is64 = values.has("arm_64bit") ? values.get("arm_64bit") !== "0" : isNew;
  if (is64) return "kernel8.img";
  if (is("pi4")) return "kernel7l.img";
  return is("pi2", "pi3", "pi02") || models.length === 0 ? "kernel7.img" : "kernel.img";
}

/** `os_prefix` is ignored where there is no kernel by it. */
async function prefixOf(values: ConfigTxt["values"], kernel: string, { reader }: FormatVolume): Promise<string> {
  const prefix = values.get("os_prefix") ?? (values.get("upstream_kernel") === "1" ? "upstream/" : "");
  return prefix !== "" && (await fileExists(reader, osPath(prefix, kernel))) ? prefix : "";
}

/** A name with a slash at its beginning is one without the prefix. */
const osPath = (prefix: string, name: string): string => resolvePath("/", name.startsWith("/") ? name : prefix + name);

async function readCmdline(path: string, list: EntryList): Promise<string> {
  if (!(await fileExists(list.context.volume.reader, path))) return "";
  // All of it has to stand on one line.
  return ((await list.read(path, MAX_CMDLINE)) ?? "").split(/\r?\n/)[0]!.trim();
}

async function initramfsOf(
  values: ConfigTxt["values"],
  kernel: string,
  prefix: string,
  { reader }: FormatVolume,
): Promise<readonly string[]> {
  // The address behind the names is the firmware's business.
  const given = values.get("initramfs")?.split(/\s+/)[0] ?? values.get("ramfsfile") ?? "";
  const names = given.split(",").filter((name) => name !== "");
  if (names.length > 0 || values.get("auto_initramfs") !== "1") return names;
  const auto = AUTO_INITRAMFS[kernel] ?? "initramfs";
  return (await fileExists(reader, osPath(prefix, auto))) ? [auto] : [];
}

async function overlayFiles({ values, overlays }: ConfigTxt, prefix: string, list: EntryList): Promise<FileRef[]> {
  const { volume } = list.context;
  const folder = values.get("overlay_prefix") ?? "overlays/";
  // Without this file they are shared by all prefixes.
  const own = prefix !== "" && (await fileExists(volume.reader, osPath(prefix, `${folder}README`))) ? prefix : "";
  return overlays.map(({ name, parameters }) => {
    if (parameters !== "") {
      list.say("warning", null, `the parameters of the overlay ${clip(name)} are ignored: ${clip(parameters)}`);
    }
    return { device: volume.name, path: osPath(own, `${folder}${name}.dtbo`) };
  });
}

/** Of the system on the medium's other partition. */
async function systemName({ volume, volumes }: FormatContext): Promise<string | null> {
  const near = volume.disk === null ? [] : volumes.filter(({ disk }) => disk === volume.disk);
  for (const { reader } of near) {
    const bytes = await reader.readAt("/etc/os-release", 0, MAX_CMDLINE).catch(() => null);
    if (bytes !== null) return osNames(Buffer.from(bytes).toString("utf8"))?.name ?? null;
  }
  return null;
}
