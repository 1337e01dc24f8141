import assert from "node:assert/strict";
import * as fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import fc from "fast-check";
import {
  compareDeviceNames,
  compareDevices,
  listBlockDevices,
  readBlockDevice,
  transportOf,
} from "../../src/devices/block.ts";

const base = fs.mkdtempSync(join(tmpdir(), "baton-sysfs-"));
after(() => fs.rmSync(base, { recursive: true, force: true }));

/** A sysfs with these devices: device path below /sys → attributes. */
function makeSysfs(devices: Record<string, Record<string, string | number>>): string {
  const root = fs.mkdtempSync(join(base, "sys-"));
  fs.mkdirSync(join(root, "class/block"), { recursive: true });
  for (const [path, attributes] of Object.entries(devices)) {
    for (const [name, value] of Object.entries(attributes)) {
      fs.mkdirSync(join(root, path, name, ".."), { recursive: true });
      fs.writeFileSync(join(root, path, name), `${value}\n`);
    }
    fs.symlinkSync(join("../..", path), join(root, "class/block", path.slice(path.lastIndexOf("/") + 1)));
  }
  return root;
}

const SATA = "devices/pci0000:00/0000:00:1f.2/ata1/host0/target0:0:0/0:0:0:0/block/sda";
const STICK = "devices/pci0000:00/0000:00:14.0/usb1/1-2/1-2:1.0/host6/target6:0:0/6:0:0:0/block/sdb";
const CARD = "devices/platform/soc/fe340000.mmc/mmc_host/mmc0/mmc0:aaaa/block/mmcblk0";

test("disks and their partitions are listed with what sysfs says of them", async () => {
  const sysfs = makeSysfs({
    [SATA]: { size: 1000, removable: 0, "device/model": "QEMU HARDDISK   ", "device/vendor": "ATA     " },
    [`${SATA}/sda2`]: { size: 300, partition: 2, start: 64, uevent: "DEVNAME=sda2\nDEVTYPE=partition" },
    [STICK]: { size: 99, removable: 1, "device/model": "Ultra", "device/vendor": "SanDisk " },
    [`${STICK}/sdb1`]: { size: 98, partition: 1, start: 1, uevent: "DEVTYPE=partition" },
    [CARD]: { size: 7, removable: 0, "device/name": "SD64G" },
    "devices/virtual/block/loop0": { size: 8, removable: 0, "loop/backing_file": "/a.iso" },
    "devices/pci0/cciss0/block/cciss!c0d0": { size: 9, removable: 0, uevent: "DEVNAME=cciss/c0d0" },
  });
  const devices = await listBlockDevices({ sysfs });
  const brief = devices.map((d) => [d.name, d.kind, d.size, d.transport, d.model, d.removable].join(" "));
  assert.deepEqual(brief, [
    "cciss!c0d0 disk 4608   false",
    "loop0 other 4096 loop /a.iso false",
    "mmcblk0 disk 3584 mmc SD64G false",
    "sda disk 512000 ata QEMU HARDDISK false",
    "sda2 partition 153600 ata QEMU HARDDISK false",
    "sdb disk 50688 usb SanDisk Ultra true",
    "sdb1 partition 50176 usb SanDisk Ultra true",
  ]);
  assert.equal(devices[0]?.node, "/dev/cciss/c0d0");
  assert.deepEqual(
    devices.filter((d) => d.disk).map((d) => [d.name, d.disk, d.partition, d.start]),
    [
      ["sda2", "sda", 2, 64 * 512],
      ["sdb1", "sdb", 1, 512],
    ],
  );
  assert.equal(readBlockDevice("sda2", sysfs)?.node, "/dev/sda2");
});

