/**
 * Android's boot images. Those in the corpus are made by Debian's mkbootimg 34 of little texts; the slots' record is laid
 * out by AOSP's bootloader_message.h, and what a boot loader makes of it is what U-Boot's android_ab.c does.
 */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { crc32 } from "../../src/binary/crc.ts";
import { formatFileRef } from "../../src/entry.ts";
import { android } from "../../src/formats/android/android.ts";
import type { GptPartition } from "../../src/formats/format.ts";
import { assertGolden, fixtures } from "./golden.ts";
import { contextOf, type Files, messages, type ReadOptions, treeVolume } from "./tree.ts";

for (const name of fixtures("android-")) {
  test(`${name} gives the entries of its expected.json`, () => assertGolden(name, [android]));
}

const sample = (path: string): Buffer => readFileSync(join(import.meta.dirname, "..", path));
const BOOT = sample("corpus/android-slots/mmcblk0p1/boot_a.img");
const VENDOR = sample("images/android/vendor_boot-v4.img");
const OLD = sample("images/android/boot-v0.img");

async function read(files: Files, options: ReadOptions = {}) {
  const volume = treeVolume(files, { name: "sda1", type: "android_boot", ...options.volume });
  const [path] = await android.find(volume);
  const platform = { arch: "aarch64", ...options.platform };
  return android.parse(path!, contextOf(volume, { ...options, platform }));
}

interface Record {
  readonly priority: number;
  readonly tries: number;
  readonly successful?: boolean;
  readonly corrupted?: boolean;
}

function misc(slots: readonly Record[], command = ""): Buffer {
  const bytes = Buffer.alloc(4096);
  bytes.write(command, 0, "latin1");
  const control = bytes.subarray(2048, 2080);
  control.write("BCAB", 4, "latin1");
  control.set([1, slots.length], 8);
  for (const [index, { priority, tries, successful = false, corrupted = false }] of slots.entries()) {
    control.set([priority | (tries << 4) | (Number(successful) << 7), Number(corrupted)], 12 + 2 * index);
  }
  control.writeUInt32LE(crc32(control.subarray(0, 28)), 28);
  return bytes;
}

const SLOTS = {
  ...{ "/boot_a.img": BOOT, "/boot_b.img": BOOT, "/vendor_boot_a.img": VENDOR, "/vendor_boot_b.img": VENDOR },
};

/** The default's slot, those that follow it, and which slots boot by themselves. */
async function chosen(files: Files, options: ReadOptions = {}) {
  const { entries, defaultIndex, successors = [] } = await read({ ...SLOTS, ...files }, options);
  const nameOf = (index: number): string => entries[index]!.nativeId!.slice("boot_".length);
  return {
    order: [...(defaultIndex === null ? [] : [defaultIndex]), ...successors].map(nameOf).join(""),
    alone: entries.flatMap(({ unchecked }, index) => (unchecked === undefined ? nameOf(index) : [])).join(""),
  };
}

