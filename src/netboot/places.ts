/** Where network bootloaders look for their configurations, in their own order. Pure. */

import type { Platform } from "../formats/format.ts";
import { grubCpu } from "../formats/grub/start.ts";
import { pxelinuxNames } from "../formats/syslinux/pxelinux.ts";
import { bootif, hexAddress, type Lease } from "../net/lease.ts";

export type Loader = "pxelinux" | "grub" | "ipxe";

/**
 * As whom a tree is read, the likeliest first: as the boot file's own loader would, then as the others.
 * @param file the boot file's name
 */
export function loadersFor(file: string): readonly Loader[] {
  const name = file.slice(file.lastIndexOf("/") + 1).toLowerCase();
  if (/pxelinux|syslinux/.test(name)) return ["pxelinux", "grub", "ipxe"];
  if (/ipxe|gpxe|undionly|snponly|^snp|\.k?kpxe$/.test(name)) return ["ipxe", "pxelinux", "grub"];
  // Shim and what firmware calls a default loader start GRUB, as distributions install them.
  if (/grub|shim|^boot(net)?(x64|ia32|aa64|riscv64)|^core\.(0|efi)$/.test(name)) return ["grub", "ipxe", "pxelinux"];
  return ["pxelinux", "grub", "ipxe"];
}

/** U-Boot's name of an architecture that it reads such trees on (its CONFIG_SYS_ARCH), by `uname -m`. */
const UBOOT_ARCHITECTURES: Readonly<Record<string, string>> = { aarch64: "arm", armv7l: "arm", riscv64: "riscv" };

/**
 * PXELINUX: in `pxelinux.cfg/` below the folder where names start. U-Boot has a default for its architecture besides
 * (cmd/pxe.c, `pxe_default_paths`); those for its board only U-Boot knows.
 */
export function pxelinuxPlaces(folder: string, lease: Lease | null, { arch }: Pick<Platform, "arch">): string[] {
  const { uuid = null, mac = null, ip = null, hardwareType = 1 } = lease ?? {};
  const names = pxelinuxNames({ uuid, mac, ip, hardwareType });
  const uboot = UBOOT_ARCHITECTURES[arch];
  if (uboot !== undefined) names.splice(-1, 0, `default-${uboot}`);
  return names.map((name) => `${below(folder)}/pxelinux.cfg/${name}`);
}

/**
 * GRUB: beside its image, in the `grub` folder there, and where grub-mknetdir and distributions put them; in each as
 * grub_net_search_configfile (grub-core/net/net.c) names them, and by processor and firmware.
 */
export function grubPlaces(folder: string, lease: Lease | null, platform: Platform): string[] {
  const folders = [folder, `${below(folder)}/grub`, `${below(folder)}/boot/grub`, "/grub", "/boot/grub"];
  const own: string[] = [];
  if (lease?.uuid) own.push(`grub.cfg-${lease.uuid.toLowerCase()}`);
  const hardware = lease && bootif(lease);
  if (hardware) own.push(`grub.cfg-${hardware}`);
  const hex = hexAddress(lease?.ip ?? null);
  for (let length = hex?.length ?? 0; length > 0; length--) own.push(`grub.cfg-${hex!.slice(0, length)}`);
  const names = [...own, `${grubCpu(platform)}-${platform.firmware}/grub.cfg`, "grub.cfg"];
  return [...new Set(folders)].flatMap((each) => names.map((name) => `${below(each)}/${name}`));
}

/** iPXE 1.21 and later: a script beside the image that firmware started. */
export function ipxePlaces(folder: string): string[] {
  return ["autoexec.ipxe", "boot.ipxe", "menu.ipxe"].map((name) => `${below(folder)}/${name}`);
}

/** Without the slash at the end, so that `/` is empty. */
const below = (folder: string): string => folder.replace(/\/+$/, "");

/** A DHCP option's bytes: as it came, else those of what the lease says by itself (`--lease`); null where there is none. */
export function dhcpOption(lease: Lease, number: number): Uint8Array | null {
  const { hostname, domain, rootPath, server, file, conf, prefix, options } = lease;
  const texts: Readonly<Record<number, string | null>> = {
    ...{ 12: hostname, 15: domain, 17: rootPath, 66: server, 67: file, 209: conf, 210: prefix },
  };
  const text = texts[number] ?? null;
  return options.get(number) ?? (text === null ? null : new TextEncoder().encode(text));
}

/** Some servers count a NUL at the end in, some don't. */
const textOf = (bytes: Uint8Array | null): string | null =>
  bytes && new TextDecoder().decode(bytes).replace(/\0.*$/s, "");

/**
 * GRUB's variables after `net_bootp` (grub-core/net/bootp.c, docs "Network").
 * @param origin where its configuration came from: `tftp://10.0.2.2`
 */
export function grubVariables(lease: Lease | null, origin: string, platform: Platform): Record<string, string> {
  const card = platform.firmware === "efi" ? "efinet0" : "pxe";
  const host = origin.slice(origin.indexOf("//") + 2);
  // Firmware that boots by HTTP leaves GRUB its URL, and no next-server.
  const server = /^https?:/.test(origin) ? host : lease?.server || host;
  const values: Record<string, string | null | undefined> = {
    net_default_server: server,
    pxe_default_server: server,
    net_default_interface: lease === null ? null : card,
    net_default_ip: lease?.ip,
    net_default_mac: lease?.mac?.toLowerCase(),
    [`net_${card}_ip`]: lease?.ip,
    [`net_${card}_mac`]: lease?.mac?.toLowerCase(),
    [`net_${card}_hostname`]: lease?.hostname,
    [`net_${card}_domain`]: lease?.domain,
    [`net_${card}_boot_file`]: lease?.file,
    [`net_${card}_next_server`]: lease?.server,
    [`net_${card}_dhcp_server_name`]: lease?.server,
    [`net_${card}_rootpath`]: lease?.rootPath,
    [`net_${card}_extensionspath`]: lease && textOf(dhcpOption(lease, 18)),
    [`net_${card}_clientuuid`]: lease?.uuid,
  };
  return Object.fromEntries(Object.entries(values).flatMap(([name, value]) => (value ? [[name, value]] : [])));
}
