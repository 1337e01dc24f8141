/**
 * Android's boot images (binary/androidboot.ts) as its boot loaders start them: boot with vendor_boot and init_boot, in one
 * of several slots. Nothing is ever written: a slot whose attempts would have to be counted waits for a person.
 */

import {
  type AndroidBoot,
  type AndroidVendorBoot,
  readAndroidBoot,
  readAndroidVendorBoot,
} from "../../binary/androidboot.ts";
import { type FileRef, type ParsedEntry, parsedEntry } from "../../entry.ts";
import { BatonError } from "../../errors.ts";
import { EntryList } from "../entrylist.ts";
import { EMPTY_RESULT, type Format, type FormatContext, type FormatResult } from "../format.ts";
import { FOUND_BY_NAME } from "../kernels.ts";
import { Lookup } from "../lookup.ts";
import { verifiedBoot } from "./avb.ts";
import {
  type AndroidImage,
  beginningOf,
  imageFor,
  imagesAround,
  imagesIn,
  isPartition,
  isStarted,
  readAtOf,
  shownName,
  sizeOf,
} from "./images.ts";
import { commandOfMisc, MISC_SIZE, type Slot, slotsOfGpt, slotsOfMisc, startable } from "./slots.ts";

const FOLDERS = ["/", "/boot"];
/** Enough for the headers of a kernel. */
const KERNEL_START = 0x210;

export const android: Format = {
  name: "android",
  async find(volume) {
    const lookup = new Lookup(volume.reader);
    for (const folder of FOLDERS) {
      const path = await lookup.find(folder, "directory");
      const images = path === null ? [] : await imagesIn(volume, path);
      const first = images.find(isStarted);
      if (first !== undefined) return [first.path];
    }
    return [];
  },
  parse: readImages,
};

async function readImages(path: string, context: FormatContext): Promise<FormatResult> {
  const images = await imagesAround(path, context);
  const started = images.filter(isStarted);
  // What stands together is one menu, that of the first. Those that come later belong to it, too.
  const awaits = isPartition(context.volume) ? { awaitsDevices: true } : {};
  if (started[0]?.volume !== context.volume || started[0].path !== path) return { ...EMPTY_RESULT, ...awaits };
  const list = new EntryList(path, context);
  const misc = await beginningOf(imageFor(images, "misc", null), MISC_SIZE);
  const command = commandOfMisc(misc);
  const boots = started.filter(({ role }) => role === "boot");
  const slots = slotsOfMisc(misc) ?? slotsOfGpt(attributesOf(boots, context));
  const places = new Map<string | null, number>();
  for (const image of started) {
    const place = list.add(await entryOf(image, { images, slots, list }));
    if (image.role === "boot" && place !== null && !places.has(image.slot)) places.set(image.slot, place);
  }
  if (command !== null) {
    list.say("warning", null, `the system has asked its boot loader for ${command}, so that nothing boots by itself`);
    return list.result(awaits);
  }
  // No boot loader starts what lies in a folder.
  if (!isPartition(context.volume)) return list.result();
  const [first, ...others] = orderOf(boots, slots).flatMap((slot) => places.get(slot) ?? []);
  const { entries } = list.result();
  const isForThis = [...places.values()].some((place) => entries[place]?.reason === null);
  return list.result({
    ...awaits,
    defaultIndex: isForThis ? (first ?? null) : null,
    ...(others.length > 0 && { successors: others }),
  });
}

/** In which order a boot loader would come to the slots; null stands for the only one. */
function orderOf(boots: readonly AndroidImage[], slots: readonly Slot[] | null): readonly (string | null)[] {
  const [first] = boots;
  if (first === undefined || first.slot === null) return [null];
  // Boot loaders begin with the first where nothing is written yet.
  return slots === null ? [first.slot] : startable(slots).map(({ name }) => name);
}

/** Of the partitions of the boot images, by slot. */
function attributesOf(boots: readonly AndroidImage[], { partitions }: FormatContext): Map<string, bigint> {
  const found = new Map<string, bigint>();
  for (const { slot, volume } of boots) {
    const all = volume.disk === null ? [] : (partitions?.(volume.disk) ?? []);
    const own = all.find(({ number }) => number === volume.partition);
    if (slot !== null && own !== undefined) found.set(slot, own.attributes);
  }
  return found;
}

interface Surroundings {
  readonly images: readonly AndroidImage[];
  readonly slots: readonly Slot[] | null;
  readonly list: EntryList;
}

/** An image that could be read; why not, as a sentence. */
async function readImage<T>(
  image: AndroidImage,
  read: (readAt: ReturnType<typeof readAtOf>, size: number) => Promise<T | null>,
): Promise<T | string> {
  try {
    return (await read(readAtOf(image), await sizeOf(image))) ?? `${shownName(image)} is no such image`;
  } catch (error) {
    if (!(error instanceof BatonError) || error.code !== "bad-format") throw error;
    return `${shownName(image)}: ${error.message}`;
  }
}

