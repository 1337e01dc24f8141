/**
 * Files that somebody made to fill memory and time, one or more for each language: what they cost is measured by
 * `npm run bench -- --only formats.bomb`. Each is a folder that stands for a stick.
 */

import { crc32 } from "../../src/binary/crc.ts";
import { makePe } from "../binary/pefile.ts";
import type { Files } from "../formats/tree.ts";
import { circlingIso, imageOf, many, record, rockRidge } from "../volumes/craftediso.ts";

export interface Bomb {
  readonly name: string;
  /**
   * The filesystem that the folder stands for; ext4 unless given. `disk`: its file /disk is a whole disk's content, and
   * `lvm`: its files /vgs and /lvs are what lvm says of physical volumes.
   */
  readonly type?: string;
  files(): Files;
}

const lines = (count: number, one: (index: number) => string): string => {
  let text = "";
  for (let index = 0; index < count; index++) text += one(index);
  return text;
};

const DIGITS = 'set d="0 1 2 3 4 5 6 7 8 9"\n';
const nested = (names: string, body: string): string =>
  `${DIGITS}${[...names].map((name) => `for ${name} in $d; do `).join("")}${body}${" done;".repeat(names.length)}\n`;

const grub = (name: string, text: () => string, more: () => Files = () => ({})): Bomb => ({
  name: `grub ${name}`,
  files: () => ({ "/boot/grub/grub.cfg": text(), ...more() }),
});

const GRUB: readonly Bomb[] = [
  grub(
    "long entries by loops",
    () => `set b="${"ж".repeat(5000)}"\n${nested("acefg", 'menuentry "x$a$c" { linux /k $b; }')}`,
  ),
  grub("empty entries by loops", () => nested("abcef", 'menuentry "$a$b$c$e$f" { linux /k; }')),
  grub("endless loop", () => "while true; do set a=b; done\n"),
  grub("endless recursion", () => "function f { f; f; }\nf\n"),
  grub("doubling a value", () => `set a=xxxxxxxxxxxxxxxx\n${'set a="$a$a"\n'.repeat(60)}`),
  grub("many variables", () => nested("abcef", "set v$a$b$c$e$f=1;")),
  grub("regular expressions", () => nested("abc", `regexp '(x+x+)+y' ${"x".repeat(200)};`)),
  grub(
    "regular expression of many groups",
    () => `${nested("ab", `regexp '${"(a*)*".repeat(300)}b' ${"a".repeat(5000)};`)}`,
  ),
  grub(
    "globs",
    () => nested("abc", "for x in /dir/*; do set y=$x; done;"),
    () => Object.fromEntries(Array.from({ length: 3000 }, (_, index) => [`/dir/${index}`, ""])),
  ),
  grub("sources itself", () => "source /boot/grub/grub.cfg\nsource /boot/grub/grub.cfg\nmenuentry a { linux /k }\n"),
  grub(
    "sources a long file",
    () => nested("abc", "source /boot/grub/long.cfg;"),
    () => ({
      "/boot/grub/long.cfg": `${"# comment\n".repeat(100_000)}set a=b\n`,
    }),
  ),
  grub("long file of comments", () => "# x\n".repeat(4_000_000)),
  grub("one long word", () => `set a=${"x".repeat(16_000_000)}\n`),
  grub("many short commands", () => "set a=b\n".repeat(2_000_000)),
  grub("nested quotes and braces", () => `${"if true; then ".repeat(50_000)}${"fi; ".repeat(50_000)}`),
  grub("deep submenus", () => `${'submenu "a" { '.repeat(20_000)}${"} ".repeat(20_000)}\n`),
  grub("open submenus with loops", () =>
    nested("abc", 'submenu "s$a" { for e in $d; do menuentry "x" { linux /k }; done; };'),
  ),
  grub(
    "entries that loop",
    () => `${DIGITS}${"menuentry a { while true; do set a=b; done; linux /k }\n".repeat(20_000)}`,
  ),
  grub("40,000 plain entries", () =>
    lines(40_000, (n) => `menuentry 'Linux ${n}' { linux /vmlinuz-${n} root=/dev/vda1 ro\n initrd /initrd-${n} }\n`),
  ),
  grub("wrong lines", () => "bogus command )\n".repeat(1_000_000)),
  grub("syntax errors", () => "}\n;;\n".repeat(1_000_000)),
  grub("faults with open braces", () => ") {\n".repeat(500_000)),
  grub("searches", () => nested("abcef", "search --set=root --file /x$a$b$c$e$f;")),
  grub(
    "reads its environment",
    () => nested("abcef", "load_env;"),
    () => ({
      "/boot/grub/grubenv": `# GRUB Environment Block\n${lines(50_000, (n) => `k${n}=v\n`)}`,
    }),
  ),
  grub("many modules", () => `menuentry a { multiboot /k\n${"module /m x\n".repeat(200_000)}}\n`),
  grub("many initrds", () => `menuentry a { linux /k\ninitrd ${"/i ".repeat(300_000)}\n}\n`),
  grub("evals", () => nested("abcef", 'eval "set a$a=b; set b=c";')),
  grub("tests", () => nested("abcef", "if [ -f /x$a -o -d /y -o -s /z$b ]; then true; fi;")),
  grub(
    "blscfg again and again",
    () => nested("abc", "blscfg;"),
    () =>
      Object.fromEntries(
        Array.from({ length: 500 }, (_, n) => [`/loader/entries/${n}.conf`, `title ${n}\nlinux /k\n`]),
      ),
  ),
];