test("removable is what the kernel calls so, what is optical, and what hangs on USB or FireWire whatever it reports", async () => {
  const usb = STICK.replace(/sdb$/, "sdc");
  const sysfs = makeSysfs({
    [SATA]: { size: 9, removable: 0 },
    [STICK]: { size: 9, removable: 1 },
    [usb]: { size: 9, removable: 0 },
    [`${usb}/sdc1`]: { size: 8, partition: 1, uevent: "DEVTYPE=partition" },
    "devices/pci0/fw0/fw1/fw1.0/host7/target7:0:0/7:0:0:0/block/sdd": { size: 9, removable: 0 },
    "devices/pci0/ata2/host1/target1:0:0/1:0:0:0/block/sr0": { size: 9, removable: 0 },
    [CARD]: { size: 9, removable: 0 },
    "devices/platform/mmc_host/mmc1/mmc1:1/block/mmcblk1": { size: 9, removable: 1 },
  });
  const told = (await listBlockDevices({ sysfs })).map(
    ({ name, removable, isPluggable }) =>
      `${name} ${removable ? (isPluggable ? "by its cable" : "removable") : "built in"}`,
  );
  assert.deepEqual(told.sort(), [
    "mmcblk0 built in",
    "mmcblk1 removable",
    "sda built in",
    "sdb removable",
    "sdc by its cable",
    "sdc1 by its cable",
    "sdd by its cable",
    "sr0 removable",
  ]);
});

test("what the kernel makes of disks is removable as they are, and lies on the one disk that they are parts of", async () => {
  const usb = STICK.replace(/sdb$/, "sdc");
  const sysfs = makeSysfs({
    [SATA]: { size: 9, removable: 0 },
    [`${SATA}/sda1`]: { size: 8, partition: 1, uevent: "DEVTYPE=partition" },
    [`${SATA}/sda2`]: { size: 8, partition: 2, uevent: "DEVTYPE=partition" },
    [STICK]: { size: 9, removable: 1 },
    [usb]: { size: 9, removable: 0 },
    "devices/virtual/block/dm-0": { size: 8 },
    "devices/virtual/block/dm-1": { size: 8 },
    "devices/virtual/block/md0": { size: 8 },
    "devices/virtual/block/md1": { size: 8 },
  });
  const slaves = { "dm-0": [`${SATA}/sda1`, `${SATA}/sda2`], "dm-1": [usb], md0: [SATA, usb], md1: [STICK, usb] };
  for (const [name, parts] of Object.entries(slaves)) {
    const folder = join(sysfs, "devices/virtual/block", name, "slaves");
    fs.mkdirSync(folder);
    for (const part of parts) fs.symlinkSync(join(sysfs, part), join(folder, part.slice(part.lastIndexOf("/") + 1)));
  }
  const made = (await listBlockDevices({ sysfs })).filter(({ name }) => name in slaves);
  assert.deepEqual(
    made.map(({ name, removable, isPluggable = false, baseDisk = null }) => [name, removable, isPluggable, baseDisk]),
    [
      ["dm-0", false, false, "sda"],
      ["dm-1", true, true, "sdc"],
      ["md0", true, true, null],
      ["md1", true, false, null],
    ],
  );
});

test("logical volumes and opened containers have the names that GRUB has for them", async () => {
  const vg = "qOznpibJvkN5raA3db1RKMqZgfh6FovM";
  const lv = "DPr4BhDPgkvjWYp7y21NIu1KE10vAYaJ";
  const sysfs = makeSysfs({
    "devices/virtual/block/dm-0": {
      ...{ size: 9, "dm/name": "vda2_crypt" },
      "dm/uuid": "CRYPT-LUKS1-7a0b3c1d5e2f4d6a9b8c1f2e3d4c5b6a-vda2_crypt",
    },
    "devices/virtual/block/dm-1": { size: 9, "dm/name": "debian--vg-root", "dm/uuid": `LVM-${vg}${lv}` },
    "devices/virtual/block/dm-2": { size: 9, "dm/name": "by-hand" },
  });
  assert.deepEqual(
    (await listBlockDevices({ sysfs })).map(({ aliases }) => aliases),
    [
      ["cryptouuid/7a0b3c1d5e2f4d6a9b8c1f2e3d4c5b6a"],
      ["lvm/debian--vg-root", "lvmid/qOznpi-bJvk-N5ra-A3db-1RKM-qZgf-h6FovM/DPr4Bh-DPgk-vjWY-p7y2-1NIu-1KE1-0vAYaJ"],
      [],
    ],
  );
});

test("what holds nothing to boot is left out", async () => {
  const sysfs = makeSysfs({
    "devices/virtual/block/ram0": { size: 100 },
    "devices/virtual/block/zram0": { size: 100 },
    "devices/virtual/block/loop1": { size: 0 },
    "devices/platform/floppy.0/block/fd0": { size: 8 },
    "devices/a/nvme/nvme0/nvme0c0n1": { size: 100, hidden: 1 },
    [`${CARD.replace("mmcblk0", "")}mmcblk0rpmb`]: { size: 100 },
    "devices/virtual/block/strange": { nosize: 1 },
  });
  assert.deepEqual(await listBlockDevices({ sysfs }), []);
  assert.deepEqual(await listBlockDevices({ sysfs: join(base, "none") }), []);
  assert.equal(readBlockDevice("gone", sysfs), null);
});

