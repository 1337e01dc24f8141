import { Buffer } from "node:buffer";
import fc from "fast-check";
import { bareKernels } from "../../src/formats/barekernels.ts";
import { loaders } from "../../src/formats/loaders.ts";
import { ostree } from "../../src/formats/ostree.ts";
import { snapshots } from "../../src/formats/snapshots.ts";
import { assertWellFormed } from "../formats/invariants.ts";
import { contextOf, treeVolume } from "../formats/tree.ts";
import { damaged, fuzz } from "./campaign.ts";

const KERNEL = Buffer.alloc(0x206);
KERNEL.write("HdrS", 0x202);

const name = fc.constantFrom(
  ...[
    "vmlinuz",
    "vmlinuz-1",
    "vmlinuz-1.2~rc1",
    "bzImage",
    "Image",
    "initrd",
    "initrd-1",
    "initramfs-1.2~rc1.img",
    "linux",
    "é",
  ],
);
const folder = fc.constantFrom(
  "/",
  "/boot/",
  "/@/",
  "/ostree/boot.0/os/a/0/usr/lib/modules/1/",
  "/ostree/boot.1/",
  "/EFI/OC/",
  "/@/.snapshots/1/snapshot/boot/",
  "/timeshift-btrfs/snapshots/1-1_1/@/boot/",
  "/b/boot/",
);
const file = fc.tuple(folder, name).map((parts) => parts.join(""));
const content = fc.oneof(damaged(fc.constant(KERNEL.toString("latin1"))), fc.constant(KERNEL));

await fuzz({
  name: "barekernels",
  input: fc.record({
    files: fc.dictionary(file, content, { maxKeys: 8 }),
    osRelease: damaged(fc.constant('PRETTY_NAME="A"\nID=a\nVERSION_ID=1\n')),
    config: damaged(fc.constantFrom("menu=x", "[boot loader]", "kernel=b.b00", "ANDROID!")),
    info: damaged(
      fc.constantFrom("<date>1</date><description>&amp;a</description>", '{"comments":"x"}', "[null]", "null"),
    ),
  }),
  async check({ files, osRelease, config, info }) {
    const own = { ...files, "/etc/os-release": osRelease, "/sbin/init": "x", "/ostree/deploy/os/x": "" };
    const volume = treeVolume({ ...own, "/boot.cfg": config, "/boot.ini": config, "/boot.img": config }, { uuid: "u" });
    const facts = { uuid: "u", type: "btrfs", subvolumes: async () => [{ path: "b", snapshotOf: "", readOnly: true }] };
    const titles = { "/@/.snapshots/1/info.xml": info, "/timeshift-btrfs/snapshots/1-1_1/info.json": info };
    const btrfs = treeVolume({ ...files, ...titles }, facts);
    for (const path of await snapshots.find(btrfs)) assertWellFormed(await snapshots.parse(path, contextOf(btrfs)));
    for (const format of [bareKernels, ostree, loaders]) {
      for (const path of await format.find(volume)) assertWellFormed(await format.parse(path, contextOf(volume)));
    }
  },
});