describe("slots", () => {
  const good = { priority: 14, tries: 1, successful: true };

  test("the highest priority is started; one that has not come up yet waits for a person, and the other follows", async () => {
    const both = misc([good, { ...good, priority: 15 }]);
    assert.deepEqual(await chosen({ "/misc.img": both }), { order: "ba", alone: "ab" });
    const trial = misc([good, { priority: 15, tries: 6 }]);
    assert.deepEqual(await chosen({ "/misc.img": trial }), { order: "ba", alone: "a" });
  });

  test("a slot without attempts, without priority or with a damaged system isn't started", async () => {
    for (const dead of [
      { priority: 15, tries: 0 },
      { priority: 0, tries: 3 },
      { ...good, corrupted: true },
    ]) {
      assert.deepEqual(await chosen({ "/misc.img": misc([dead, good]) }), { order: "b", alone: "b" });
    }
  });

  test("a record with a wrong checksum says nothing, and nothing boots by itself", async () => {
    const damaged = misc([good, good]);
    damaged[2060]! ^= 1;
    assert.deepEqual(await chosen({ "/misc.img": damaged }), { order: "a", alone: "" });
    assert.deepEqual(await chosen({}), { order: "a", alone: "" });
  });

  test("libavb_ab's record", async () => {
    const bytes = Buffer.alloc(4096);
    const record = bytes.subarray(2048, 2080);
    record.set([0, 0x41, 0x42, 0x30, 1, 0], 0);
    record.set([14, 0, 1, 0, 15, 2, 0, 0], 8);
    record.writeUInt32BE(crc32(record.subarray(0, 28)), 28);
    assert.deepEqual(await chosen({ "/misc.img": bytes }), { order: "ba", alone: "a" });
  });

  test("the attributes of the boot partitions where misc has no record", async () => {
    const volume = { type: "android_boot", disk: "sda", partition: 1 };
    const partitionsOf = (bytes: readonly number[]): GptPartition[] =>
      bytes.map((byte, index) => ({
        ...{ number: index + 1, type: null, partuuid: null },
        attributes: BigInt(byte) << 48n,
      }));
    const others = Object.entries({
      "/boot_b.img": BOOT,
      "/vendor_boot_a.img": VENDOR,
      "/vendor_boot_b.img": VENDOR,
    }).map(([path, image], index) =>
      treeVolume({ [path]: image }, { ...volume, name: `sda${index + 2}`, partition: index + 2 }),
    );
    const choose = async (bytes: readonly number[]) => {
      const own = treeVolume({ "/boot_a.img": BOOT }, { ...volume, name: "sda1" });
      const context = {
        ...contextOf(own, { others, platform: { arch: "aarch64" } }),
        partitions: () => partitionsOf(bytes),
      };
      const { entries, defaultIndex, awaitsDevices } = await android.parse("/boot_a.img", context);
      assert.equal(awaitsDevices, true);
      return [defaultIndex, entries.map(({ unchecked }) => unchecked === undefined)];
    };
    // Active and successful with a priority of 3; the other of 2.
    assert.deepEqual(await choose([0x42, 0x47]), [1, [true, true]]);
    assert.deepEqual(await choose([0x42, 0x3f]), [1, [true, false]]);
    assert.deepEqual(await choose([0x42, 0xc7]), [0, [true, false]]);
    assert.deepEqual(await choose([0, 0]), [0, [false, false]]);
  });

  test("where the system asks its boot loader for something else, there is no default", async () => {
    const asked = { ...SLOTS, "/misc.img": misc([good, good], "boot-recovery") };
    const { defaultIndex, diagnostics } = await read(asked);
    assert.equal(defaultIndex, null);
    assert.match(messages(diagnostics)[0]!, /boot-recovery/);
  });

  test("words of a boot loader's own are replaced, not doubled", async () => {
    const image = Buffer.from(BOOT);
    image.write("androidboot.slot_suffix=_x androidboot.force_normal_boot=0 quiet\0", 44, "latin1");
    const { entries } = await read({ "/boot_b.img": image, "/vendor_boot_b.img": VENDOR });
    assert.equal(
      entries[0]!.options,
      "quiet console=ttyS0 bootconfig androidboot.slot_suffix=_b androidboot.force_normal_boot=1",
    );
  });
});

