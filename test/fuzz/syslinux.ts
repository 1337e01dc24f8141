import fc from "fast-check";
import { pxelinux } from "../../src/formats/syslinux/pxelinux.ts";
import { syslinux } from "../../src/formats/syslinux/syslinux.ts";
import { assertWellFormed } from "../formats/invariants.ts";
import { contextOf, treeVolume } from "../formats/tree.ts";
import { damaged, fuzz } from "./campaign.ts";

const name = fc.constantFrom(
  "a",
  "b",
  "Linux two",
  "^x",
  "/vmlinuz",
  "../k",
  "x.cfg",
  "y.cfg",
  "-",
  "~",
  "::k",
  "h::k",
  "",
);
const file = fc.oneof(
  name,
  fc.constantFrom(
    "menu.c32",
    "vesamenu.c32",
    "mboot.c32",
    "linux.c32",
    "whichsys.c32",
    "ifcpu64.c32",
    "memdisk",
    "k.0",
  ),
);
const args = fc
  .array(fc.oneof(name, fc.constantFrom("--", "---", "-sys-", "-iso-", "initrd=a,b", "$" + "{v}", "iso", "quiet")), {
    maxLength: 5,
  })
  .map((parts) => parts.join(" "));
const number = fc.oneof(fc.nat(1000).map(String), fc.constantFrom("0", "-1", "0x3", "99999999999999999999", "x"));
const directive = fc.oneof(
  { weight: 5, arbitrary: name.map((n) => `LABEL ${n}`) },
  fc
    .tuple(fc.constantFrom("KERNEL", "LINUX", "COM32", "CONFIG", "BOOT", "LOCALBOOT", "PXE", "kernel"), file)
    .map(([k, f]) => `  ${k} ${f}`),
  args.map((a) => `  APPEND ${a}`),
  fc
    .tuple(
      fc.constantFrom("INITRD", "FDT", "FDTDIR", "FDTOVERLAYS", "DEFAULT", "ONTIMEOUT", "ONERROR", "UI", "INCLUDE"),
      fc.oneof(file, args),
    )
    .map(([k, f]) => `${k} ${f}`),
  fc
    .tuple(
      fc.constantFrom("TIMEOUT", "TOTALTIMEOUT", "PROMPT", "NOESCAPE", "IMPLICIT", "SYSAPPEND", "IPAPPEND"),
      number,
    )
    .map(([k, n]) => `${k} ${n}`),
  fc
    .tuple(
      fc.constantFrom(
        "LABEL",
        "BEGIN",
        "END",
        "DEFAULT",
        "HIDE",
        "DISABLE",
        "SEPARATOR",
        "GOTO",
        "EXIT",
        "INCLUDE",
        "TITLE",
        "START",
        "SAVE",
      ),
      name,
    )
    .map(([k, n]) => `MENU ${k} ${n}`),
  fc.constantFrom("TEXT HELP", "ENDTEXT", "# comment", "", "\t", "F1 x", "menu begin"),
);
const config = damaged(fc.array(directive, { maxLength: 40 }).map((lines) => lines.join("\n")));

await fuzz({
  name: "syslinux",
  input: fc.record({ main: config, x: config, y: config, arch: fc.constantFrom("x86_64", "aarch64") }),
  async check({ main, x, y, arch }) {
    const files = { "/syslinux/x.cfg": x, "/syslinux/y.cfg": y, "/x.cfg": y, "/pxelinux.cfg/default": main };
    for (const path of ["/syslinux/syslinux.cfg", "/extlinux.conf"]) {
      const volume = treeVolume({ ...files, [path]: main }, { uuid: "1234" });
      assertWellFormed(await syslinux.parse(path, contextOf(volume, { platform: { arch } })));
    }
    const volume = treeVolume(files);
    assertWellFormed(await pxelinux.parse("/pxelinux.cfg/default", contextOf(volume)));
  },
});
