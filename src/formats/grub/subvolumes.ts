/**
 * openSUSE's GRUB on btrfs: with `$btrfs_relative_path` paths begin at the default subvolume (or at `$btrfs_subvol`),
 * and `btrfs-mount-subvol` puts others into that tree. Everybody else's GRUB sees a btrfs from its top, as Baton does.
 */

import type { Device } from "./devices.ts";
import type { Environment } from "./environment.ts";

/** Below which the configuration of a subvolume lies in it. */
const CONFIG_PLACE = /\/(?:boot\/)?grub2?\/[^/]*$/;

export class Subvolumes {
  /** Where the subvolume begins that holds a volume's configuration: `/@/.snapshots/1/snapshot`; "" for the top. */
  readonly #bases = new Map<string, string>();
  readonly #mounts: { readonly volume: string; readonly at: string; readonly path: string }[] = [];

  /** A volume's own configuration lies in what stands for its default subvolume here. */
  add(volume: string, configuration: string): void {
    const base = CONFIG_PLACE.test(configuration) ? configuration.replace(CONFIG_PLACE, "") : "";
    this.#bases.set(volume, base);
    // Snapper's snapshots are seen at /.snapshots by the system, and lie beside it.
    const snapper = /^(.*\/\.snapshots)\/[0-9]+\/snapshot$/.exec(base);
    if (snapper !== null) this.mount(volume, "/.snapshots", snapper[1]!);
  }

  /** `btrfs-mount-subvol DEVICE AT SUBVOLUME`. */
  mount(volume: string, at: string, subvolume: string): void {
    const path = subvolume.startsWith("/") ? subvolume : `/${subvolume}`;
    this.#mounts.unshift({ volume, at: at.replace(/\/+$/, ""), path: path.replace(/\/+$/, "") });
  }

  /** The path from the filesystem's top. */
  resolve(device: Device, path: string, env: Environment): string {
    if (device.kind !== "volume" || device.volume.type !== "btrfs") return path;
    if (!/^(?:1|y|yes|true|on)$/.test(env.get("btrfs_relative_path") ?? "")) return path;
    const { name } = device.volume;
    for (const mount of this.#mounts) {
      if (mount.volume === name && (path === mount.at || path.startsWith(`${mount.at}/`))) {
        return mount.path + path.slice(mount.at.length);
      }
    }
    const chosen = env.get("btrfs_subvol") ?? "";
    const base = chosen !== "" ? `/${chosen.replace(/^\/+|\/+$/g, "")}` : (this.#bases.get(name) ?? "");
    // $prefix and what is made of it are from the top already.
    return base === "" || path.startsWith(`${base}/`) ? path : base + path;
  }
}
