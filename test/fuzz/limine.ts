import fc from "fast-check";
import { limine } from "../../src/formats/limine/limine.ts";
import { assertWellFormed } from "../formats/invariants.ts";
import { contextOf, treeVolume } from "../formats/tree.ts";
import { damaged, fuzz } from "./campaign.ts";

const mark = fc.constantFrom("/", "//", "///", "/+", ":", "::", ":+", "/".repeat(40));
const path = fc
  .tuple(
    fc.constantFrom(
      "boot()",
      "boot(2)",
      "hdd(1:2)",
      "odd(1:)",
      "guid(1234)",
      "fslabel(x)",
      "tftp()",
      "tftp(h)",
      "$boot()",
    ),
    fc.constantFrom(":/k", ":/../k", ":///", "://1/k", ":/k#abcd", ":/u.efi", ":/\u0000"),
  )
  .map((parts) => parts.join(""));
const text = fc.oneof(
  path,
  fc.constantFrom("1", "2", "A/B", "A#1", "\\", "no", "yes", "${M}", "${", "a=b c", "linux", "efi", "bios"),
);
const key = fc.constantFrom(
  ...["protocol", "path", "kernel_path", "module_path", "module_string", "cmdline", "image_path", "dtb_path", "entry"],
  ...["default_entry", "timeout", "quiet", "if_arch", "global_dtb", "comment"],
);
const line = fc.oneof(
  fc.tuple(mark, fc.constantFrom("A", "B", "", " x ", "#")).map((parts) => parts.join("")),
  fc.tuple(key, fc.constantFrom(": ", ":", "="), text).map((parts) => parts.join("")),
  fc.tuple(fc.constantFrom("${M}", "${N}", "${}"), text).map((parts) => parts.join("=")),
);
const config = damaged(fc.array(line, { maxLength: 40 }).map((lines) => lines.join("\n")));

await fuzz({
  name: "limine",
  input: fc.record({
    text: config,
    arch: fc.constantFrom("x86_64", "aarch64"),
    firmware: fc.constantFrom("efi", "pc"),
  }),
  async check({ text: content, arch, firmware }) {
    const volume = treeVolume({ "/limine.conf": content, "/boot/limine.cfg": content, "/u.efi": content });
    const platform = { arch, firmware };
    for (const at of ["/limine.conf", "/boot/limine.cfg"]) {
      assertWellFormed(await limine.parse(at, contextOf(volume, { platform })));
    }
  },
});