const legacy = (name: string, text: () => string): Bomb => ({
  name: `grub-legacy ${name}`,
  files: () => ({ "/boot/grub/menu.lst": text() }),
});

const LEGACY: readonly Bomb[] = [
  legacy("titles", () => "title x\nkernel /k\n".repeat(900_000)),
  legacy("long titles", () => `title ${"x".repeat(60_000)}\nkernel /k ${"y".repeat(60_000)}\n`.repeat(130)),
  legacy("many modules", () => `title x\nkernel /k\n${"module /m\n".repeat(1_600_000)}`),
  legacy("many initrds", () => `title x\nkernel /k\ninitrd ${"/i ".repeat(5_000_000)}\n`),
  legacy("wrong lines", () => "title x\n".concat("bogus x\n".repeat(2_000_000))),
  legacy("continued lines", () => `title x\nkernel /k ${"\\\n".repeat(8_000_000)}`),
  legacy("comments", () => "#\n".repeat(8_000_000)),
  legacy("types before the file", () => `title x\nkernel ${"--a ".repeat(4_000_000)}\n`),
  legacy("spaces", () => `title x\nkernel${" ".repeat(16_000_000)}\n`),
];

const syslinux = (name: string, text: () => string, more: () => Files = () => ({})): Bomb => ({
  name: `syslinux ${name}`,
  type: "vfat",
  files: () => ({ "/syslinux/syslinux.cfg": text(), ...more() }),
});

