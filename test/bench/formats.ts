/** How fast configurations are read, against the tools of those who made the formats. */

import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { debianPackages } from "../../initramfs/debian.ts";
import { describeError } from "../../src/errors.ts";
import { bootctlMissing, findBootctl } from "../formats/bootctl.ts";
import { ROOT } from "../vm/host.ts";
import { type Figure, type Group, median, ratio } from "./figures.ts";

const run = promisify(execFile);
const UUID = "5a6b1c2d-00bf-4000-8000-0000000000bf";
const ROUNDS = 7;
/** Baton's own list from a plain directory, as a person would call it. */
const PROGRAM = process.env.BATON_BENCH_PROGRAM ?? join(ROOT, "dist/baton.cjs");

async function measure(
  wanted: (name: string) => boolean,
  say: (text: string) => void,
  before: string | undefined,
): Promise<Figure[]> {
  const directory = mkdtempSync(join(tmpdir(), "baton-bench-"));
  try {
    const figures: Figure[] = [];
    if (wanted("formats.grubParseRatio")) figures.push(await grubParse(directory));
    if (wanted("formats.blsListRatio")) figures.push(...(await blsList(say)));
    if (wanted("formats.firstEntryMs")) figures.push(await firstEntry(directory));
    if (before && wanted("formats.beforeRatio")) figures.push(...(await againstBefore(directory, before)));
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
    ...ratio(own, theirs),
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

/** In a namespace with a tmpfs, since bootctl lists only what is the root of a filesystem: `REAL USER` of each run. */
const BLS_SCRIPT = `
mount -t tmpfs none /mnt && mkdir -p /mnt/loader/entries /mnt/EFI/systemd || exit 1
i=0; while [ $i -lt 5000 ]; do
  printf 'title Debian GNU/Linux %s\nversion 6.1.%s\nmachine-id 0123456789abcdef0123456789abcdef\nsort-key debian\nlinux /linux\ninitrd /initrd\noptions root=UUID=abc ro quiet n=%s\n' $i $i $i > /mnt/loader/entries/debian-6.1.$i.conf
  i=$((i+1))
done
echo MZ > /mnt/linux; echo > /mnt/initrd
export SYSTEMD_RELAX_ESP_CHECKS=1; TIMEFORMAT='%R %U'
for round in 1 2 3 4 5 6 7; do
  echo -n 'theirs '; { time "$1" --esp-path=/mnt list --json=short > /dev/null; } 2>&1 | tail -1
  echo -n 'own '; { time "$2" "$3" list --json --disk vda1=/mnt,type=vfat > /dev/null; } 2>&1 | tail -1
done`;

/** Both as processes, their start included, by turns. */
async function blsList(say: (text: string) => void): Promise<Figure[]> {
  await debianPackages(["systemd-boot"]).catch((error) => say(describeError(error)));
  const bootctl = findBootctl();
  const args = ["-rm", "bash", "-c", BLS_SCRIPT, "bash", bootctl, process.execPath, PROGRAM];
  const { stdout } = await run("unshare", args, { maxBuffer: 1 << 26 }).catch(() => ({ stdout: "" }));
  const runs = (who: string, column: number): number[] =>
    [...stdout.matchAll(new RegExp(`^${who} ([0-9.]+) ([0-9.]+)$`, "gm"))].map((match) => Number(match[column]) * 1000);
  if (runs("own", 1).length < ROUNDS || bootctlMissing(bootctl) !== null) {
    say("formats.blsListRatio is left out: there is no bootctl here, or no tmpfs can be mounted for it");
    return [];
  }
  const [own, theirs] = [median(runs("own", 1)), median(runs("theirs", 1))];
  const [ownUser, theirUser] = [median(runs("own", 2)), median(runs("theirs", 2))];
  return [
    {
      name: "formats.blsListRatio",
      ...ratio(runs("own", 1), runs("theirs", 1)),
      meaning: `listing 5,000 entries on a tmpfs: baton list ${own.toFixed(0)} ms, to bootctl list ${theirs.toFixed(0)} ms (start of both included; user CPU ${ownUser.toFixed(0)} and ${theirUser.toFixed(0)} ms)`,
      target: 2,
    },
  ];
}

/**
 * What finding and listing a Debian disk adds to a process that lists nothing: from the volume being there to its
 * entries in the list (and printed). In the image, under emulation, all is slower alike.
 */
async function firstEntry(directory: string): Promise<Figure> {
  const empty = join(directory, "empty");
  mkdirSync(empty, { recursive: true });
  const debian = join(ROOT, "test/corpus/grub-debian-12/vda2");
  const nothing: number[] = [];
  const listed: number[] = [];
  for (let round = 0; round < 3 * ROUNDS; round++) {
    nothing.push(...(await repeat(() => list(empty, "ext4"), 1)));
    listed.push(...(await repeat(() => list(debian, "ext4"), 1)));
  }
  const value = median(listed) - median(nothing);
  return {
    name: "formats.firstEntryMs",
    value,
    meaning: `a Debian disk: volume there → its entries in the list (baton list of it ${median(listed).toFixed(0)} ms, of nothing ${median(nothing).toFixed(0)} ms)`,
    target: 50,
  };
}

/** Baton's list of the same trees by this build and by an earlier one, by turns. */
async function againstBefore(directory: string, before: string): Promise<Figure[]> {
  const large = join(directory, "before");
  mkdirSync(join(large, "boot/grub"), { recursive: true });
  writeFileSync(join(large, "boot/grub/grub.cfg"), largeConfig(40_000));
  const trees = { Large: large, Debian: join(ROOT, "test/corpus/grub-debian-12/vda2") };
  const figures: Figure[] = [];
  for (const [name, root] of Object.entries(trees)) {
    const [own, theirs]: [number[], number[]] = [[], []];
    for (let round = 0; round < 2 * ROUNDS; round++) {
      own.push(...(await repeat(() => list(root, "ext4"), 1)));
      theirs.push(...(await repeat(() => list(root, "ext4", before), 1)));
    }
    figures.push({
      name: `formats.beforeRatio${name}`,
      ...ratio(own, theirs),
      meaning: `baton list of ${name === "Large" ? "40,000 entries" : "a Debian disk"} ${median(own).toFixed(0)} ms, to ${before} ${median(theirs).toFixed(0)} ms`,
      target: null,
    });
  }
  return figures;
}

function list(directory: string, type: string, program = PROGRAM): Promise<unknown> {
  const disk = `vda1=${directory},uuid=${UUID},type=${type}`;
  return run(process.execPath, [program, "list", "--json", "--disk", disk], { maxBuffer: 1 << 26 });
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
