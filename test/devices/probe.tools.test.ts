import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { arrayNames } from "../../src/devices/arraynames.ts";
import { listBlockDevices, readBlockDevice } from "../../src/devices/block.ts";
import type { BlockDevice, Identity } from "../../src/devices/device.ts";
import { identityReason, probeDevice } from "../../src/devices/probe.ts";
import { CRAFTED, craft } from "./crafted.ts";
import { withHang, withoutHang } from "./hang.ts";
import { isRoot, MAKERS, makeWorkshop, run } from "./images.ts";

const shop = makeWorkshop();
after(() => shop.remove());
const MiB = 1024 * 1024;
let count = 0;

interface FakeDevice {
  /** The file that stands for the device. */
  readonly file: string;
  readonly size: number;
  /** Where it begins on its disk, for a partition. */
  readonly start?: number;
  /** What an array is made of. */
  readonly members?: readonly string[];
}

/** A sysfs whose devices are files: disks, and partitions by name below them. */
function makeSysfs(disks: Record<string, FakeDevice & { partitions?: Record<number, FakeDevice> }>): string {
  const root = join(shop.folder, `sys${++count}`);
  const add = (path: string, device: FakeDevice, partition: number | null): void => {
    fs.mkdirSync(join(root, path), { recursive: true });
    // The kernel's node is below /dev; so is this, in a way.
    const attributes: Record<string, string> = { size: `${device.size / 512}`, uevent: `DEVNAME=..${device.file}` };
    if (partition !== null) attributes.uevent += "\nDEVTYPE=partition";
    if (partition !== null) Object.assign(attributes, { partition: `${partition}`, start: `${device.start! / 512}` });
    for (const [name, value] of Object.entries(attributes)) fs.writeFileSync(join(root, path, name), value);
    fs.mkdirSync(join(root, "class/block"), { recursive: true });
    fs.symlinkSync(join("../..", path), join(root, "class/block", path.slice(path.lastIndexOf("/") + 1)));
  };
  for (const [name, disk] of Object.entries(disks)) {
    const path = `devices/${/^md/.test(name) ? "virtual" : "pci0/virtio0"}/block/${name}`;
    add(path, disk, null);
    for (const member of disk.members ?? []) fs.mkdirSync(join(root, path, "slaves", member), { recursive: true });
    for (const [number, partition] of Object.entries(disk.partitions ?? {})) {
      add(`${path}/${name}${number}`, partition, Number(number));
    }
  }
  return root;
}

async function probeAll(sysfs: string, timeoutMs = 5000): Promise<Map<string, BlockDevice>> {
  const devices = await listBlockDevices({ sysfs });
  const probed = await Promise.all(devices.map((device) => probeDevice(device, { sysfs, timeoutMs })));
  return new Map(probed.map((device) => [device.name, device]));
}

async function made(name: string): Promise<FakeDevice> {
  if (!fs.existsSync(shop.path(name))) await MAKERS[name]!(shop, name);
  return { file: shop.path(name), size: fs.statSync(shop.path(name)).size };
}