const SYSLINUX: readonly Bomb[] = [
  syslinux(
    "append for all labels",
    () => `APPEND ${"x".repeat(65_000)}\n${lines(200_000, (n) => `LABEL a${n}\nKERNEL k\n`)}`,
  ),
  syslinux("labels", () => lines(170_000, (n) => `LABEL a${n}\nKERNEL k\n`)),
  syslinux("labels of one name", () => "LABEL a\nKERNEL k\n".repeat(230_000)),
  syslinux("includes itself", () => `${"INCLUDE /syslinux/syslinux.cfg\n".repeat(1000)}LABEL a\nKERNEL k\n`),
  syslinux(
    "includes a long file",
    () => "INCLUDE /syslinux/long.cfg\n".repeat(10_000),
    () => ({
      "/syslinux/long.cfg": "# comment\n".repeat(100_000),
    }),
  ),
  syslinux("comments", () => "#\n".repeat(2_000_000)),
  syslinux("wrong lines", () => "bogus x\n".repeat(500_000)),
  syslinux("one long line", () => `LABEL a\nKERNEL k\nAPPEND ${"initrd=x,".repeat(450_000)}\n`),
  syslinux("many initrds", () => `LABEL a\nKERNEL k\nAPPEND initrd=${"/i,".repeat(1_300_000)}\n`),
  syslinux("menus", () => lines(90_000, (n) => `MENU BEGIN m${n}\nLABEL a${n}\nKERNEL k\nMENU END\n`)),
  syslinux("menus in menus", () => `${"MENU BEGIN m\n".repeat(200_000)}LABEL a\nKERNEL k\n`),
  syslinux("help texts", () => `LABEL a\nKERNEL k\nTEXT HELP\n${"x\n".repeat(2_000_000)}ENDTEXT\n`),
  syslinux("function keys and aliases", () =>
    lines(80_000, (n) => `LABEL a${n}\nMENU LABEL ^${n}\nKERNEL a${n + 1}\n`),
  ),
  syslinux("long labels", () => lines(100, (n) => `LABEL ${"a".repeat(40_000)}${n}\nKERNEL k\n`)),
  syslinux("modules", () => `LABEL a\nKERNEL mboot.c32\nAPPEND /xen ${"--- /m x ".repeat(450_000)}\n`),
];

const bls = (name: string, files: () => Files): Bomb => ({ name: `bls ${name}`, type: "vfat", files });
const entries = (count: number, one: (index: number) => string): Files =>
  Object.fromEntries(Array.from({ length: count }, (_, n) => [`/loader/entries/e${n}.conf`, one(n)]));
const ENTRY = "title x\nlinux /k\n";

const BLS: readonly Bomb[] = [
  bls("keys", () => entries(400, () => `${ENTRY}${"a b\n".repeat(30_000)}`)),
  bls("options", () => entries(400, () => `${ENTRY}${"options a\n".repeat(12_000)}`)),
  bls("initrds", () => entries(400, () => `${ENTRY}${"initrd /i\n".repeat(12_000)}`)),
  bls("one entry of initrds in a folder", () => ({
    "/boot/loader/entries/a.conf": `${ENTRY}${lines(12_000, (n) => `initrd /i${n}\n`)}`,
  })),
  bls("entries", () => entries(20_000, (n) => `title ${n}\nlinux /k\n`)),
  bls("entries of one title", () => entries(20_000, () => ENTRY)),
  bls("environment", () => ({
    ...entries(50, () => `${ENTRY}options ${"$a ".repeat(600)}\n`),
    "/grub2/grubenv": `# GRUB Environment Block\na=${"y".repeat(1_000_000)}\n`,
  })),
  bls("environment of many keys", () => ({
    ...entries(300, (n) => `${ENTRY}options $k${n}\n`),
    "/grub2/grubenv": `# GRUB Environment Block\n${lines(200_000, (n) => `k${n}=v\n`)}`,
  })),
  bls("default patterns", () => ({
    ...entries(5000, (n) => `title ${n}\nlinux /k\n`),
    "/loader/loader.conf": `${lines(4000, () => `default ${"*a".repeat(100)}b\n`)}`,
  })),
  bls("a slow default pattern", () => ({
    ...Object.fromEntries(
      Array.from({ length: 2000 }, (_, n) => [`/loader/entries/${"a".repeat(200)}${n}.conf`, ENTRY]),
    ),
    "/loader/loader.conf": `default ${"*a".repeat(60)}b\npreferred ${"a*".repeat(60)}b\n`,
  })),
  bls("loader.conf of many lines", () => ({
    ...entries(1, () => ENTRY),
    "/loader/loader.conf": "timeout 0\n".repeat(1_500_000),
  })),
  bls("wrong loader.conf", () => ({
    ...entries(1, () => ENTRY),
    "/loader/loader.conf": "bogus 0\n".repeat(1_500_000),
  })),
  bls("entry in an efi program", () => ({
    ...entries(3000, () => "title x\nefi /p.efi\n"),
    "/p.efi": makePe([[".osrel", "x"]]),
  })),
];

