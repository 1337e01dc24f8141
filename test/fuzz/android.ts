import { Buffer } from "node:buffer";
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { android } from "../../src/formats/android/android.ts";
import { assertWellFormed } from "../formats/invariants.ts";
import { contextOf, treeVolume } from "../formats/tree.ts";
import { fuzz } from "./campaign.ts";

const images = ["boot-v0", "boot-v1", "boot-v2", "boot-v3", "vendor_boot-v3", "vendor_boot-v4"].map((name) =>
  readFileSync(new URL(`../images/android/${name}.img`, import.meta.url)),
);
const misc = readFileSync(new URL("../corpus/android-slots/mmcblk0p7/misc.img", import.meta.url));

/** Numbers of headers are changed more often than anything else. */
const change = fc.record({
  at: fc.oneof(
    fc.nat(700).map((word) => word * 4),
    fc.nat(12_000),
  ),
  value: fc.oneof(fc.constantFrom(0, 1, 2, 3, 4, 0x7fffffff, 0xffffffff, 4096), fc.nat(0xffffffff)),
});
const damaged = (all: readonly Buffer[]) =>
  fc.tuple(fc.constantFrom(...all), fc.array(change, { maxLength: 5 }), fc.nat(20_000)).map(([image, changes, end]) => {
    const bytes = Buffer.from(image.subarray(0, Math.max(8, end)));
    for (const { at, value } of changes) if (at + 4 <= bytes.length) bytes.writeUInt32LE(value, at);
    return bytes;
  });

await fuzz({
  name: "android",
  input: fc.record({
    ...{ boot: damaged(images), other: damaged(images), vendor: damaged(images), init: damaged(images) },
    ...{
      misc: damaged([misc]),
      vbmeta: damaged([misc, images[0]!]),
      attributes: fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }),
    },
  }),
  async check({ boot, other, vendor, init, misc: record, vbmeta, attributes }) {
    const files = {
      ...{ "/boot_a.img": boot, "/boot_b.img": other, "/recovery.img": other, "/vendor_boot_a.img": vendor },
      ...{ "/init_boot.img": init, "/misc.img": record, "/vbmeta_a.img": vbmeta, "/vbmeta_b.img": boot },
    };
    const volume = treeVolume(files, { type: "android_boot", disk: "a", partition: 1 });
    const partitions = () => [{ number: 1, type: null, partuuid: null, attributes }];
    for (const path of ["/boot_a.img", "/boot_b.img"]) {
      assertWellFormed(await android.parse(path, { ...contextOf(volume), partitions }));
    }
  },
});
