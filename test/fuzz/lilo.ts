import fc from "fast-check";
import { kexecboot } from "../../src/formats/kexecboot.ts";
import { elilo, lilo } from "../../src/formats/lilo/lilo.ts";
import { assertWellFormed } from "../formats/invariants.ts";
import { contextOf, treeVolume } from "../formats/tree.ts";
import { damaged, fuzz } from "./campaign.ts";

const key = fc.constantFrom(
  ...[
    "image",
    "label",
    "root",
    "append",
    "addappend",
    "literal",
    "initrd",
    "default",
    "timeout",
    "delay",
    "prompt",
    "other",
  ],
  ...[
    "read-only",
    "read-write",
    "vmm",
    "password",
    "restricted",
    "map",
    "LABEL",
    "KERNEL",
    "CMDLINE",
    "PRIORITY",
    "DEFAULT",
  ],
);
const value = fc.constantFrom(
  "/k",
  "../k",
  "\\EFI\\k",
  '"a b"',
  '"',
  '"\\"',
  "a",
  "A",
  "-1",
  "99999999999",
  "# x",
  "a,b",
  "dev:/k",
  "",
);
const line = fc.tuple(key, fc.constantFrom("=", " = ", " ", ""), value).map((parts) => parts.join(""));
const config = damaged(fc.array(line, { maxLength: 40 }).map((lines) => lines.join("\n")));

await fuzz({
  name: "lilo",
  input: fc.record({ config }),
  async check({ config: text }) {
    const files = { "/etc/lilo.conf": text, "/EFI/x/elilo.conf": text, "/boot/boot.cfg": text, "/boot/map": "" };
    const context = contextOf(treeVolume(files));
    assertWellFormed(await lilo.parse("/etc/lilo.conf", context));
    assertWellFormed(await elilo.parse("/EFI/x/elilo.conf", context));
    assertWellFormed(await kexecboot.parse("/boot/boot.cfg", context));
  },
});
