/** How fast configurations are read, against the tools of those who made the formats. */

import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
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

/** Both as processes, their start included: the list of 40,000 entries against the same file's syntax check. */
async function grubParse(directory: string): Promise<Figure> {
  const root = join(directory, "large");
  const file = join(root, "boot/grub/grub.cfg");
  mkdirSync(join(root, "boot/grub"), { recursive: true });
  const text = largeConfig(40_000);
  writeFileSync(file, text);
  const check = () => run("grub-script-check", [file]);
  const own: number[] = [];
  const theirs: number[] = [];
  // In turns, so that whatever else the machine does falls on both.
  for (let round = 0; round < ROUNDS; round++) {
    theirs.push(...(await repeat(check, 1)));
    own.push(...(await repeat(() => list(root, "ext4"), 1)));
  }
  const size = (Buffer.byteLength(text) / 2 ** 20).toFixed(1);
  return {
    name: "formats.grubParseRatio",
    value: median(own) / median(theirs),
    meaning: `baton list of a grub.cfg of ${size} MiB, 40,000 entries, ${median(own).toFixed(0)} ms, to grub-script-check of it ${median(theirs).toFixed(0)} ms (start of both included)`,
    target: 3,
  };
}

/** Each entry with a kernel and an initrd of its own, about 260 bytes. */
function largeConfig(count: number): string {
  const entries = Array.from({ length: count }, (_, number) => {
    const version = `6.1.0-${number}-amd64`;
    return `menuentry 'Debian GNU/Linux, with Linux ${version}' --class debian {
\tsearch --no-floppy --fs-uuid --set=root ${UUID}
\tlinux\t/boot/vmlinuz-${version} root=/dev/vda1 ro quiet
\tinitrd\t/boot/initrd.img-${version}
}
`;
  });
  return `set default=0\nset timeout=5\n${entries.join("")}`;
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

/** Milliseconds of each of some runs, after one that isn't counted where there are several. */
async function repeat(work: () => Promise<unknown>, rounds = ROUNDS): Promise<number[]> {
  if (rounds > 1) await work();
  const times: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const started = performance.now();
    await work();
    times.push(performance.now() - started);
  }
  return times;
}
