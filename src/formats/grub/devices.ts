/**
 * GRUB's device names. Outside GRUB it is unknown which disk the firmware calls `hd0`, so a name with a disk number
 * stands for that partition of the disk that the configuration came from (docs/interfaces.md); a name that `search` or
 * `probe` gave out stands for the volume that it found.
 */

import { type FileRef, formatFileRef } from "../../entry.ts";
import { comparable, parseSelector, type Tag, tagOf } from "../../identity.ts";
import type { FormatContext, FormatVolume } from "../format.ts";
import type { Environment } from "./environment.ts";

/** What a device name stands for. */
export type Device =
  | { readonly kind: "volume"; readonly volume: FormatVolume }
  /** Nothing attached answers. `image`: it is a disk image that can't be looked into, and why. */
  | { readonly kind: "unresolved"; readonly selector: string; readonly image?: ClosedImage }
  /** A server. */
  | { readonly kind: "net"; readonly base: string };

interface ClosedImage {
  readonly file: FileRef;
  readonly why: string | null;
}

/** Why a file in such an image can't be had. */
export function whyClosed(name: string, { file, why }: ClosedImage): string {
  return `'${name}' is inside the disk image ${formatFileRef(file)}${why === null ? "" : `, which can't be opened: ${why}`}`;
}

/** A file as a command names it. */
interface GrubPath {
  /** The name between parentheses, null where `$root` is meant. */
  readonly device: string | null;
  /** What follows: normally with a `/` first. */
  readonly path: string;
}

/** Splits `(hd0,gpt2)/vmlinuz`. */
export function splitPath(text: string): GrubPath {
  if (!text.startsWith("(")) return { device: null, path: text };
  const end = text.indexOf(")");
  if (end === -1) return { device: null, path: text };
  return { device: text.slice(1, end), path: text.slice(end + 1) };
}

const DISK = /^(?:hd|ata|ahci|scsi|usb|ieee1275\/disk|ofdisk|ob|xhci|ehci|uhci|ohci)\d+(?:,(.*))?$/;
const PARTITION = /^(?:(?:gpt|msdos|apple|sun|sunpc|bsd|dfly|part)?(\d+))$/;

/** Names devices and finds what names mean. */
export class Devices {
  readonly own: FormatVolume;
  readonly #volumes: readonly FormatVolume[];
  readonly #byKernelName = new Map<string, FormatVolume>();
  readonly #names = new Map<FormatVolume, string>();
  /** By the key that stands for them in the environment. */
  readonly #images = new Map<string, Device>();
  readonly #openServer: ((origin: string) => FormatVolume) | undefined;
  readonly #byTag = new Map<Tag, Map<string, FormatVolume[]>>();

