/** Commands that ask what the machine and its devices are. */

import { formatFileRef } from "../../../entry.ts";
import type { FormatVolume } from "../../format.ts";
import { BAD_ARGUMENT, FILE_NOT_FOUND, NOT_IMPLEMENTED, OK, TEST_FAILURE, UNKNOWN_DEVICE } from "../errors.ts";
import type { CommandFunction } from "../interpreter.ts";
import { optionValue, parseOptions } from "../options.ts";

const PROBE_OPTIONS = [
  { long: "set", short: "s", value: "required" },
  { long: "driver", short: "d" },
  { long: "partmap", short: "p" },
  { long: "fs", short: "f" },
  { long: "fs-uuid", short: "u" },
  { long: "label", short: "l" },
  { long: "part-uuid" },
] as const;

/** GRUB's names for filesystems, where they are not blkid's. */
const FILESYSTEMS: Readonly<Record<string, string>> = {
  ext3: "ext2",
  ext4: "ext2",
  vfat: "fat",
  squashfs: "squash4",
  "hfs+": "hfsplus",
};

const probe: CommandFunction = (run, argv, call) => {
  const options = parseOptions(PROBE_OPTIONS, argv);
  const name = typeof options === "string" ? undefined : options.args[0];
  if (typeof options === "string" || name === undefined) {
    run.warn(call, `probe: ${typeof options === "string" ? options : "it needs a device"}`);
    return BAD_ARGUMENT;
  }
  const variable = optionValue(options, "set");
  const device = run.files.device(/^\(.*\)$/s.test(name) ? name.slice(1, -1) : name);
  const question = PROBE_OPTIONS.find(({ long }) => long !== "set" && options.values.has(long))?.long;
  if (question === undefined) return BAD_ARGUMENT;
  if (device.kind === "net") {
    if (question !== "driver") return UNKNOWN_DEVICE;
    if (variable !== undefined) run.setVariable(variable, device.base.split(":")[0]!);
    return OK;
  }
  if (device.kind === "unresolved") {
    const uuid = /^UUID=(.*)$/s.exec(device.selector)?.[1];
    const label = /^LABEL=(.*)$/s.exec(device.selector)?.[1];
    const known = question === "fs-uuid" ? uuid : question === "label" ? label : undefined;
    if (known === undefined) return UNKNOWN_DEVICE;
    if (variable !== undefined) run.setVariable(variable, known);
    return OK;
  }
  const answer = probeVolume(device.volume, question, run.context.platform.firmware);
  if (answer === null) {
    run.warn(call, `probe --${question}: ${device.volume.name} has none, or it isn't known here`);
    return NOT_IMPLEMENTED;
  }
  if (variable !== undefined) run.setVariable(variable, answer);
  return OK;
};

function probeVolume(volume: FormatVolume, question: string, firmware: "efi" | "pc"): string | null {
  switch (question) {
    case "driver":
      return firmware === "efi" ? "efidisk" : "biosdisk";
    case "partmap":
      return volume.partition === null ? "none" : volume.scheme;
    case "fs":
      return volume.type === null ? null : (FILESYSTEMS[volume.type] ?? volume.type);
    case "fs-uuid":
      return volume.uuid;
    case "label":
      return volume.label;
    case "part-uuid":
      return volume.partuuid ?? "none";
    default:
      return null;
  }
}

/** `cpuid -l`: can it run 64-bit kernels? `-p`: has it PAE? */
const cpuid: CommandFunction = (run, argv) => {
  const options = parseOptions(
    [
      { long: "long-mode", short: "l" },
      { long: "pae", short: "p" },
    ],
    argv,
  );
  if (typeof options === "string") return BAD_ARGUMENT;
  const is64 = run.context.platform.arch === "x86_64";
  if (options.values.has("pae")) return is64 || run.context.platform.arch === "i686" ? OK : TEST_FAILURE;
  return is64 ? OK : TEST_FAILURE;
};

/** A machine's tables and firmware variables are not known to a configuration that is only read. */
const unknown: CommandFunction = () => TEST_FAILURE;

/** `hwmatch FILE CLASS` (Ubuntu): no device is on the list, as far as is known here. */
const hwmatch: CommandFunction = (run) => {
  run.setVariable("match", "0");
  return OK;
};

/** `loopback NAME FILE` and `loopback -d NAME`. */
const loopback: CommandFunction = async (run, argv, call) => {
  const options = parseOptions(
    [
      { long: "delete", short: "d" },
      { long: "decompress", short: "D" },
    ],
    argv,
  );
  if (typeof options === "string" || options.args[0] === undefined) return BAD_ARGUMENT;
  const [name, path] = options.args as [string, string | undefined];
  if (options.values.has("delete")) return OK;
  if (path === undefined) return BAD_ARGUMENT;
  const file = run.files.name(path);
  const stat = await run.files.stat(file);
  if (file.device.kind === "volume" && stat?.type !== "file") {
    run.warn(call, `loopback ${name}: ${formatFileRef(file.ref)} is not there`);
    return FILE_NOT_FOUND;
  }
  await run.attachImage(name, file);
  return OK;
};

/** `btrfs-mount-subvol (DEVICE) /AT SUBVOLUME` (openSUSE). */
const mountSubvolume: CommandFunction = (run, args) => {
  const [name, at, subvolume] = args;
  if (name === undefined || at === undefined || subvolume === undefined) return BAD_ARGUMENT;
  const device = run.files.device(/^\(.*\)$/s.test(name) ? name.slice(1, -1) : name);
  if (device.kind !== "volume") return UNKNOWN_DEVICE;
  run.subvolumes.mount(device.volume.name, at, subvolume);
  return OK;
};

export const machineCommands: readonly (readonly [string, CommandFunction])[] = [
  ["probe", probe],
  ["cpuid", cpuid],
  ["smbios", unknown],
  ["getenv", unknown],
  ["get_efivar", unknown],
  ["setenv", () => OK],
  ["hwmatch", hwmatch],
  ["loopback", loopback],
  ["btrfs-mount-subvol", mountSubvolume],
];