const uki = (name: string, image: () => Uint8Array, more: () => Files = () => ({})): Bomb => ({
  name: `uki ${name}`,
  type: "vfat",
  files: () => ({ "/EFI/Linux/os.efi": image(), ...more() }),
});
const OSREL: readonly [string, string] = [".osrel", "ID=a\nNAME=b\nVERSION_ID=1\n"];
const LINUX: readonly [string, string] = [".linux", "k"];

const UKI: readonly Bomb[] = [
  uki("profiles", () =>
    makePe([OSREL, LINUX, ...Array.from({ length: 2000 }, (): [string, string] => [".profile", "ID=a\n"])]),
  ),
  uki("long cmdlines", () =>
    makePe([OSREL, LINUX, ...Array.from({ length: 400 }, (): [string, string] => [".cmdline", "x".repeat(60_000)])]),
  ),
  uki("long os-release", () => makePe([[".osrel", `ID=a\nNAME=b\n${"X=y\n".repeat(500_000)}`], LINUX])),
  uki("quotes in os-release", () => makePe([[".osrel", `ID=a\nNAME="${'\\"'.repeat(500_000)}"\n`], LINUX])),
  uki(
    "addons",
    () => makePe([OSREL, LINUX, [".cmdline", "a"]]),
    () =>
      Object.fromEntries(
        Array.from({ length: 1500 }, (_, n) => [
          `/EFI/Linux/os.efi.extra.d/${n}.addon.efi`,
          makePe([[".cmdline", "x".repeat(10_000)]]),
        ]),
      ),
  ),
  uki(
    "images",
    () => makePe([OSREL, LINUX]),
    () =>
      Object.fromEntries(
        Array.from({ length: 1000 }, (_, n) => [
          `/EFI/Linux/o${n}.efi`,
          makePe([OSREL, LINUX, [".cmdline", "x".repeat(30_000)]]),
        ]),
      ),
  ),
];

const yaml = (name: string, text: () => string): Bomb => ({
  name: `yaml ${name}`,
  type: "vfat",
  files: () => ({ "/baton.yaml": text() }),
});
const YAML_SIZE = 510_000;
const fill = (piece: string, size = YAML_SIZE): string => piece.repeat(Math.floor(size / piece.length));

