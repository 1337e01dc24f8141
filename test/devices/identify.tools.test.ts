import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import fc from "fast-check";
import { identify } from "../../src/devices/probes/table.ts";
import type { WindowOptions } from "../../src/devices/probes/window.ts";
import { BatonError } from "../../src/errors.ts";
import { CRAFTED, craft, mdNew, mdOld, patch } from "./crafted.ts";
import { blkid, MAKERS, makeWorkshop, openImage, run, type Tags } from "./images.ts";

const shop = makeWorkshop();
after(() => shop.remove());
const MiB = 1024 * 1024;

async function identifyFile(path: string, options: WindowOptions = {}) {
  const image = await openImage(path);
  try {
    return await identify(image.read, image.size, options);
  } finally {
    await image.close();
  }
}

/** What blkid says, in our words. */
function expected(tags: Tags) {
  return {
    type: tags.TYPE ?? null,
    usage: tags.USAGE ?? null,
    uuid: tags.UUID ?? null,
    label: tags.LABEL ?? null,
  };
}

async function agreesWithBlkid(path: string): Promise<void> {
  const tags = await blkid(path);
  assert.ok(tags.TYPE, "blkid knows it");
  const found = await identifyFile(path);
  assert.ok(found, "Baton knows it");
  const { version, dirty: _, devices: __, ...ours } = found;
  assert.deepEqual(ours, expected(tags));
  // Some versions that Baton tells are not printed by blkid.
  if (tags.VERSION !== undefined) assert.equal(version, tags.VERSION);
}

const made = new Map<string, Promise<unknown>>();
before(() => {
  for (const [name, make] of Object.entries(MAKERS)) made.set(name, make(shop, name));
  // Each test waits for its own; one that fails must not stop the others.
  for (const work of made.values()) work.catch(() => {});
});

/** The path of a finished image, or of a copy that may be changed. */
async function image(name: string): Promise<string> {
  await made.get(name);
  return shop.path(name);
}
async function copy(name: string, as: string): Promise<string> {
  await run("cp", "--sparse=always", await image(name), shop.path(as));
  return shop.path(as);
}

describe("what the tools make is named as blkid names it", () => {
  for (const name of Object.keys(MAKERS)) {
    test(name, async () => {
      await agreesWithBlkid(await image(name));
      assert.equal((await identifyFile(shop.path(name)))?.dirty, false);
    });
  }
});

/** Of these, blkid since util-linux 2.39 also checks sums and labels, which aren't laid down here. */
const CHECKED_BY_NEWER = ["bcache", "apfs", "zfs"];

describe("what is laid down by hand is named as blkid names it", () => {
  for (const name of Object.keys(CRAFTED)) {
    test(name, async (t) => {
      const path = await craft(shop, name);
      if (!CHECKED_BY_NEWER.includes(name) || (await blkid(path)).TYPE !== undefined) return agreesWithBlkid(path);
      assert.ok(await identifyFile(path), "Baton knows it");
      t.skip("this machine's blkid wants more of it");
    });
  }

  test("mdadm itself takes the RAID superblocks for good ones", async () => {
    for (const name of ["md 0.90", "md 1.0", "md 1.1", "md 1.2"]) {
      const path = await craft(shop, name);
      const text = await run("mdadm", "--examine", path).catch((error: Error) => error.message);
      assert.match(text, /Raid Level : raid1/, name);
      if (name !== "md 0.90") assert.match(text, /Checksum : \w+ - correct/, name);
    }
  });
});

