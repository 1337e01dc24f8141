/** How fast configurations are read, against the tools of those who made the formats. */

import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { BatonError } from "../../src/errors.ts";
import type { FormatVolume } from "../../src/formats/format.ts";
import { grub } from "../../src/formats/grub/grub.ts";
import { grubConfig } from "../vm/grub.ts";
import { ROOT } from "../vm/host.ts";
import { type Figure, type Group, median } from "./figures.ts";

const run = promisify(execFile);
const UUID = "5a6b1c2d-00bf-4000-8000-0000000000bf";
const ROUNDS = 7;
/** Baton's own list from a plain directory, as a person would call it. */
const PROGRAM = join(ROOT, "dist/baton.cjs");

async function measure(wanted: (name: string) => boolean, say: (text: string) => void): Promise<Figure[]> {
  const directory = mkdtempSync(join(tmpdir(), "baton-bench-"));
  try {
    const figures: Figure[] = [];
    if (wanted("formats.grubParseRatio")) figures.push(await grubParse(directory));
    if (wanted("formats.blsListRatio")) figures.push(...(await blsList(directory, say)));
    if (wanted("formats.firstEntryMs")) figures.push(await firstEntry(directory));
    return figures;
  } finally {
    rmSync(directory, { recursive: true });
  }
}

export const formatsGroup: Group = { prefixes: ["formats."], measure };

/** Reading 3,000 entries in this process, warm, and the same file to grub-script-check less its start. */
async function grubParse(directory: string): Promise<Figure> {
  const linux = `/boot/vmlinuz root=UUID=${UUID} ro quiet`;
  const entries = Array.from({ length: 1500 }, (_, number) => ({
    title: `Debian GNU/Linux, with Linux 6.1.0-${number}-amd64`,
    id: `gnulinux-6.1.0-${number}-amd64-advanced-${UUID}`,
    linux,
    initrd: `/boot/initrd.img-6.1.0-${number}-amd64`,
  }));
  // The first of each menu stands outside its submenu.
  const text = entries.map((entry) => grubConfig(UUID, [entry])).join("");
  const file = join(directory, "large.cfg");
  const empty = join(directory, "empty.cfg");
  writeFileSync(file, text);
  writeFileSync(empty, "true\n");

  const volume = volumeOf("/boot/grub/grub.cfg", Buffer.from(text));
  const platform = { firmware: "pc", arch: "x86_64" } as const;
  const own: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const started = performance.now();
    const { entries: found } = await grub.parse("/boot/grub/grub.cfg", { volume, volumes: [volume], platform });
    own.push(performance.now() - started);
    if (found.length !== entries.length * 2)
      throw new Error(`${found.length} entries were read of ${entries.length * 2}`);
  }
  const check = async (path: string) => median(await repeat(() => run("grub-script-check", [path])));
  const theirs = (await check(file)) - (await check(empty));
  const size = (Buffer.byteLength(text) / 2 ** 20).toFixed(1);
  return {
    name: "formats.grubParseRatio",
    value: median(own) / theirs,
    meaning: `reading a grub.cfg of ${size} MiB to its list of entries ${median(own).toFixed(0)} ms, to grub-script-check's parsing of it ${theirs.toFixed(0)} ms`,
    target: null,
  };
}

/** Both as processes, their start included. */
async function blsList(directory: string, say: (text: string) => void): Promise<Figure[]> {
  const esp = join(directory, "esp");
  mkdirSync(join(esp, "loader/entries"), { recursive: true });
  mkdirSync(join(esp, "EFI/systemd"), { recursive: true });
  for (let number = 0; number < 300; number++) {
    const lines = [
      `title Debian ${number}`,
      `version 6.1.0-${number}`,
      "sort-key debian",
      "linux /linux",
      "options ro",
    ];
    writeFileSync(join(esp, `loader/entries/debian-${number}.conf`), `${lines.join("\n")}\n`);
  }
  writeFileSync(join(esp, "linux"), "MZ");
  const env = { ...process.env, SYSTEMD_RELAX_ESP_CHECKS: "1" };
  const bootctl = () => run("bootctl", [`--esp-path=${esp}`, "list", "--json=short"], { env, maxBuffer: 1 << 26 });
  try {
    await bootctl();
  } catch {
    say("formats.blsListRatio is left out: there is no bootctl here, or it refuses a directory");
    return [];
  }
  const theirs = median(await repeat(bootctl));
  const own = median(await repeat(() => list(esp, "vfat")));
  return [
    {
      name: "formats.blsListRatio",
      value: own / theirs,
      meaning: `listing 300 entries: baton list ${own.toFixed(0)} ms, to bootctl list ${theirs.toFixed(0)} ms (start of both included)`,
      target: null,
    },
  ];
}

async function firstEntry(directory: string): Promise<Figure> {
  const root = join(directory, "root");
  mkdirSync(join(root, "boot/grub"), { recursive: true });
  const linux = `/boot/vmlinuz root=UUID=${UUID} ro quiet`;
  const entry = { title: "Debian GNU/Linux", id: "simple", linux, initrd: "/boot/initrd.img" };
  writeFileSync(join(root, "boot/grub/grub.cfg"), grubConfig(UUID, [entry]));
  writeFileSync(join(root, "boot/vmlinuz"), "MZ");
  writeFileSync(join(root, "boot/initrd.img"), "");
  return {
    name: "formats.firstEntryMs",
    value: median(await repeat(() => list(root, "ext4"))),
    meaning: "baton list of one directory with a grub.cfg: start → list printed, milliseconds on this host",
    target: null,
  };
}

function list(directory: string, type: string): Promise<unknown> {
  const disk = `vda1=${directory},uuid=${UUID},type=${type}`;
  return run(process.execPath, [PROGRAM, "list", "--json", "--disk", disk], { maxBuffer: 1 << 26 });
}

/** Milliseconds of each of some runs, after one that isn't counted. */
async function repeat(work: () => Promise<unknown>): Promise<number[]> {
  await work();
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const started = performance.now();
    await work();
    times.push(performance.now() - started);
  }
  return times;
}

/** A volume with one file, in memory. */
function volumeOf(path: string, bytes: Uint8Array): FormatVolume {
  const missing = (name: string) => new BatonError("not-found", `${name}: there is no such file`);
  const reader: FormatVolume["reader"] = {
    read: async (name) => {
      if (name !== path) throw missing(name);
      return bytes;
    },
    readAt: async (name, offset, length) => {
      if (name !== path) throw missing(name);
      return bytes.subarray(offset, offset + length);
    },
    list: async (name) => {
      throw missing(name);
    },
    stat: async (name) => {
      if (name !== path) throw missing(name);
      return { type: "file", size: bytes.length, mtime: 0 };
    },
  };
  return {
    ...{ name: "vda1", type: "ext4", uuid: UUID, label: null, partuuid: null, partlabel: null },
    ...{ disk: "vda", partition: 1, scheme: "gpt", removable: false, reader },
  };
}
