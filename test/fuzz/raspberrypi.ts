import fc from "fast-check";
import { raspberryPi } from "../../src/formats/raspberrypi/raspberrypi.ts";
import { assertWellFormed } from "../formats/invariants.ts";
import { contextOf, treeVolume } from "../formats/tree.ts";
import { damaged, fuzz } from "./campaign.ts";

const value = fc.constantFrom(
  "k",
  "../k",
  "/k",
  "a,b",
  "new/",
  "config.txt",
  "1",
  "0",
  "2",
  "vc4,x=y",
  "u-boot.bin",
  "",
);
const key = fc.constantFrom(
  ...["kernel", "initramfs", "ramfsfile", "cmdline", "os_prefix", "overlay_prefix", "device_tree", "dtoverlay"],
  ...["include", "arm_64bit", "auto_initramfs", "upstream_kernel", "boot_partition", "armstub"],
);
const filter = fc.constantFrom(
  "[all]",
  "[none]",
  "[pi4]",
  "[pi5]",
  "[gpio4=1]",
  "[EDID=x]",
  "[partition=1]",
  "[",
  "[]",
);
const line = fc.oneof(
  filter,
  fc.tuple(key, fc.constantFrom("=", " ", " = "), value).map((parts) => parts.join("")),
);
const config = damaged(fc.array(line, { maxLength: 40 }).map((lines) => lines.join("\n")));

await fuzz({
  name: "raspberrypi",
  input: fc.record({ config, cmdline: config, arch: fc.constantFrom("x86_64", "aarch64", "arm") }),
  async check({ config: text, cmdline, arch }) {
    const files = { "/config.txt": text, "/cmdline.txt": cmdline, "/autoboot.txt": cmdline, "/new/k": "k", "/k": "k" };
    const volume = treeVolume(files, { disk: "a", partition: 1 });
    const platform = { arch, compatible: () => ["raspberrypi,4-model-b"] };
    assertWellFormed(await raspberryPi.parse("/config.txt", contextOf(volume, { platform })));
  },
});