  constructor(context: FormatContext) {
    this.own = context.volume;
    this.#openServer = context.openServer;
    this.#volumes = [context.volume, ...context.volumes.filter((volume) => volume.name !== context.volume.name)];
    for (const volume of this.#volumes) this.#byKernelName.set(volume.name, volume);
    this.#giveNames(context);
  }

  /** Every volume, the configuration's own first, then those on its disk, then the others in their order. */
  inSearchOrder(): readonly FormatVolume[] {
    const near = this.#volumes.filter((volume) => this.isOnOwnDisk(volume));
    return [...near, ...this.#volumes.filter((volume) => !this.isOnOwnDisk(volume))];
  }

  /** True for the configuration's own volume and those on the same disk. */
  isOnOwnDisk(volume: FormatVolume): boolean {
    return volume === this.own || (this.own.disk !== null && volume.disk === this.own.disk);
  }

  /** As GRUB would call it: `hd0,gpt2`. The configuration's own disk is `hd0`. */
  nameOf(volume: FormatVolume): string {
    return this.#names.get(volume) ?? serverName(volume.name) ?? volume.name;
  }

  /** The kernel's name of the disk that GRUB calls so (`hd0`), and of the one that one of its partitions lies on. */
  diskOf(name: string): string | null {
    const disk = name.replace(/,.*$/s, "");
    const volume = this.#volumes.find((one) => this.nameOf(one).replace(/,.*$/s, "") === disk);
    return volume?.disk ?? null;
  }

  /** The whole disk that a name means: the configuration's own, as kernels call it; null for any other name. */
  wholeDisk(name: string): string | null {
    return name === "hd0" ? this.own.disk : null;
  }

  withTag(tag: Tag, value: string): readonly FormatVolume[] {
    let volumes = this.#byTag.get(tag);
    if (volumes === undefined) {
      volumes = groupBy(this.inSearchOrder(), (volume) => tagOf(volume, tag));
      this.#byTag.set(tag, volumes);
    }
    return volumes.get(comparable(tag, value)) ?? [];
  }

  /** A disk image becomes a device under the name that `loopback` gives it. */
  attachImage(name: string, image: ClosedImage | FormatVolume, env: Environment): void {
    const isOpen = "reader" in image;
    const key = `image ${isOpen ? image.name : formatFileRef(image.file)}`;
    this.#images.set(key, isOpen ? { kind: "volume", volume: image } : { kind: "unresolved", selector: name, image });
    env.nameDevice(name, key);
  }

  /** Whether `loopback` gave that name. */
  isImage(name: string, env: Environment): boolean {
    return this.#images.has(env.device(name) ?? "");
  }

  /** `loopback -d NAME`: the name means nothing any more. */
  detachImage(name: string, env: Environment): void {
    env.nameDevice(name, `image ${name}`);
  }

  /** What a device name means, given the names that were given out in `env`. */
  find(name: string, env: Environment): Device {
    const given = env.device(name);
    if (given !== undefined) {
      const known = this.#byKernelName.get(given);
      if (known !== undefined) return { kind: "volume", volume: known };
      const image = this.#images.get(given);
      if (image !== undefined) return image;
    }
    // A variable that nothing has set, most likely.
    if (name === "") return { kind: "unresolved", selector: "()" };
    if (name === this.nameOf(this.own)) return { kind: "volume", volume: this.own };
    // `(,gpt2)`, left over where a script cut a name up, is meant as the own disk's.
    const disk = DISK.exec(name.startsWith(",") ? `hd0${name}` : name);
    if (disk !== null) return this.#onOwnDisk(name, disk[1]);
    // What `search` left for a disk that isn't there.
    if (name.startsWith("FILE=")) return { kind: "unresolved", selector: name };
    const selector = parseSelector(name);
    if (selector !== null) {
      const [volume] = this.withTag(selector.tag, selector.value);
      return volume === undefined ? { kind: "unresolved", selector: name } : { kind: "volume", volume };
    }
    if (/^cd\d*$/.test(name)) {
      const disc = this.inSearchOrder().find(({ type }) => type === "iso9660" || type === "udf");
      return disc === undefined ? { kind: "unresolved", selector: name } : { kind: "volume", volume: disc };
    }
    const stacked = this.#stacked(name);
    if (stacked !== undefined) return { kind: "volume", volume: stacked };
    const server = /^(https?|tftp)(?:,([^,]+)(?:,(\d+))?)?$/.exec(name);
    if (server !== null || name === "pxe") {
      const host = server?.[2] ?? env.get("net_default_server") ?? env.get("pxe_default_server");
      const port = server?.[3] === undefined ? "" : `:${server[3]}`;
      if (host !== undefined) return this.#onServer(`${server?.[1] ?? "tftp"}://${host}${port}`);
    }
    return { kind: "unresolved", selector: name };
  }

  /** Logical volumes, arrays and opened containers: `lvm/vg0-boot`, `lvmid/…/…`, `md/0`, `md/boot`, `cryptouuid/…`. */
  #stacked(name: string): FormatVolume | undefined {
    if (!/^(?:lvm|lvmid|md|mduuid|cryptouuid|crypto)/.test(name)) return undefined;
    // UUIDs are written with and without dashes; LVM's are not hexadecimal.
    const bare = (text: string): string => {
      if (text.startsWith("lvmid/")) return text.replaceAll("-", "");
      return /uuid\//.test(text) ? text.replaceAll("-", "").toLowerCase() : text;
    };
    const wanted = bare(name);
    const known = this.#volumes.find(({ aliases }) => aliases?.some((alias) => bare(alias) === wanted));
    if (known !== undefined) return known;
    const kernelName = /^(?:lvm\/(.+)|(md)\/?(.+))$/.exec(name);
    return kernelName === null
      ? undefined
      : this.#byKernelName.get(kernelName[1] ?? `md${/^\d/.test(kernelName[3]!) ? "" : "/"}${kernelName[3]}`);
  }

  /** A server's files can be read only where the configuration itself came over the network. */
  #onServer(base: string): Device {
    if (base === this.own.name) return { kind: "volume", volume: this.own };
    if (this.#openServer === undefined) return { kind: "net", base };
    return { kind: "volume", volume: this.#openServer(base) };
  }

  /** The file that a path on a device means. */
  fileRef(device: Device, path: string): FileRef {
    const absolute = path.startsWith("/") ? path : `/${path}`;
    if (device.kind === "volume") return { device: device.volume.name, path: absolute };
    if (device.kind === "net") return { url: device.base + absolute };
    return { selector: device.selector, path: absolute };
  }

  #onOwnDisk(name: string, partition: string | undefined): Device {
    const own: Device = { kind: "volume", volume: this.own };
    if (partition === undefined) {
      const isWhole = this.own.partition === null;
      return isWhole ? own : { kind: "unresolved", selector: name };
    }
    const number = Number(PARTITION.exec(partition)?.[1] ?? Number.NaN);
    if (this.own.disk === null) return own;
    const volume = this.#volumes.find(({ disk, partition: at }) => disk === this.own.disk && at === number);
    return volume === undefined ? { kind: "unresolved", selector: name } : { kind: "volume", volume };
  }

  #giveNames(context: FormatContext): void {
    const disks = new Map<string, number>();
    let discs = 0;
    for (const volume of this.inSearchOrder()) {
      const server = serverName(volume.name);
      if (server !== null) {
        this.#names.set(volume, server);
        continue;
      }
      if (volume.aliases?.[0] !== undefined) {
        this.#names.set(volume, volume.aliases[0]);
        continue;
      }
      const { disk, partition } = place(volume);
      if (context.image !== undefined && volume === this.own) {
        this.#names.set(volume, "loop");
        continue;
      }
      if (partition === null && (volume.type === "iso9660" || volume.type === "udf")) {
        this.#names.set(volume, context.platform.firmware === "pc" && discs === 0 ? "cd" : `cd${discs}`);
        discs++;
        continue;
      }
      let number = disks.get(disk);
      if (number === undefined) {
        number = disks.size;
        disks.set(disk, number);
      }
      const scheme = volume.scheme ?? (context.platform.firmware === "efi" ? "gpt" : "msdos");
      this.#names.set(volume, partition === null ? `hd${number}` : `hd${number},${scheme}${partition}`);
    }
  }
}

