import { Buffer } from "node:buffer";
import fc from "fast-check";
import { bareKernels } from "../../src/formats/barekernels.ts";
import { loaders } from "../../src/formats/loaders.ts";
import { ostree } from "../../src/formats/ostree.ts";
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
);
const file = fc.tuple(folder, name).map((parts) => parts.join(""));
const content = fc.oneof(damaged(fc.constant(KERNEL.toString("latin1"))), fc.constant(KERNEL));

await fuzz({
  name: "barekernels",
  input: fc.record({
    files: fc.dictionary(file, content, { maxKeys: 8 }),
    osRelease: damaged(fc.constant('PRETTY_NAME="A"\nID=a\nVERSION_ID=1\n')),
    config: damaged(fc.constantFrom("menu=x", "[boot loader]", "kernel=b.b00", "ANDROID!")),
  }),
  async check({ files, osRelease, config }) {
    const own = { ...files, "/etc/os-release": osRelease, "/sbin/init": "x", "/ostree/deploy/os/x": "" };
    const volume = treeVolume({ ...own, "/boot.cfg": config, "/boot.ini": config, "/boot.img": config }, { uuid: "u" });
    for (const format of [bareKernels, ostree, loaders]) {
      for (const path of await format.find(volume)) assertWellFormed(await format.parse(path, contextOf(volume)));
    }
  },
});