async function entryOf(image: AndroidImage, { images, slots, list }: Surroundings): Promise<ParsedEntry> {
  const { slot } = image;
  const entry = { type: "android" as const, source: list.source, nativeId: image.name };
  const boot = await readImage(image, readAndroidBoot);
  if (typeof boot === "string") return parsedEntry({ ...entry, title: titleOf(image, null, null), reason: boot });
  const others = { vendor: imageFor(images, "vendor_boot", slot), init: imageFor(images, "init_boot", slot) };
  const vendor =
    boot.version < 3 || others.vendor === null ? null : await readImage(others.vendor, readAndroidVendorBoot);
  const init = boot.version < 3 || others.init === null ? null : await readImage(others.init, readAndroidBoot);
  const parts = { boot, vendor: partOf(vendor), init: partOf(init) };
  const bootRef = refOf(image);
  const generic = parts.init?.ramdisk ? refOf(others.init!) : boot.ramdisk === null ? null : bootRef;
  const vendorRef = parts.vendor === null ? null : refOf(others.vendor!);
  const initrd = [parts.vendor?.ramdisks.length ? vendorRef : null, generic].filter((ref) => ref !== null);
  const unchecked = await whyUnchecked(image, parts, { images, slots });
  const overlays = imageFor(images, "dtbo", slot);
  if (overlays !== null) list.say("warning", null, `the overlays of ${shownName(overlays)} are left out`);
  return parsedEntry({
    ...entry,
    title: titleOf(image, boot, parts.init),
    linux: bootRef,
    initrd,
    devicetree: parts.vendor?.devicetree ? vendorRef : boot.devicetree === null ? null : bootRef,
    options: cmdlineOf(image, parts),
    reason:
      (typeof vendor === "string" ? vendor : null) ??
      (typeof init === "string" ? init : null) ??
      (await whyNot(image, parts, list.context)),
    ...(unchecked.length > 0 && { unchecked: unchecked.join("; ") }),
  });
}

const refOf = ({ volume, path }: AndroidImage): FileRef => ({ device: volume.name, path });
const partOf = <T>(read: T | string | null): T | null => (typeof read === "string" ? null : read);

interface Images {
  readonly boot: AndroidBoot;
  readonly vendor: AndroidVendorBoot | null;
  readonly init: AndroidBoot | null;
}

const isAndroid = ({ boot, vendor }: Images): boolean =>
  boot.version >= 3 || /\bandroidboot\./.test(`${boot.cmdline} ${vendor?.cmdline ?? ""}`);

function titleOf(image: AndroidImage, boot: AndroidBoot | null, init: AndroidBoot | null): string {
  const version = init?.osVersion ?? boot?.osVersion ?? null;
  const isOther = boot !== null && version === null && !isAndroid({ boot, vendor: null, init: null });
  const system = isOther ? boot.name || "Linux" : version === null ? "Android" : `Android ${version}`;
  const details = [
    image.slot === null ? null : `slot ${image.slot}`,
    isOther && image.slot === null ? image.name : null,
    init?.patchLevel ?? boot?.patchLevel ?? null,
  ].filter((detail) => detail !== null);
  const name = image.role === "recovery" ? `${system} recovery` : system;
  return details.length === 0 ? name : `${name} (${details.join(", ")})`;
}

/** The images' own words, and those that boot loaders add for a slot (U-Boot: boot/bootmeth_android.c). */
function cmdlineOf({ slot, role }: AndroidImage, { boot, vendor }: Images): string {
  const own = [boot.cmdline, vendor?.cmdline ?? ""].map((text) => text.trim()).filter((text) => text !== "");
  if (slot === null) return own.join(" ");
  const words = [`androidboot.slot_suffix=_${slot}`, ...(role === "boot" ? ["androidboot.force_normal_boot=1"] : [])];
  const rest = own
    .join(" ")
    .replace(/(^|\s+)androidboot\.(slot_suffix|force_normal_boot)=\S*/g, "")
    .trim();
  return [rest, ...words].filter((text) => text !== "").join(" ");
}

/** Why it can't be booted at all; null where it may be. */
async function whyNot(image: AndroidImage, { boot, vendor }: Images, context: FormatContext): Promise<string | null> {
  if (/(^|\s)baton\./.test(boot.cmdline)) return "it starts Baton itself";
  if (boot.kernel === null) return `${shownName(image)} holds no kernel`;
  if (boot.version >= 3 && vendor === null) {
    return `its header of version ${boot.version} needs a vendor_boot image, and there is none beside it`;
  }
  const { arch } = context.platform;
  const start = Buffer.from(await readAtOf(image)(boot.kernel.offset, Math.min(boot.kernel.size, KERNEL_START)));
  const kernels = archOf(start);
  return kernels === null || kernels.test(arch) ? null : `its kernel is for another machine, and this one is ${arch}`;
}

/** The machines that a kernel is for, by `uname -m`; null where it is packed, or another kind. */
function archOf(start: Buffer): RegExp | null {
  const has = (offset: number, magic: string): boolean =>
    start.toString("latin1", offset, offset + magic.length) === magic;
  if (has(56, "ARMd")) return /^aarch64/;
  if (has(0x202, "HdrS")) return /^(x86_64|i.86)$/;
  return has(0x24, "\x18\x28\x6f\x01") ? /^arm/ : null;
}

async function whyUnchecked(
  image: AndroidImage,
  parts: Images,
  { images, slots }: Omit<Surroundings, "list">,
): Promise<readonly string[]> {
  if (image.role === "recovery") return ["it is a recovery"];
  const why: (string | null)[] = [
    isPartition(image.volume) ? null : FOUND_BY_NAME,
    await verifiedBoot(image, imageFor(images, "vbmeta", image.slot)),
  ];
  if (image.slot !== null) {
    why.push(whyNotBySlot(image.slot, slots));
    // Before version 2 the ramdisk in a slot is its recovery; the root is found by words that are made from vbmeta.
    if (parts.boot.version < 2 && isAndroid(parts)) why.push("its ramdisk may be its recovery");
  }
  return why.filter((reason) => reason !== null);
}

function whyNotBySlot(name: string, slots: readonly Slot[] | null): string | null {
  if (slots === null) return "nothing says which slot has come up before";
  const slot = slots.find((one) => one.name === name);
  if (slot === undefined || slot.isUnbootable) return `slot ${name} is marked as one that isn't started`;
  if (slot.isSuccessful) return null;
  return `slot ${name} has not come up yet: its boot loader would count the attempt (${slot.tries} left), and Baton doesn't`;
}
