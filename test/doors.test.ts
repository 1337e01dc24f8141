/** The doors of the house (docs/architecture.md, "The house"): which room may import which. */

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { test } from "node:test";

/** The rooms that join others: they may import everything, and no other room imports them. */
const COMPOSITIONS = ["main", "init", "commands"];
/** Imported by all; import nothing above themselves. */
const GROUND = [
  "bunzip",
  "entry",
  "errors",
  "firmwareprograms",
  "glob",
  "identity",
  "inifile",
  "yamlfile",
  "log",
  "status",
  "text",
  "thread",
  "version",
  "yamlparse",
];

/** Room → rooms it may import, besides the ground and itself. */
const DOORS: Readonly<Record<string, readonly string[]>> = {
  linux: [],
  binary: [],
  devices: ["linux", "binary/crc"],
  // A volume is a Reader over a device.
  volumes: ["linux", "devices/device", "formats/reader", "formats/format", "binary/readat"],
  formats: ["binary"],
  net: ["linux"],
  fetch: ["linux", "formats/reader"],
  // The names under `keys:` are those of the menu's table.
  policy: ["menu/actions"],
  trust: ["binary"],
  images: ["binary", "formats/reader"],
  kexec: ["linux", "binary", "images/segment", "images/x86boot"],
  // Which filesystems may be written is a column of the one table of filesystems.
  state: ["linux", "volumes/filesystems"],
  // GRUB's core image in a boot sector is LZMA.
  discovery: ["devices", "volumes", "formats", "policy", "state", "linux", "images/lzma", "images/output"],
  // Trees on servers are read as those on disks are: the same choice among configurations, the same ISO reader. Drivers
  // and links of this machine's own network are machinenetwork.ts's alone.
  netboot: [
    ...[
      "formats",
      "images",
      "fetch",
      "net",
      "policy",
      "binary/readat",
      "volumes/iso",
      "devices/modules",
      "linux/deadline",
    ],
    ...["discovery/discovery", "discovery/isofiles", "discovery/scan"],
  ],
  // Of a volume only where its files can be opened, never what was discovered on it.
  loader: ["images", "kexec", "binary", "linux", "volumes/volume", "trust"],
  session: ["policy", "loader", "state", "kexec", "menu/model", "linux/deadline"],
  menu: ["linux"],
  // One more console: the menu's own actions, behind its own guards.
  remote: ["menu/actions", "menu/guard", "menu/model"],
};

/** Room → those of its doors behind which only types are for it: what it works on, not what it calls. */
const TYPES_ONLY: Readonly<Record<string, readonly string[]>> = { loader: ["volumes/volume"] };

/** Node's own modules that a pure room may use. */
const PURE = ["formats", "images", "policy", "trust", "binary", ...GROUND];
const PURE_NODE = ["node:path/posix", "node:buffer", "node:crypto", "node:zlib", "node:worker_threads"];

/** Package → the only room that may import it. */
const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  koffi: ["linux"],
  blessed: ["menu"],
  "get-east-asian-width": ["menu"],
  "qrcode-generator": ["menu"],
  yaml: ["yamlparse"],
  ini: ["inifile"],
  zstddec: ["images"],
  "seek-bzip": ["bunzip"],
  "xz-decompress": ["images"],
};

interface Import {
  readonly from: string;
  readonly room: string;
  readonly target: string;
  readonly isType: boolean;
}

function imports(): Import[] {
  const files = readdirSync("src", { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".ts"));
  return files.flatMap((name) => {
    const text = readFileSync(join("src", name), "utf8");
    const found = text.matchAll(
      /(?:^(?:import|export)\b[^"';]*?from\s+|^import\s+|\bimport\s*\(\s*|\brequire\s*\(\s*)"([^"$]+)"/gm,
    );
    return [...found].map((match) => ({
      from: name,
      room: name.includes("/") ? name.split("/")[0]! : name.replace(/\.ts$/, ""),
      isType: /^(import|export) type\b/.test(match[0]),
      target: match[1]!.startsWith(".") ? normalize(join(dirname(name), match[1]!)).replace(/\.ts$/, "") : match[1]!,
    }));
  });
}

const roomOf = (target: string): string => target.split("/")[0]!;
const isPackage = (target: string): boolean => !target.startsWith("node:") && !isOurs(target);
const isOurs = (target: string): boolean =>
  [...COMPOSITIONS, ...GROUND, ...Object.keys(DOORS)].includes(roomOf(target));

test("every file in src stands in a room of the house", () => {
  const rooms = new Set(imports().map(({ room }) => room));
  for (const room of rooms) {
    assert.ok(
      [...COMPOSITIONS, ...GROUND, ...Object.keys(DOORS)].includes(room),
      `src/${room} is no room of the house`,
    );
  }
});

test("rooms are entered only through their doors", () => {
  for (const { from, room, target } of imports()) {
    if (!isOurs(target) || roomOf(target) === room || COMPOSITIONS.includes(room)) continue;
    const open = [...GROUND, ...(DOORS[room] ?? [])];
    const allowed = open.some((door) => target === door || target.startsWith(`${door}/`));
    assert.ok(allowed, `src/${from} imports ${target}: ${room} has no door there`);
  }
});

test("formats, images, policy, trust and binary see no files, devices or network of their own", () => {
  for (const { from, room, target } of imports()) {
    if (!PURE.includes(room) || !target.startsWith("node:")) continue;
    assert.ok(PURE_NODE.includes(target), `src/${from} imports ${target}, which a pure room may not`);
  }
});

test("every package is imported only where it does its work", () => {
  for (const { from, room, target } of imports()) {
    if (!isPackage(target)) continue;
    const name = target.split("/")[0]!;
    assert.ok(PACKAGES[name]?.includes(room), `src/${from} imports the package ${target}`);
  }
});

test("of some rooms another sees the types alone", () => {
  for (const { from, room, target, isType } of imports()) {
    if (!TYPES_ONLY[room]?.includes(target)) continue;
    assert.ok(isType, `src/${from} imports more than types of ${target}`);
  }
});

test("nothing imports the rooms that join others", () => {
  for (const { from, room, target } of imports()) {
    if (COMPOSITIONS.includes(room) || !isOurs(target)) continue;
    assert.ok(!COMPOSITIONS.includes(roomOf(target)), `src/${from} imports ${target}`);
  }
});

test("no files import each other in a circle, types included", () => {
  const targets = new Map<string, string[]>();
  for (const { from, target } of imports()) {
    const file = from.replace(/\.ts$/, "");
    targets.set(file, [...(targets.get(file) ?? []), target]);
  }
  const done = new Set<string>();
  const visit = (file: string, way: readonly string[]): void => {
    const start = way.indexOf(file);
    assert.ok(start < 0, `these import each other in a circle: ${[...way.slice(start), file].join(" → ")}`);
    if (done.has(file)) return;
    for (const target of targets.get(file) ?? []) visit(target, [...way, file]);
    done.add(file);
  };
  for (const file of targets.keys()) visit(file, []);
});