const YAML: readonly Bomb[] = [
  yaml("brackets", () => "[".repeat(500_000)),
  yaml("brackets, 40 deep", () => `a: ${fill(`${"[".repeat(40)}${"]".repeat(40)}, `)}`),
  yaml("brackets, 40 deep, unclosed at each line", () => fill(`${"[".repeat(40)}\na: `, 400_000)),
  yaml("maps, 40 deep", () => `a: [${fill(`${"{a: ".repeat(40)}${"}".repeat(40)}, `, 200_000)}]\n`),
  yaml("4,800 keys", () => lines(4800, (n) => `k${n}: 1\n`)),
  yaml("100,000 keys", () => lines(100_000, (n) => `k${n}: 1\n`)),
  yaml("4,800 keys in a flow map", () => `a: {${lines(4800, (n) => `k${n}: 1, `)}}\n`),
  yaml("complex keys", () => lines(4000, (n) => `? [a, ${n}]\n: 1\n`)),
  yaml("one long plain scalar", () => `a: ${fill("x")}\n`),
  yaml("a plain scalar of many lines", () => `a:\n${fill(`  ${"x".repeat(50)}\n`)}`),
  yaml("a plain scalar of words", () => `a: ${fill("x ")}\n`),
  yaml("a double-quoted scalar", () => `a: "${fill("\\x41")}"\n`),
  yaml("a double-quoted scalar of lines", () => `a: "${fill(`${"x".repeat(50)}\n  `)}"\n`),
  yaml("a single-quoted scalar", () => `a: '${fill("''")}'\n`),
  yaml("an open quote", () => `a: "${fill("x ")}`),
  yaml("4,800 open quotes", () => lines(4800, () => `a: "${"x".repeat(40)}\n`)),
  yaml("a block scalar", () => `a: |\n${fill(`  ${"x".repeat(60)}\n`)}`),
  yaml("a folded block scalar", () => `a: >\n${fill(`  ${"x ".repeat(30)}\n`)}`),
  yaml("a block scalar of blank lines", () => `a: >\n  x\n${"\n".repeat(4900)}${fill(" ", 400_000)}`),
  yaml("comments", () => `${lines(4900, () => `# ${"x".repeat(48)}\n`)}a: 1\n`),
  yaml("one long comment", () => `a: 1 #${fill("x")}\n`),
  yaml("spaces", () => `a:${fill(" ")}b\n`),
  yaml("tabs", () => `a:${fill("\t")}b\n`),
  yaml("CR alone", () => fill("a: b\r")),
  yaml("CR and LF", () => fill("a: b\r\n", 29_000)),
  yaml("CR CR LF", () => `a: |\n${lines(4800, () => ` ${"\r".repeat(50)}\n`)}`),
  yaml("colons", () => fill("a:")),
  yaml("colons and spaces", () => fill("a: ")),
  yaml("questions", () => fill("? ")),
  yaml("dashes", () => fill("- ")),
  yaml("dashes in lines", () => fill("- a\n", 19_000)),
  yaml("tags", () => lines(4800, () => `- !!${"x".repeat(40)} a\n`)),
  yaml("a long tag", () => `a: !<${fill("x")}> b\n`),
  yaml("many tags on one node", () => `a: ${fill("!a ")}b\n`),
  yaml("many anchors on one node", () => `a: ${fill("&a ")}b\n`),
  yaml("anchors", () => lines(4800, (n) => `- &${"a".repeat(30)}${n} b\n`)),
  yaml("aliases", () => `${lines(4800, (n) => `a${n}: &a${n} b\n`)}${lines(90, () => "x: *a0\n")}`),
  yaml(
    "aliases that multiply",
    () =>
      `${["a0: &a0 [x, x, x, x, x, x, x, x, x, x]", ...Array.from({ length: 8 }, (_, n) => `a${n + 1}: &a${n + 1} [${`*a${n}, `.repeat(10)}]`), "entries: *a8"].join("\n")}\n`,
  ),
  yaml("merge keys", () => `a: &a {x: 1}\n${lines(90, (n) => `b${n}: {<<: *a}\n`)}${lines(4800, (n) => `c${n}: 1\n`)}`),
  yaml("documents", () => fill("---\n", 19_000)),
  yaml("directives", () => `${lines(4800, () => "%TAG ! x\n")}---\na: 1\n`),
  yaml("a long directive", () => `%YAML ${fill("x")}\n---\na: 1\n`),
  yaml("control characters", () => fill("\u0001")),
  yaml("percent signs", () => fill("%\n", 19_000)),
  yaml("backticks", () => lines(4800, () => `a: ${"`".repeat(40)}\n`)),
  yaml("closing brackets", () => fill("]")),
  yaml("closing brackets in lines", () => lines(4800, () => `a: ${"]".repeat(45)}\n`)),
  yaml("commas", () => `a: [${",".repeat(4900)}]\n`),
  yaml("bad indentation", () => lines(4800, (n) => `${" ".repeat(45 - (n % 45))}a: b\n`)),
  yaml("steps of indentation", () => lines(4800, (n) => `${" ".repeat(n % 45)}a:\n`)),
  yaml(
    "entries",
    () => `entries:\n${lines(1600, (n) => `- title: t${n}\n  linux: /k\n  options: ${"x".repeat(150)}\n`)}`,
  ),
  yaml("one entry of many keys", () => `entries:\n- title: t\n  linux: /k\n${lines(4800, () => `  initrd: /i\n`)}`),
  yaml("one entry of a long list", () => `entries:\n- title: t\n  linux: /k\n  initrd: [${"/i, ".repeat(4800)}]\n`),
  yaml("numbers", () => `a: ${fill("9")}\n`),
  yaml("a timestamp of digits", () => `a: 2001-12-14t21:59:43.${fill("1")}\n`),
  yaml("underscores", () => `a: 0x${fill("_")}g\n`),
];

const ini = (name: string, text: () => string): Bomb => ({
  name: `ini ${name}`,
  type: "vfat",
  files: () => ({ "/baton.ini": text() }),
});
const petitboot = (name: string, text: () => string): Bomb => ({
  name: `petitboot ${name}`,
  files: () => ({ "/boot/petitboot.conf": text() }),
});
const INI: readonly Bomb[] = [
  ini("sections", () => lines(60_000, (n) => `[${n}]\nlinux=k\n`)),
  ini("keys of one section", () => `[a]\nlinux=/k\n${"initrd=/i\n".repeat(100_000)}`),
  ini("wrong lines", () => "bogus\n".repeat(170_000)),
  ini("quotes", () => `[a]\nlinux="${'\\"'.repeat(500_000)}"\n`),
  ini("backslashes", () => `[a]\nlinux=${"\\".repeat(1_000_000)}\n`),
  ini("open brackets", () => "[".repeat(1_000_000)),
  petitboot("sections", () => lines(60_000, (n) => `[${n}]\nimage=k\n`)),
  petitboot("keys", () => `[a]\nimage=/k\n${"args=a\n".repeat(140_000)}`),
];

const ipxe = (name: string, body: () => string, more: () => Files = () => ({})): Bomb => ({
  name: `ipxe ${name}`,
  type: "vfat",
  files: () => ({ "/autoexec.ipxe": `#!ipxe\n${body()}`, ...more() }),
});
const IPXE: readonly Bomb[] = [
  ipxe("endless loop", () => ":a\nset b ${b}x\ngoto a\n"),
  ipxe("doubling a value", () => `set a xxxx\n${"set a ${a}${a}\n".repeat(500)}`),
  ipxe("settings inside one another", () => `echo ${"${".repeat(100_000)}a${"}".repeat(100_000)}\n`),
  ipxe("settings that lead to settings", () => `set a \${a}\${a}\n:b\necho ${"${a}".repeat(2000)}\ngoto b\n`),
  ipxe("one long line", () => `echo ${"x".repeat(2_000_000)}\n`),
  ipxe("words", () => `echo ${"x ".repeat(1_000_000)}\n`),
  ipxe("commands of one line", () => `${"isset a || ".repeat(100_000)}\n`),
  ipxe("lines", () => "\n".repeat(1_000_000)),
  ipxe("continued lines", () => "\\\n".repeat(500_000)),
  ipxe("wrong lines", () => "bogus x\n".repeat(200_000)),
  ipxe("labels", () => `${lines(100_000, (n) => `:l${n}\n`)}goto l99999\n`),
  ipxe("many settings", () => `${lines(40_000, (n) => `set v${n} \${v${n - 1}}x\n`)}`),
  ipxe(
    "a menu of many items",
    () =>
      `menu M\n${lines(20_000, (n) => `item i${n} Text ${n}\n`)}choose x && goto \${x}\n${lines(20_000, (n) => `:i${n}\nkernel k\nboot\n`)}`,
  ),
  ipxe(
    "menus that lead to menus",
    () => `:a\nmenu M\n${lines(200, (n) => `item i${n} Text\n`)}choose x\nset y \${y}\${x}\ngoto a\n`,
  ),
  ipxe(
    "items that loop",
    () =>
      `menu M\n${lines(5000, (n) => `item i${n} Text\n`)}choose x && goto \${x}\n${lines(5000, (n) => `:i${n}\ngoto i${n}\n`)}`,
  ),
  ipxe("chains itself", () => "chain /autoexec.ipxe ||\n".repeat(10_000)),
  ipxe(
    "chains a long file",
    () => "chain /long.ipxe ||\n".repeat(10_000),
    () => ({ "/long.ipxe": `#!ipxe\n${"# comment\n".repeat(50_000)}` }),
  ),
  ipxe(
    "chains many files",
    () => lines(20_000, (n) => `chain /s${n % 1000}.ipxe ||\n`),
    () =>
      Object.fromEntries(
        Array.from({ length: 1000 }, (_, n) => [`/s${n}.ipxe`, `#!ipxe\n${"set a b\n".repeat(5000)}`]),
      ),
  ),
  ipxe("many images", () => `${lines(20_000, (n) => `initrd --name i${n} /i${n}\n`)}kernel k\nboot\n`),
  ipxe(
    "long command lines",
    () => `menu M\n${lines(2000, (n) => `item i${n} T\n`)}choose x\nkernel k ${"x".repeat(60_000)}\nboot\n`,
  ),
  ipxe("questions", () => lines(20_000, (n) => `read v${n}\n`)),
  ipxe("forms", () => `params\n${lines(40_000, (n) => `param k${n} v\n`)}chain http://h/k##params\n`),
];

const sector = (...fields: readonly (readonly [at: number, value: number])[]): Buffer => {
  const bytes = Buffer.alloc(512);
  for (const [at, value] of fields) bytes.writeUInt32LE(value, at);
  bytes.writeUInt16LE(0xaa55, 510);
  return bytes;
};
/** An entry of an MBR's table: its type, first sector and count. */
const slot = (index: number, type: number, start: number, count: number): (readonly [number, number])[] => {
  const at = 0x1be + index * 16;
  return [
    [at + 4, type],
    [at + 8, start],
    [at + 12, count],
  ];
};
const disk = (name: string, image: () => Uint8Array): Bomb => ({
  name: `disk ${name}`,
  type: "disk",
  files: () => ({ "/disk": image() }),
});
/** A GPT behind its MBR: what its header says of its entries, and the bytes that follow. */
function gpt(count: number, entrySize: number, entries: Uint8Array): Uint8Array {
  const header = Buffer.alloc(512);
  header.write("EFI PART\0\0\x01\0", 0, "latin1");
  header.writeUInt32LE(92, 12);
  header.writeBigUInt64LE(1n, 24);
  header.writeBigUInt64LE(2n, 72);
  header.writeUInt32LE(count, 80);
  header.writeUInt32LE(entrySize, 84);
  header.writeUInt32LE(crc32(entries), 88);
  header.writeUInt32LE(crc32(header.subarray(0, 92)), 16);
  return Buffer.concat([sector(...slot(0, 0xee, 1, 0xffffffff)), header, entries, Buffer.alloc(8 << 20)]);
}
const chain = (links: number, next: (at: number) => number): Uint8Array =>
  Buffer.concat([
    sector(
      ...slot(0, 0x05, 1, 1 << 20),
      ...slot(1, 0x0f, 1, 1 << 20),
      ...slot(2, 0x85, 1, 1 << 20),
      ...slot(3, 0x05, 1, 9),
    ),
    ...Array.from({ length: links }, (_, at) =>
      sector(...slot(0, 0x83, 1, 1), ...slot(1, 0x83, 1, 1), ...slot(2, 0x83, 1, 1), ...slot(3, 0x05, next(at), 9)),
    ),
  ]);
const DISKS: readonly Bomb[] = [
  disk("a GPT of 4 G entries", () => gpt(0xffffffff, 128, Buffer.alloc(16 << 10))),
  disk("a GPT of entries of 4 GiB", () => gpt(128, 0xfffffff8, Buffer.alloc(16 << 10))),
  disk("a GPT of as many entries as are read", () => gpt(1024, 128, Buffer.alloc(128 << 10, 1))),
  disk("extended partitions in a circle", () => chain(8, (at) => (at + 1) % 8)),
  disk("extended partitions without an end", () => chain(40_000, (at) => at + 1)),
  disk("extended partitions all over the disk", () => chain(40_000, (at) => (at * 7919) % 40_000)),
  disk("tables inside one another", () =>
    Buffer.concat(
      Array.from({ length: 20_000 }, () => sector(...[0, 1, 2, 3].flatMap((n) => slot(n, 0x05, n, 1 << 20)))),
    ),
  ),
  disk("every sector a label of LVM", () =>
    Buffer.from("LABELONE".padEnd(24, "\0").concat("LVM2 001").padEnd(512, "\0").repeat(20_000), "latin1"),
  ),
];

/** As many as half a megabyte has room for that is read of it. @param volume the name of a segment's logical volume */
const lvm = (name: string, groups: number, segments: number, volume: (n: number) => string): Bomb => {
  const rows = (kind: string, all: readonly unknown[]): string => JSON.stringify({ report: [{ [kind]: all }] });
  const group = (n: number): { vg_name: string; vg_uuid: string } => ({ vg_name: `g${n}`, vg_uuid: `u${n}` });
  return {
    name: `lvm ${name}`,
    type: "lvm",
    files: () => ({
      "/vgs": rows(
        "vg",
        Array.from({ length: groups }, (_, n) => group(n)),
      ),
      "/lvs": rows(
        "lv",
        Array.from({ length: segments }, (_, n) => ({
          vg_uuid: `u${n % groups}`,
          lv_name: volume(n),
          segtype: "linear",
        })),
      ),
    }),
  };
};
const LVM: readonly Bomb[] = [
  lvm("volumes", 1, 7_500, (n) => `v${n}`),
  lvm("segments of one volume", 1, 7_500, () => "v"),
  lvm("groups", 7_500, 7_500, (n) => `v${n}`),
];

const iso = (name: string, image: () => Uint8Array): Bomb => ({
  name: `iso ${name}`,
  files: () => ({ "/tool.iso": image() }),
});
const ISO: readonly Bomb[] = [
  iso("records that go in circles", () => circlingIso(20_000)),
  iso("files", () => imageOf(many(300_000, (n) => record({ name: `F${n}.;1` })))),
  iso("folders that are the root", () =>
    imageOf(many(50_000, (n) => record({ name: `D${n}`, block: 18, size: 1 << 30, flags: 2 }))),
  ),
  iso("long names", () =>
    imageOf(
      many(20_000, (n) =>
        record({ name: `F${n}.;1`, systemUse: rockRidge("x".repeat(150), Buffer.alloc(0)).subarray(0, 0) }),
      ),
    ),
  ),
];

const MANY: readonly Bomb[] = [
  {
    name: "many small configurations",
    type: "vfat",
    files: () => ({
      "/boot/grub/grub.cfg": nested("abcef", 'menuentry "$a$b$c$e$f" { linux /k; }'),
      "/boot/grub2/grub.cfg": nested("abcef", 'menuentry "$a$b$c$e$f" { linux /k; }'),
      "/EFI/debian/grub.cfg": nested("abcef", 'menuentry "$a$b$c$e$f" { linux /k; }'),
      "/EFI/fedora/grub.cfg": nested("abcef", 'menuentry "$a$b$c$e$f" { linux /k; }'),
      "/EFI/ubuntu/grub.cfg": nested("abcef", 'menuentry "$a$b$c$e$f" { linux /k; }'),
      "/syslinux/syslinux.cfg": lines(200_000, (n) => `LABEL a${n}\nKERNEL k\n`),
      "/isolinux/isolinux.cfg": lines(200_000, (n) => `LABEL a${n}\nKERNEL k\n`),
      "/extlinux/extlinux.conf": lines(200_000, (n) => `LABEL a${n}\nKERNEL k\n`),
      "/baton.yaml": lines(4800, (n) => `k${n}: 1\n`),
      ...entries(5000, (n) => `title ${n}\nlinux /k\n`),
    }),
  },
  {
    name: "a thousand folders of entries",
    type: "vfat",
    files: () =>
      Object.fromEntries(
        Array.from({ length: 1000 }, (_, n) => [`/d${n}/loader/entries/a.conf`, `${ENTRY}${"a b\n".repeat(3000)}`]),
      ),
  },
];

export const BOMBS: readonly Bomb[] = [
  ...GRUB,
  ...LEGACY,
  ...SYSLINUX,
  ...BLS,
  ...UKI,
  ...YAML,
  ...INI,
  ...IPXE,
  ...DISKS,
  ...LVM,
  ...ISO,
  ...MANY,
];