describe("what is checked", () => {
  const vbmeta = (algorithm: number, flags: number): Buffer => {
    const bytes = Buffer.alloc(4096);
    bytes.write("AVB0", 0, "latin1");
    bytes.writeUInt32BE(algorithm, 28);
    bytes.writeUInt32BE(flags, 120);
    return bytes;
  };
  const whyNot = async (files: Files): Promise<string | undefined> =>
    (await read({ "/boot.img": OLD, ...files })).entries[0]!.unchecked;

  test("Android Verified Boot by vbmeta: signed, unsigned, switched off", async () => {
    assert.equal(await whyNot({}), undefined);
    assert.match((await whyNot({ "/vbmeta.img": vbmeta(1, 0) }))!, /vbmeta partition.*which Baton can't/);
    assert.match((await whyNot({ "/vbmeta.img": vbmeta(2, 1) }))!, /Verified Boot/);
    assert.equal(await whyNot({ "/vbmeta.img": vbmeta(1, 2) }), undefined);
    assert.equal(await whyNot({ "/vbmeta.img": vbmeta(0, 0) }), undefined);
  });

  test("a signature that the image itself carries", async () => {
    const footer = Buffer.alloc(64);
    footer.write("AVBf", 0, "latin1");
    footer.writeBigUInt64BE(BigInt(OLD.length), 20);
    const signed = (algorithm: number) => Buffer.concat([OLD, vbmeta(algorithm, 0), footer]);
    assert.match((await whyNot({ "/boot.img": signed(1) }))!, /its own footer/);
    assert.equal(await whyNot({ "/boot.img": signed(0) }), undefined);
  });

  test("in a slot, a ramdisk of the old kind may be a recovery", async () => {
    const old = Buffer.from(OLD);
    old.write("androidboot.hardware=x\0", 64, "latin1");
    const record = misc([{ priority: 15, tries: 1, successful: true }]);
    const { entries } = await read({ "/boot_a.img": old, "/misc.img": record });
    assert.match(entries[0]!.unchecked!, /recovery/);
  });
});

describe("images", () => {
  test("each version's parts and words", async () => {
    for (const [version, title] of [
      [0, "Android 8.1 (2018-06)"],
      [1, "Android 8.1 (2018-06)"],
      [2, "Android 8.1 (2018-06)"],
      [3, "Android 11 (2020-10)"],
    ] as const) {
      const files = {
        "/boot.img": sample(`images/android/boot-v${version}.img`),
        "/vendor_boot.img": sample("images/android/vendor_boot-v3.img"),
      };
      const [entry] = (await read(files)).entries;
      assert.equal(entry!.title, title);
      assert.equal(entry!.options, version === 3 ? "loglevel=4 console=ttyS0" : "console=ttyS0");
      const initrd = version === 3 ? ["sda1:/vendor_boot.img", "sda1:/boot.img"] : ["sda1:/boot.img"];
      assert.deepEqual(entry!.initrd.map(formatFileRef), initrd);
      const tree = { 0: null, 1: null, 2: "sda1:/boot.img", 3: "sda1:/vendor_boot.img" }[version];
      assert.equal(entry!.devicetree && formatFileRef(entry!.devicetree), tree);
      assert.deepEqual([entry!.reason, entry!.unchecked], [null, undefined]);
    }
  });

  test("a damaged image, and one for another machine, say so", async () => {
    const reasonOf = async (files: Files, arch = "aarch64") => {
      const { entries, defaultIndex } = await read(files, { platform: { arch } });
      assert.equal(defaultIndex, null);
      return entries[0]!.reason;
    };
    const cut = OLD.subarray(0, 4096);
    assert.match((await reasonOf({ "/boot.img": cut }))!, /damaged: its ramdisk ends at byte \d+, and 4096 are there/);
    const pages = Buffer.from(OLD);
    pages.writeUInt32LE(3, 36);
    assert.match((await reasonOf({ "/boot.img": pages }))!, /its pages have 3 bytes/);
    assert.match((await reasonOf({ "/boot.img": BOOT }))!, /needs a vendor_boot image/);
    const broken = Buffer.from(VENDOR);
    broken.writeUInt32LE(9, 8);
    assert.match((await reasonOf({ "/boot.img": BOOT, "/vendor_boot.img": broken }))!, /version is 9/);
    assert.match((await reasonOf({ "/boot.img": BOOT, "/vendor_boot.img": VENDOR }, "x86_64"))!, /another machine/);
  });

  test("one that lies in a folder is nobody's default, and Baton's own is no entry to boot", async () => {
    const inFolder = await read({ "/boot/boot.img": OLD }, { volume: { type: "ext4" } });
    assert.equal(inFolder.defaultIndex, null);
    assert.match(inFolder.entries[0]!.unchecked!, /found by/);
    const own = Buffer.from(OLD);
    own.write("quiet baton.timeout=5\0", 64, "latin1");
    assert.equal((await read({ "/boot.img": own })).entries[0]!.reason, "it starts Baton itself");
  });

  test("other files of such names are none, and partitions that come later belong to the first one's menu", async () => {
    assert.deepEqual(await android.find(treeVolume({ "/boot.img": "a floppy", "/boot/recovery.img": "x" })), []);
    const partition = { type: "android_boot", disk: "sda" };
    const first = treeVolume({ "/boot_a.img": BOOT }, { ...partition, name: "sda1" });
    const second = treeVolume({ "/boot_b.img": BOOT }, { ...partition, name: "sda2" });
    const { entries, awaitsDevices } = await android.parse("/boot_b.img", contextOf(second, { others: [first] }));
    assert.deepEqual([entries, awaitsDevices], [[], true]);
  });

  test("another disk's partitions stand in for those that a phone's storage keeps apart, but for no boot partition", async () => {
    const at = (path: string, image: Buffer, disk: string, removable = false) =>
      treeVolume({ [path]: image }, { type: "android_boot", name: `${disk}1`, disk, removable });
    const own = at("/boot.img", BOOT, "sda");
    const read = async (...others: ReturnType<typeof at>[]) =>
      (await android.parse("/boot.img", contextOf(own, { others, platform: { arch: "aarch64" } }))).entries;
    assert.equal((await read(at("/vendor_boot.img", VENDOR, "sdb")))[0]!.reason, null);
    assert.match((await read(at("/vendor_boot.img", VENDOR, "sdb", true)))[0]!.reason!, /vendor_boot/);
    assert.equal((await read(at("/boot_b.img", BOOT, "sdb"))).length, 1);
  });
});
