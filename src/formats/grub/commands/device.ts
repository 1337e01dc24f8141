/** Commands that ask what devices are, and those that make some. */

import { formatFileRef } from "../../../entry.ts";
import type { FormatVolume } from "../../format.ts";
import { BAD_ARGUMENT, BAD_DEVICE, FILE_NOT_FOUND, NOT_IMPLEMENTED, OK, UNKNOWN_DEVICE } from "../errors.ts";
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

/** The kind of selector that answers a question by itself. */
const ANSWERED_BY: Readonly<Record<string, string>> = { "fs-uuid": "UUID", label: "LABEL", "part-uuid": "PARTUUID" };

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
    // What it was looked for by is known of it, wherever it is.
    const [, kind, key] = /^([A-Z]+)=(.*)$/s.exec(device.selector) ?? [];
    const known = kind === ANSWERED_BY[question] ? key : undefined;
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
      // None is an empty one.
      return volume.label ?? "";
    case "part-uuid":
      return volume.partuuid ?? "none";
    default:
      return null;
  }
}

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
  if (options.values.has("delete")) {
    if (!run.devices.isImage(name, run.env)) return BAD_DEVICE;
    run.devices.detachImage(name, run.env);
    return OK;
  }
  if (path === undefined) return BAD_ARGUMENT;
  const file = run.files.name(path);
  const stat = await run.files.stat(file);
  if (file.device.kind === "volume" && stat?.type !== "file") {
    run.warn(call, `loopback ${name}: ${formatFileRef(file.ref)} is not there`);
    return FILE_NOT_FOUND;
  }
  const { openImage } = run.context;
  const { device } = file;
  const opened = openImage !== undefined && device.kind === "volume" ? await openImage(device.volume, file.path) : null;
  const isOpen = opened !== null && typeof opened !== "string";
  run.devices.attachImage(name, isOpen ? opened : { file: file.ref, why: opened }, run.env);
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

export const deviceCommands: readonly (readonly [string, CommandFunction])[] = [
  ["probe", probe],
  ["loopback", loopback],
  ["btrfs-mount-subvol", mountSubvolume],
];