describe("of several signatures the one counts that blkid lets count", () => {
  test("a RAID 1 member with its superblock at the end is no filesystem", async () => {
    const size = 4 * MiB;
    for (const [version, at, sb] of [
      ["1.0", size - 8192, mdNew(size - 8192, 2048)],
      ["0.90.0", size - 65536, mdOld(2048, "le")],
    ] as const) {
      const path = await patch(await copy("ext4", `raid ${version}`), [at, sb]);
      assert.equal((await identifyFile(path))?.type, "linux_raid_member");
      assert.equal((await blkid(path)).TYPE, "linux_raid_member");
    }
  });

  test("a RAID superblock at the end of the last partition is not the disk's", async () => {
    const path = await shop.blank("raid in a partition", 8 * MiB);
    const env = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` };
    const { execFileSync } = await import("node:child_process");
    execFileSync("sfdisk", ["-q", path], { input: "label: dos\nstart=2048\n", env });
    await patch(path, [8 * MiB - 65536, mdOld(6 * 1024, "le")]);
    assert.equal(await identifyFile(path, { wholeDisk: true }), null);
    // That of util-linux 2.41 names the RAID superblock all the same.
    assert.match((await blkid(path)).TYPE ?? "none", /^(none|linux_raid_member)$/);
    assert.equal((await identifyFile(path))?.type, "linux_raid_member");
  });

  test("an encrypted device is that, whatever was there before", async () => {
    const path = await patch(await copy("LUKS 2", "luks over swap"), [4086, "SWAPSPACE2"]);
    assert.equal((await identifyFile(path))?.type, "crypto_LUKS");
    assert.equal((await blkid(path)).TYPE, "crypto_LUKS");
  });

  test("what looks like two filesystems is neither, and says so", async () => {
    const path = await patch(await copy("ext4", "ext4 and swap"), [4086, "SWAPSPACE2"], [1024 + 4096, "x"]);
    // The superblock of swap lies in that of ext4: both are valid where the first block is the swap header's.
    const squash = await patch(await copy("ext4", "ext4 and squashfs"), [0, await head("squashfs", 96)]);
    assert.deepEqual(await blkid(squash), {});
    await assert.rejects(identifyFile(squash), (error: unknown) => {
      assert.ok(error instanceof BatonError);
      assert.equal(error.code, "bad-format");
      assert.match(error.message, /looks like ext4 and squashfs at once.*wipefs/);
      return true;
    });
    assert.equal((await identifyFile(path))?.type, (await blkid(path)).TYPE);
  });

  test("a hybrid ISO image is an ISO image", async () => {
    const path = await image("iso9660 hybrid");
    assert.equal((await blkid(path)).PTTYPE, "dos");
    assert.equal((await identifyFile(path, { wholeDisk: true }))?.type, "iso9660");
  });

  test("a boot loader's FAT-like sector before a partition table is no FAT, a FAT on a whole disk is one", async () => {
    const fat = await copy("fat16", "fat and table");
    assert.equal((await identifyFile(fat, { wholeDisk: true }))?.type, "vfat");
    const entry = Buffer.from("80010100830fffff0008000000080000", "hex");
    await patch(fat, [0x1be, entry]);
    assert.equal(await identifyFile(fat, { wholeDisk: true }), null);
  });
});

async function head(name: string, length: number): Promise<Buffer> {
  const opened = await openImage(await image(name));
  const bytes = await opened.read(0, length);
  await opened.close();
  return Buffer.from(bytes);
}

describe("what was not unmounted cleanly is dirty", () => {
  test("vfat, exfat, f2fs and ext2 by the bit that Linux sets while it is mounted", async () => {
    const bits: Record<string, [string, number, string]> = {
      fat12: ["vfat", 0x25, "\x01"],
      fat16: ["vfat", 0x25, "\x01"],
      fat32: ["vfat", 0x41, "\x01"],
      exfat: ["exfat", 106, "\x02"],
      ext2: ["ext2", 1024 + 0x3a, "\x00"],
    };
    for (const [name, [type, at, byte]] of Object.entries(bits)) {
      const path = await patch(await copy(name, `${name} dirty`), [at, byte]);
      assert.deepEqual([(await identifyFile(path))?.type, (await identifyFile(path))?.dirty], [type, true], name);
    }
  });

  test("f2fs by its newest checkpoint", async () => {
    const path = await copy("f2fs", "f2fs dirty");
    const sb = await head("f2fs", 4096);
    const first = sb.readUInt32LE(1024 + 76) * 4096;
    const pack = Buffer.alloc(8);
    // The second pack, made newer, and without the flag of an unmount.
    pack.writeBigUInt64LE(2n ** 60n);
    await patch(path, [first + 512 * 4096, pack], [first + 512 * 4096 + 132, "\0\0\0\0"]);
    assert.equal((await identifyFile(path))?.dirty, true);
  });

  test("NTFS by its volume flags", async () => {
    assert.equal((await identifyFile(await craft(shop, "ntfs")))?.dirty, true);
  });
});

describe("hostile bytes", () => {
  /** Runs identify and sees that it reads little, inside the device, and fails with nothing but a BatonError. */
  async function survives(read: (offset: number, length: number) => Promise<Uint8Array>, size: number) {
    let total = 0;
    let reads = 0;
    const watched = async (offset: number, length: number) => {
      assert.ok(offset >= 0 && length > 0 && offset + length <= size, `read of ${length} at ${offset}`);
      reads++;
      total += length;
      return read(offset, length);
    };
    for (const wholeDisk of [false, true]) {
      try {
        await identify(watched, size, { wholeDisk });
      } catch (error) {
        assert.ok(error instanceof BatonError && error.code === "bad-format", String((error as Error).stack));
      }
    }
    assert.ok(reads <= 2 * 70 && total <= 2 * 3 * MiB, `${reads} reads, ${total} bytes`);
  }

  /** Where superblocks lie. */
  const place = fc.oneof(
    fc
      .constantFrom(0, 512, 1024, 4096, 0x8000, 0x8800, 0x10000)
      .chain((base) => fc.integer({ min: base, max: base + 600 })),
    fc.integer({ min: 0, max: 128 * 1024 }),
  );
  const value = fc.oneof(
    fc
      .constantFrom("00000000", "ffffffff", "ffffff7f", "00000080", "01000000", "00000100")
      .map((hex) => Buffer.from(hex, "hex")),
    fc.uint8Array({ minLength: 1, maxLength: 8 }),
  );
  const changes = fc.array(fc.tuple(place, value), { minLength: 1, maxLength: 6 });

  test("mutated superblocks of every kind", async () => {
    for (const name of Object.keys(MAKERS)) {
      const opened = await openImage(await image(name));
      const original = Buffer.from(await opened.read(0, 256 * 1024));
      await fc.assert(
        fc.asyncProperty(changes, async (list) => {
          const mutated = Buffer.from(original);
          for (const [offset, bytes] of list) Buffer.from(bytes).copy(mutated, Math.min(offset, mutated.length));
          await survives(async (offset, length) => {
            if (offset + length <= mutated.length) return mutated.subarray(offset, offset + length);
            return opened.read(offset, length);
          }, opened.size);
        }),
        { numRuns: 25 },
      );
      await opened.close();
    }
  });

  test("devices that end early, anywhere", async () => {
    for (const name of ["fat32 without a label", "exfat", "f2fs", "ext4", "iso9660 with Joliet", "LUKS 2", "btrfs"]) {
      const opened = await openImage(await image(name));
      await fc.assert(
        fc.asyncProperty(fc.integer({ min: 1, max: opened.size }), fc.boolean(), async (size, lies) => {
          // It may also claim to be larger than what it gives.
          await survives(
            async (offset, length) => {
              const bytes = await opened.read(offset, length);
              return lies ? bytes.subarray(0, Math.max(0, size - offset)) : bytes;
            },
            lies ? opened.size : size,
          );
        }),
        { numRuns: 25 },
      );
      await opened.close();
    }
  });

  test("noise is nothing, even with the short magic numbers in it", async () => {
    const noise = fc.tuple(fc.integer(), fc.constantFrom("", "ext", "jump", "signature"));
    await fc.assert(
      fc.asyncProperty(noise, async ([seed, magic]) => {
        const bytes = Buffer.alloc(192 * 1024);
        let state = seed | 1;
        for (let at = 0; at < bytes.length; at += 4) {
          state = (Math.imul(state, 1664525) + 1013904223) | 0;
          bytes.writeInt32LE(state ^ (state >>> 15), at);
        }
        if (magic === "ext") bytes.writeUInt16LE(0xef53, 0x438);
        if (magic === "jump") bytes[0] = 0xeb;
        if (magic !== "") bytes.writeUInt16LE(0xaa55, 510);
        const read = async (offset: number, length: number) => bytes.subarray(offset, offset + length);
        assert.equal(await identify(read, bytes.length), null);
      }),
      { numRuns: 100 },
    );
  });

  test("a read error at the beginning is told, one elsewhere hides only what is there", async () => {
    const opened = await openImage(await image("ext4"));
    const fail = (code: "io" | "timeout", from: number) => async (offset: number, length: number) => {
      if (offset >= from) throw new BatonError(code, "broken");
      return opened.read(offset, length);
    };
    await assert.rejects(identify(fail("io", 0), opened.size), /broken/);
    assert.equal((await identify(fail("io", 1), opened.size))?.type, "ext4");
    await assert.rejects(identify(fail("timeout", 1), opened.size), { code: "timeout" });
    await opened.close();
  });

  test("of a disc in an optical drive only the beginning is read", async () => {
    const opened = await openImage(await image("iso9660 hybrid"));
    const read = async (offset: number, length: number) => {
      assert.equal(offset, 0);
      return opened.read(offset, length);
    };
    assert.equal((await identify(read, opened.size, { wholeDisk: true, optical: true }))?.type, "iso9660");
    await opened.close();
  });

  test("two reads are enough for a disk's usual filesystems", async () => {
    for (const name of ["ext4", "xfs", "btrfs", "fat32", "iso9660"]) {
      const opened = await openImage(await image(name));
      await identify(opened.read, opened.size);
      assert.ok(opened.counts.reads <= 4, `${name}: ${opened.counts.reads} reads`);
      await opened.close();
    }
  });
});
