/** The variables that are there when GRUB begins to read its configuration (grub-core/normal/main.c, kern/main.c). */

import type { Platform } from "../format.ts";
import type { Interpreter } from "./interpreter.ts";

/** GRUB 2.12's; 2.06 has all but the last two. */
const FEATURES = [
  "feature_chainloader_bpb",
  "feature_ntldr",
  "feature_platform_search_hint",
  "feature_default_font_path",
  "feature_all_video_module",
  "feature_menuentry_id",
  "feature_menuentry_options",
  "feature_200_final",
  "feature_nativedisk_cmd",
  "feature_timeout_style",
  "feature_search_cryptodisk_only",
  "feature_tpm2_cap_pcrs",
];

/** `$grub_cpu`: on a PC's BIOS it is always i386. */
export function grubCpu({ firmware, arch }: Platform): string {
  if (firmware === "pc") return "i386";
  switch (arch) {
    case "aarch64":
      return "arm64";
    case "i386":
    case "i486":
    case "i586":
    case "i686":
      return "i386";
    case "armv7l":
      return "arm";
    default:
      return arch;
  }
}

/** Sets what GRUB itself sets, as if it had been started from the place of its configuration. */
export async function startEnvironment(run: Interpreter, path: string): Promise<void> {
  const { env, devices, context } = run;
  const { platform } = context;
  const root = devices.nameOf(devices.own);
  const directory = path.slice(0, path.lastIndexOf("/"));
  const set = (name: string, value: string) => {
    env.set(name, value);
    env.export(name);
  };
  env.nameDevice(root, devices.own.name);
  set("root", root);
  set("prefix", `(${root})${prefixOf(directory)}`);
  set("cmdpath", await commandPath(run, directory));
  set("grub_cpu", grubCpu(platform));
  set("grub_platform", platform.firmware);
  set("pager", "");
  set("color_normal", "light-gray/black");
  set("color_highlight", "black/light-gray");
  // openSUSE's two, and GRUB's own: what they say holds wherever they are set.
  for (const name of ["btrfs_subvol", "btrfs_subvolid", "check_signatures"]) env.export(name);
  // What `baton install` wrote is for GRUB itself: Baton doesn't offer to start Baton.
  set("baton", "y");
  for (const feature of FEATURES) set(feature, "y");
  set("config_file", `(${root})${path}`);
  set("config_directory", `(${root})${directory}`);
  for (const [name, value] of Object.entries(context.variables ?? {})) set(name, value);
  // What a loopback.cfg expects of the menu entry that leads to it.
  if (context.image !== undefined) set("iso_path", context.image.path);
}

/** `x86_64-efi` and the like below GRUB's own directory hold its modules. */
function prefixOf(directory: string): string {
  return directory.replace(/\/[a-z0-9_]+-(?:efi|pc|ieee1275|coreboot)$/, "");
}

/** Where the firmware found GRUB: on EFI the folder of its program, else the disk. */
async function commandPath(run: Interpreter, directory: string): Promise<string> {
  const { devices, context } = run;
  if (context.platform.firmware !== "efi") return `(${devices.nameOf(devices.own).replace(/,.*/, "")})`;
  const own = devices.nameOf(devices.own);
  if (/^\/efi\//i.test(directory)) return `(${own})${directory}`;
  for (const volume of devices.inSearchOrder()) {
    if (volume.type !== "vfat") continue;
    run.env.nameDevice(devices.nameOf(volume), volume.name);
    return `(${devices.nameOf(volume)})/EFI/BOOT`;
  }
  return `(${own})/EFI/BOOT`;
}
