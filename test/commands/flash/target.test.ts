/** Which disks `baton flash` would write, by what sysfs and /proc say of them. */

import assert from "node:assert/strict";
import * as fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { type Places, readTarget, refusal } from "../../../src/commands/flash/target.ts";

const base = fs.mkdtempSync(join(tmpdir(), "baton-flash-"));
after(() => fs.rmSync(base, { recursive: true, force: true }));

const MIB = 1024 * 1024;
const IMAGE_SIZE = 50 * MIB;
const USB = "devices/pci0000:00/0000:00:14.0/usb1/1-2/1-2:1.0/host6/target6:0:0/6:0:0:0/block/sdb";
const SATA = "devices/pci0000:00/0000:00:1f.2/ata1/host0/target0:0:0/0:0:0:0/block/sda";
const CARD = "devices/platform/soc/fe340000.mmc/mmc_host/mmc0/mmc0:aaaa/block/mmcblk0";

type Attributes = Readonly<Record<string, string | number>>;

/** A machine with these devices (path below /sys → attributes), and what is mounted and used as swap on it. */
function machine(devices: Readonly<Record<string, Attributes>>, mounts = "", swaps = ""): Places {
  const root = fs.mkdtempSync(join(base, "machine-"));
  const [sysfs, proc] = [join(root, "sys"), join(root, "proc")];
  const put = (path: string, text: string): void => {
    fs.mkdirSync(join(path, ".."), { recursive: true });
    fs.writeFileSync(path, text);
  };
  put(join(proc, "self/mountinfo"), mounts);
  put(join(proc, "swaps"), `Filename Type Size Used Priority\n${swaps}`);
  fs.mkdirSync(join(sysfs, "class/block"), { recursive: true });
  for (const [path, attributes] of Object.entries(devices)) {
    for (const [name, value] of Object.entries(attributes)) put(join(sysfs, path, name), `${value}\n`);
    fs.symlinkSync(join("../..", path), join(sysfs, "class/block", path.slice(path.lastIndexOf("/") + 1)));
  }
  return { sysfs, proc };
}

const disk = (own: Attributes = {}): Attributes => ({
  ...{ size: (4096 * MIB) / 512, dev: "8:16", ro: 0, removable: 1, "queue/logical_block_size": 512 },
  ...own,
});
const partition = { size: 99, start: 8, dev: "8:17", ro: 0, partition: 1, uevent: "DEVTYPE=partition" };

async function why(name: string, places: Places): Promise<string | null> {
  return refusal(await readTarget(name, places), IMAGE_SIZE);
}

test("a stick that nobody uses may be written, and also one that reports to be fixed in its place", async () => {
  const places = machine({ [USB]: disk(), [`${USB}/sdb1`]: partition });
  assert.equal(await why("sdb", places), null);
  const { number, partitions } = await readTarget("sdb", places);
  assert.deepEqual([number, partitions.map(({ name }) => name)], ["8:16", ["sdb1"]]);
  assert.equal(await why("sdb", machine({ [USB]: disk({ removable: 0 }) })), null);
  const card = machine({ [CARD]: disk({ removable: 1 }) });
  assert.equal(await why("mmcblk0", card), null);
});

const REFUSED: readonly (readonly [string, string, Readonly<Record<string, Attributes>>, RegExp])[] = [
  ["a built-in SATA disk", "sda", { [SATA]: disk({ removable: 0 }) }, /\/dev\/sda is an internal disk \(ata\)/],
  [
    "an NVMe disk",
    "nvme0n1",
    { "devices/pci0000:00/0000:01:00.0/nvme/nvme0/nvme0n1": disk({ removable: 0 }) },
    /internal disk \(nvme\)/,
  ],
  ["built-in flash memory", "mmcblk0", { [CARD]: disk({ removable: 0 }) }, /internal disk \(mmc\)/],
  [
    "a virtual machine's disk",
    "vda",
    { "devices/pci0000:00/0000:00:02.0/virtio1/block/vda": disk({ removable: 0 }) },
    /internal disk \(virtio\)/,
  ],
  [
    "a disk on the network",
    "sdc",
    {
      "devices/platform/host7/session1/target7:0:0/7:0:0:0/block/sdc": disk({ removable: 0 }),
    },
    /internal disk \(iscsi\)/,
  ],
  [
    "a partition of a stick",
    "sdb1",
    { [USB]: disk(), [`${USB}/sdb1`]: partition },
    /is a partition.*flash \/dev\/sdb,/,
  ],
  ["an optical drive", "sr0", { [USB.replace("sdb", "sr0")]: disk() }, /optical drive/],
  ["a loop device", "loop0", { "devices/virtual/block/loop0": disk() }, /made by the kernel \(loop\)/],
  [
    "a mapping on a stick",
    "dm-0",
    { [USB]: disk(), "devices/virtual/block/dm-0": disk({ "slaves/sdb/size": 1, "dm/name": "secret" }) },
    /made by the kernel \(dm\)/,
  ],
  ["a write-protected stick", "sdb", { [USB]: disk({ ro: 1 }) }, /write-protected/],
  ["a stick with large sectors", "sdb", { [USB]: disk({ "queue/logical_block_size": 4096 }) }, /sectors of 4096 bytes/],
  ["a small stick", "sdb", { [USB]: disk({ size: (IMAGE_SIZE - 512) / 512 }) }, /too small: it has 50\.0 MiB/],
  [
    "a stick that is a member of an array",
    "sdb",
    { [USB]: disk({ "holders/md0": "" }) },
    /is in use: sdb is a part of md0/,
  ],
  [
    "a stick with a mapping on its partition",
    "sdb",
    {
      [USB]: disk(),
      [`${USB}/sdb1`]: { ...partition, "holders/dm-0": "" },
      "devices/virtual/block/dm-0": disk({ "dm/name": "secret" }),
    },
    /sdb1 is a part of dm-0 \(secret\)/,
  ],
  [
    "a stick that a loop device reads",
    "sdb",
    { [USB]: disk(), "devices/virtual/block/loop3": disk({ "loop/backing_file": "/dev/sdb" }) },
    /sdb is a part of loop3/,
  ],
];

for (const [what, name, devices, reason] of REFUSED) {
  test(`${what} is refused`, async () => {
    assert.match((await why(name, machine(devices))) ?? "it would be written", reason);
  });
}

test("a stick of which anything is mounted or used as swap is refused, and where is said", async () => {
  const devices = { [USB]: disk(), [`${USB}/sdb1`]: partition };
  const mount = (source: string, device: string): string =>
    `36 1 ${device} / /media/my\\040stick rw,relatime - vfat ${source} rw\n`;
  assert.match(
    (await why("sdb", machine(devices, mount("/dev/sdb1", "8:17")))) ?? "",
    /sdb1 is mounted at \/media\/my stick/,
  );
  assert.match((await why("sdb", machine(devices, mount("/dev/sdb", "8:16")))) ?? "", /sdb is mounted at/);
  assert.match((await why("sdb", machine(devices, mount("/dev/sdb1", "0:55")))) ?? "", /sdb1 is mounted at/, "btrfs");
  assert.equal(await why("sdb", machine(devices, mount("/dev/sdc1", "8:33"))), null);
  assert.match((await why("sdb", machine(devices, "", "/dev/sdb1 partition 99 0 -2\n"))) ?? "", /sdb1 is used as swap/);
});

test("a device that isn't there, or has no medium, is told", async () => {
  await assert.rejects(readTarget("sdz", machine({})), { code: "not-found" });
  await assert.rejects(readTarget("sdb", machine({ [USB]: disk({ size: 0 }) })), { code: "not-found" });
});
