/** GRUB legacy's names for devices and files, with those that GRUB4DOS added. */

import type { FileRef } from "../../entry.ts";
import type { FormatContext } from "../format.ts";
import { type Device, Devices, whyClosed } from "../grub/devices.ts";
import { Environment } from "../grub/environment.ts";
import { fileExists } from "../lookup.ts";

/** What GRUB4DOS started from, and what it was started on (its guide, "Devices"). */
const OWN = /^(?:bd|ud)$/;

/** Each asks every volume. */
const MAX_SEARCHES = 200;

export class LegacyNames {
  readonly #context: FormatContext;
  /** What `(hd0)` means. */
  readonly #disk: Device;
  readonly #devices: Devices;
  readonly #env = Environment.empty();
  /** Disk images by the name that GRUB4DOS's `map` gave them. */
  readonly #images = new Map<string, Device>();
  /** By path, where files that were searched for lie. */
  readonly #found = new Map<string, Device>();

  constructor(context: FormatContext) {
    this.#context = context;
    this.#devices = new Devices(context);
    this.#disk = this.own;
  }

  get own(): Device {
    return { kind: "volume", volume: this.#context.volume };
  }

  /**
   * `(hd0,0)`: partitions count from 0 here and from 1 everywhere else.
   * @param root what `()` means
   * @returns null for what is no device
   */
  device(text: string, root: Device): Device | null {
    const name = /^\(([^)]*)\)/.exec(text)?.[1];
    if (name === undefined) return null;
    if (name === "") return root;
    if (OWN.test(name)) return this.own;
    const image = this.#images.get(name);
    if (image !== undefined) return image;
    const partition = /^hd([0-9]+),([0-9]{1,6})/.exec(name);
    if (partition !== null) return this.#devices.find(`hd${partition[1]},${Number(partition[2]) + 1}`, this.#env);
    // Xen's pv-grub shows a partition as a disk: the one that its menu lies on.
    return name === "hd0" ? this.#disk : this.#devices.find(name, this.#env);
  }

  /** The volume with this UUID. */
  withUuid(uuid: string): Device {
    const [volume] = this.#devices.withTag("UUID", uuid);
    return volume === undefined ? { kind: "unresolved", selector: `UUID=${uuid}` } : { kind: "volume", volume };
  }

  /** The first volume that has this file. */
  async withFile(path: string): Promise<Device> {
    const known = this.#found.get(path);
    if (known !== undefined) return known;
    let found: Device = { kind: "unresolved", selector: `FILE=${path}` };
    for (const volume of this.#found.size < MAX_SEARCHES ? this.#devices.inSearchOrder() : []) {
      if (!(await fileExists(volume.reader, path).catch(() => false))) continue;
      found = { kind: "volume", volume };
      break;
    }
    this.#found.set(path, found);
    return found;
  }

  /** A path as a command names it: on the device before it, else on `root`. */
  at(text: string, root: Device): { readonly device: Device; readonly path: string } {
    const end = text.startsWith("(") ? text.indexOf(")") : -1;
    const path = text.slice(end + 1);
    const device = end === -1 ? root : (this.device(text, root) ?? root);
    return { device, path: path.startsWith("/") ? path : `/${path}` };
  }

  /** Why a file can't be had that lies in a disk image; null where it can, or lies elsewhere. */
  whyClosed(text: string, root: Device): string | null {
    const { device } = this.at(text, root);
    if (device.kind !== "unresolved" || device.image === undefined) return null;
    return whyClosed(text, device.image);
  }

  /** The device whose first sector `(hd0,1)+1` is, with the path `/`; null for other sectors, and where it isn't known. */
  bootSector(text: string, root: Device): FileRef | null {
    const [, name, first] = /^(\([^)]*\))?(\d*)\+/.exec(text) ?? [];
    const device = name === undefined ? root : this.device(name, root);
    if (first === undefined || Number(first) !== 0 || device?.kind !== "volume") return null;
    if (device !== this.#disk) return { device: device.volume.name, path: "/" };
    return device.volume.disk === null ? null : { device: device.volume.disk, path: "/" };
  }

  file(text: string, root: Device): FileRef {
    const { device, path } = this.at(text, root);
    return this.#devices.fileRef(device, path);
  }

  /** GRUB4DOS's `map FILE (0xff)`: the image is that device. */
  async map(file: string, name: string, root: Device): Promise<void> {
    const { device, path } = this.at(file, root);
    if (device.kind !== "volume") return;
    const opened = (await this.#context.openImage?.(device.volume, path)) ?? null;
    const isOpen = opened !== null && typeof opened !== "string";
    const image = isOpen ? null : { file: { device: device.volume.name, path }, why: opened };
    this.#images.set(
      name,
      isOpen ? { kind: "volume", volume: opened } : { kind: "unresolved", selector: name, ...(image && { image }) },
    );
  }
}