test("the way a disk is attached is told from its device path", () => {
  const paths: Record<string, string | null> = {
    "/devices/pci0000:00/0000:00:02.0/virtio1/block/vda": "virtio",
    "/devices/pci0000:00/0000:00:04.0/virtio1/host2/target2:0:0/2:0:0:0/block/sda": "scsi",
    "/devices/pci0000:00/0000:00:1d.0/0000:02:00.0/nvme/nvme0/nvme0n1": "nvme",
    "/devices/virtual/nvme-subsystem/nvme-subsys0/nvme0n1": "nvme",
    "/devices/pci0000:00/0000:00:1.1/ata1/host0/target0:0:0/0:0:0:0/block/sr0": "ata",
    "/devices/virtual/block/md127": "md",
    "/devices/virtual/block/dm-0": "dm",
    "/devices/virtual/block/nbd0": "nbd",
    "/devices/platform/host1/session1/target1:0:0/1:0:0:1/block/sdc": "iscsi",
    "/devices/pci0000:00/0000:03:00.0/host1/port-1:0/end_device-1:0/target1:0:0/1:0:0:0/block/sdd": "sas",
    "/devices/platform/10000000.flash/mtd/mtd0/mtdblock0": "mtd",
    "/devices/LNXSYSTM:00/ndbus0/region0/namespace0.0/block/pmem0": "nvdimm",
    "/devices/vbd-51712/block/xvda": "xen",
    "/devices/odd/block/odd0": null,
  };
  for (const [path, transport] of Object.entries(paths)) assert.equal(transportOf(path), transport, path);
});

test("names are in natural order, letters as the kernel counts them", () => {
  const ordered =
    "mmcblk0 mmcblk0boot0 mmcblk0p1 nvme0n1 nvme0n1p2 nvme0n1p10 nvme0n2 nvme1n1 sd sda sda1 sda2 sda10 sdb sdz sdaa sdaa1 sdab sr0 vda vda1 vdb";
  const names = ordered.split(" ");
  assert.deepEqual([...names].reverse().sort(compareDeviceNames), names);
  const name = fc.stringMatching(/^(sd|vd|nvme|md)?[a-c]{0,2}[0-2]{0,2}(p[0-9])?$/);
  fc.assert(
    fc.property(name, name, name, (a, b, c) => {
      assert.equal(Math.sign(compareDeviceNames(a, b)), -Math.sign(compareDeviceNames(b, a)) + 0);
      if (compareDeviceNames(a, b) <= 0 && compareDeviceNames(b, c) <= 0) assert.ok(compareDeviceNames(a, c) <= 0);
    }),
  );
});

test("disks of a kind are in the order in which they are attached, whatever names they were given at this start", () => {
  const pci = "/devices/pci0000:00/0000:00";
  const ordered = [
    { name: "nvme1n1", path: `${pci}:02.0/nvme/nvme1/nvme1n1` },
    { name: "nvme0n1", path: `${pci}:1d.0/0000:05:00.0/nvme/nvme0/nvme0n1` },
    { name: "sdb", path: `${pci}:1f.2/ata2/host1/target1:0:0/1:0:0:0/block/sdb` },
    { name: "sdb1", path: `${pci}:1f.2/ata2/host1/target1:0:0/1:0:0:0/block/sdb` },
    { name: "sda", path: `${pci}:1f.2/ata10/host9/target9:0:0/9:0:0:0/block/sda` },
    { name: "vdc", path: `${pci}:09.0/virtio2/block/vdc` },
    { name: "vdc1", path: `${pci}:09.0/virtio2/block/vdc` },
    { name: "vdc10", path: `${pci}:09.0/virtio2/block/vdc` },
    { name: "vda", path: `${pci}:0a.0/virtio3/block/vda` },
    { name: "vdb", path: `${pci}:10.0/virtio10/block/vdb` },
  ];
  assert.deepEqual([...ordered].reverse().sort(compareDevices), ordered);
  // Without paths the names decide.
  assert.ok(compareDevices({ name: "vda" }, { name: "vdb" }) < 0);
});
