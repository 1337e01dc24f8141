import { Buffer } from "node:buffer";
import fc from "fast-check";
import { refind } from "../../src/formats/refind/refind.ts";
import { assertWellFormed } from "../formats/invariants.ts";
import { contextOf, treeVolume } from "../formats/tree.ts";
import { damaged, fuzz } from "./campaign.ts";

const KERNEL = Buffer.alloc(0x206);
KERNEL.write("HdrS", 0x202);

const word = fc.constantFrom(
  "/k",
  "\\EFI\\..\\k",
  '"a b"',
  '"',
  '""',
  "{",
  "}",
  "+",
  "1",
  "boot",
  "ESP:boot",
  "vmlinuz",
  "a,b",
  "#",
  "-1",
  "%v",
  "23:30",
);
const key = fc.constantFrom(
  ...[
    "menuentry",
    "submenuentry",
    "loader",
    "initrd",
    "options",
    "add_options",
    "volume",
    "disabled",
    "firmware_bootnum",
  ],
  ...["include", "timeout", "default_selection", "scanfor", "also_scan_dirs", "dont_scan_dirs", "dont_scan_files"],
  ...["dont_scan_volumes", "extra_kernel_version_strings", "scan_all_linux_kernels", "}"],
);
const config = damaged(
  fc
    .array(fc.tuple(key, fc.array(word, { maxLength: 4 })), { maxLength: 40 })
    .map((lines) => lines.map(([first, rest]) => [first, ...rest].join(" ")).join("\n")),
);

await fuzz({
  name: "refind",
  input: fc.record({ conf: config, options: config, name: fc.constantFrom("vmlinuz-1.2", "kernel", "bzImage-é") }),
  async check({ conf, options, name }) {
    const files = { "/EFI/refind/refind.conf": conf, "/EFI/refind/boot": conf, "/boot/refind_linux.conf": options };
    const volume = treeVolume({ ...files, [`/boot/${name}`]: KERNEL, "/boot/initrd-1.2": "i", "/k": KERNEL });
    for (const path of ["/EFI/refind/refind.conf", "/boot/refind_linux.conf"]) {
      assertWellFormed(await refind.parse(path, contextOf(volume)));
    }
  },
});