/** A server's tree, where names without a slash in front are files as well. */
export const isServer = (volume: FormatVolume): boolean => serverName(volume.name) !== null;

/** `tftp,10.0.2.2` for the tree of a server, `http,10.0.2.2,8080` where it has a port; null for what is none. */
function serverName(volume: string): string | null {
  const [, scheme, host, port] = /^(https?|tftp):\/\/(\[[^\]]*\]|[^:/]*)(?::(\d+))?$/.exec(volume) ?? [];
  return scheme === undefined ? null : `${scheme},${host}${port === undefined ? "" : `,${port}`}`;
}

/** Disk and partition, read from the kernel's name (`vda2`, `nvme0n1p2`) where nothing else tells: for names only. */
function place(volume: FormatVolume): { disk: string; partition: number | null } {
  if (volume.disk !== null) return { disk: volume.disk, partition: volume.partition };
  const match =
    /^((?:sd|vd|hd|xvd)[a-z]+)(\d+)$/.exec(volume.name) ?? /^((?:nvme\d+n|mmcblk)\d+)p(\d+)$/.exec(volume.name);
  return match === null ? { disk: volume.name, partition: null } : { disk: match[1]!, partition: Number(match[2]) };
}

function groupBy(
  volumes: readonly FormatVolume[],
  key: (volume: FormatVolume) => string | null,
): Map<string, FormatVolume[]> {
  const groups = new Map<string, FormatVolume[]>();
  for (const volume of volumes) {
    const name = key(volume);
    if (name === null) continue;
    const group = groups.get(name);
    if (group === undefined) groups.set(name, [volume]);
    else group.push(volume);
  }
  return groups;
}