async function blank(name: string, size: number, script?: string): Promise<FakeDevice> {
  const file = await shop.blank(name, size);
  const env = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` };
  if (script) execFileSync("sfdisk", ["-q", file], { input: script, env, stdio: ["pipe", "ignore", "pipe"] });
  return { file, size };
}

const GPT = `label: gpt
1 : start=2048, size=8192, name="EFI System", uuid=11111111-2222-3333-4444-555555555555, type=uefi
2 : start=16384, size=8192, uuid=AAAAAAAA-2222-3333-4444-555555555555
`;

test("an array has the names that GRUB reads from its members, and so have its partitions", async () => {
  const member = { file: await craft(shop, "md 1.2"), size: CRAFTED["md 1.2"]!.size };
  const disk = await blank("arraygpt", 16 * MiB, GPT);
  const ext2 = await made("ext2");
  const devices = await probeAll(
    makeSysfs({
      vda: member,
      md126: { ...ext2, members: ["gone", "vda"] },
      md127: { ...disk, members: ["vda"], partitions: { 2: { ...ext2, start: 8 * MiB } } },
      md0: { ...ext2, members: [] },
    }),
  );
  const uuid = devices.get("vda")!.identity!.uuid!.replaceAll("-", "").replaceAll(":", "");
  assert.deepEqual(devices.get("md126")!.aliases, ["md/array", `mduuid/${uuid}`]);
  assert.deepEqual(devices.get("md1272")!.aliases, ["md/array,gpt2", `mduuid/${uuid},gpt2`]);
  assert.equal(devices.get("md0")!.aliases, undefined);
});

test("an array without a name of its own is called by its number", () => {
  const identity = { type: "linux_raid_member", usage: "raid", uuid: "aabb-cc", label: null, dirty: false } as const;
  assert.deepEqual(arrayNames("md0", identity), ["md/0", "mduuid/aabbcc"]);
  assert.deepEqual(arrayNames("md_home", { ...identity, uuid: null }), ["md/home"]);
  assert.deepEqual(arrayNames("md0", { ...identity, type: "ext4" }), []);
});

describe("what is on a device", () => {
  test("partitions get their names from the disk's table, each by its place", async () => {
    const disk = await blank("gpt", 16 * MiB, GPT);
    const ext2 = await made("ext2");
    const sysfs = makeSysfs({
      vda: {
        ...disk,
        partitions: {
          1: { ...(await made("fat12")), start: MiB },
          2: { ...ext2, start: 8 * MiB },
          3: { ...ext2, start: 3 * MiB },
        },
      },
    });
    const devices = await probeAll(sysfs);
    const vda = devices.get("vda")!;
    assert.deepEqual([vda.identity, vda.reason], [null, "holds a partition table (GPT, 2 partitions)"]);
    const brief = (name: string) => {
      const d = devices.get(name)!;
      return [d.identity?.type, d.scheme, d.partuuid, d.partlabel, d.partitionType, d.reason];
    };
    assert.deepEqual(brief("vda1"), [
      "vfat",
      "gpt",
      "11111111-2222-3333-4444-555555555555",
      "EFI System",
      "c12a7328-f81f-11d2-ba4b-00a0c93ec93b",
      null,
    ]);
    assert.equal(brief("vda2")[2], "aaaaaaaa-2222-3333-4444-555555555555");
    // Not in the table at all: still probed.
    assert.deepEqual(brief("vda3"), ["ext2", null, null, null, null, null]);
  });

  test("an MBR's partitions have PARTUUIDs too", async () => {
    const disk = await blank("mbr", 16 * MiB, "label: dos\nlabel-id: 0xcafe0001\nstart=2048, size=8192, type=83\n");
    const sysfs = makeSysfs({ vdb: { ...disk, partitions: { 1: { ...(await made("ext2")), start: MiB } } } });
    const { scheme, partuuid, partitionType } = (await probeAll(sysfs)).get("vdb1")!;
    assert.deepEqual([scheme, partuuid, partitionType], ["msdos", "cafe0001-01", "0x83"]);
  });

  test("a hybrid ISO image's disk is read, and its partition isn't once more", async () => {
    const iso = await made("iso9660 hybrid");
    const sysfs = makeSysfs({ sdb: { ...iso, partitions: { 1: { ...iso, start: 0 } } } });
    const devices = await probeAll(sysfs);
    assert.deepEqual([devices.get("sdb")!.identity?.type, devices.get("sdb")!.reason], ["iso9660", null]);
    assert.equal(devices.get("sdb1")!.reason, "the same filesystem as sdb");
  });

  test("a partition that shows through a RAID member is not read", async () => {
    const disk = await blank("raid", 16 * MiB, GPT);
    const { mdOld, patch } = await import("./crafted.ts");
    // Of a RAID that is larger than any of its partitions.
    await patch(disk.file, [16 * MiB - 65536, mdOld(15 * 1024, "le")]);
    const sysfs = makeSysfs({ sda: { ...disk, partitions: { 1: { ...(await made("ext2")), start: MiB } } } });
    const sda1 = (await probeAll(sysfs)).get("sda1")!;
    assert.equal(sda1.identity, null);
    assert.match(sda1.reason!, /^belongs to sda, which is a member of a Linux RAID \(metadata 0\.90\.3\)/);
  });

  test("what can't be read says why", async () => {
    const noise = await blank("noise", MiB);
    fs.writeFileSync(noise.file, Buffer.concat([Buffer.from("GARBAGE!"), Buffer.alloc(MiB)]));
    const both = await made("ext4");
    const ambiguous = shop.path("both");
    await run("cp", both.file, ambiguous);
    const squash = fs.readFileSync((await made("squashfs")).file).subarray(0, 96);
    const fd = fs.openSync(ambiguous, "r+");
    fs.writeSync(fd, squash, 0, 96, 0);
    fs.closeSync(fd);
    const sysfs = makeSysfs({
      sda: await blank("zeros", MiB),
      sdb: noise,
      sdc: await made("LUKS 2"),
      sdd: await made("swap"),
      sde: { file: ambiguous, size: both.size },
      sdf: { file: shop.path("gone"), size: MiB },
      sdg: { file: shop.folder, size: MiB },
      sdh: { file: "/dev/null", size: MiB },
      sr0: { file: shop.folder, size: MiB },
    });
    const devices = await probeAll(sysfs);
    const reasons = [...devices].map(([name, device]) => `${name}: ${device.reason}`);
    assert.deepEqual(reasons, [
      "sda: no known filesystem (begins with zeros)",
      "sdb: no known filesystem (begins with 47 41 52 42 41 47 45 21)",
      "sdc: encrypted (LUKS2)",
      "sdd: swap space, nothing to boot",
      "sde: looks like ext4 and squashfs at once; erase the old signature with wipefs",
      "sdf: cannot be opened: the device is gone, or has no medium (ENOENT)",
      "sdg: cannot be read: the device reports an error (EISDIR)",
      "sdh: cannot be read: it ends before its first sector does",
      "sr0: no disc in the drive, or an unreadable one",
    ]);
    assert.equal(devices.get("sdc")!.identity?.usage, "crypto");
  });

  test("everything that is named but can't be opened has a reason, and filesystems have none", () => {
    const reason = (type: string, version = "1") =>
      identityReason({ type, version, usage: "other", uuid: null, label: null, dirty: false } satisfies Identity);
    for (const type of ["ext4", "vfat", "xfs", "btrfs", "iso9660", "squashfs", "ntfs"])
      assert.equal(reason(type), null);
    assert.equal(reason("crypto_LUKS"), "encrypted (LUKS1)");
    assert.equal(reason("linux_raid_member", "1.2"), "a member of a Linux RAID (metadata 1.2)");
    for (const type of [
      "LVM2_member",
      "BitLocker",
      "bcache",
      "zfs_member",
      "apfs",
      "swsuspend",
      "jbd",
      "isw_raid_member",
    ]) {
      assert.ok(reason(type), type);
    }
  });
});

describe("a disk that doesn't answer", { skip: withoutHang }, () => {
  test("has its deadline, its partitions aren't touched, and others are read meanwhile", async () => {
    await withHang(shop.path("hang"), async (file) => {
      const sysfs = makeSysfs({
        sda: { file, size: MiB, partitions: { 1: { file: shop.path("never opened"), size: MiB, start: 512 } } },
        sdb: await made("ext2"),
      });
      const devices = await probeAll(sysfs, 300);
      assert.equal(devices.get("sda")!.reason, "did not answer within 0.3 s");
      assert.equal(devices.get("sda1")!.reason, "its disk sda did not answer within 0.3 s");
      assert.equal(devices.get("sdb")!.identity?.type, "ext2");
    });
  });
});

test("a loop device is read by its own name", { skip: !isRoot && "needs root for a loop device" }, async () => {
  const { withLoop } = await import("./images.ts");
  await withLoop((await made("ext2")).file, async (node) => {
    const device = await probeDevice(readBlockDevice(node.replace("/dev/", ""))!);
    assert.deepEqual([device.identity?.type, device.identity?.label, device.transport], ["ext2", "two words", "loop"]);
  });
});
