/**
 * What files cost that somebody made to fill memory and time (test/fuzz/bombs.ts), each in a process of its own: the worst
 * of them all is the figure, and a table says what each costs.
 */

import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { bundle } from "../../initramfs/build.ts";
import type { Files } from "../formats/tree.ts";
import { BOMBS, type Bomb } from "../fuzz/bombs.ts";
import type { BombCost } from "./bombprobe.ts";
import { type Figure, type Group, median } from "./figures.ts";

const ROUNDS = 5;
const PROBE = join(import.meta.dirname, "bombprobe.ts");
const SECONDS = 120;

/** A stick of every language, by which the code is loaded before it is measured. */
const HARMLESS: Files = {
  "/boot/grub/grub.cfg": "set a=b\nif [ a = b ]; then regexp a b; fi\nmenuentry a {\n linux /k\n initrd /i\n}\n",
  "/boot/grub/menu.lst": "title a\nkernel /k\n",
  "/syslinux/syslinux.cfg": "LABEL a\nKERNEL k\n",
  "/loader/entries/a.conf": "title a\nlinux /k\n",
  "/baton.yaml": "entries:\n- title: a\n  linux: /k\n",
  "/boot/petitboot.conf": "[a]\nimage=/k\n",
};

type Measure = keyof BombCost;
const FIGURES: readonly { name: string; of: Measure; target: number; what: string }[] = [
  { name: "formats.bombCpuMs", of: "cpuMs", target: 2000, what: "the main thread's CPU time, ms" },
  { name: "formats.bombStallMs", of: "stallCpuMs", target: 50, what: "the main thread's CPU time without a pause, ms" },
  {
    name: "formats.bombExtraMiB",
    of: "extraMiB",
    target: 64,
    what: "resident memory above what was there before, MiB",
  },
];

async function measure(wanted: (name: string) => boolean, say: (text: string) => void): Promise<Figure[]> {
  const figures = FIGURES.filter(({ name }) => wanted(name));
  if (figures.length === 0) return [];
  const folder = mkdtempSync(join(tmpdir(), "baton-bombs-"));
  try {
    const probe = join(folder, "bombprobe.cjs");
    writeFileSync(probe, (await bundle(PROBE)).code);
    const harmless = writeTree(join(folder, "harmless"), HARMLESS);
    const costs: { readonly bomb: Bomb; readonly cost: BombCost }[] = [];
    say(`${"".padEnd(44)} CPU ms  stall ms  MiB  entries`);
    for (const bomb of BOMBS) {
      const cost = await costOf(bomb, { probe, harmless, folder });
      costs.push({ bomb, cost });
      const numbers = [cost.cpuMs, cost.stallCpuMs, cost.extraMiB, cost.entries];
      say(`${bomb.name.padEnd(44)} ${numbers.map((number) => number.toFixed(0).padStart(7)).join(" ")}`);
    }
    return figures.map(({ name, of, target, what }) => {
      const worst = costs.reduce((a, b) => (b.cost[of] > a.cost[of] ? b : a));
      const over = costs.filter(({ cost }) => cost[of] > target).length;
      const meaning = `${what}: the worst of ${costs.length} hostile files is '${worst.bomb.name}'; ${over} are above`;
      return { name, value: worst.cost[of], meaning, target };
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** @param folder for the bomb's files */
async function costOf(
  bomb: Bomb,
  { probe, harmless, folder }: { probe: string; harmless: string; folder: string },
): Promise<BombCost> {
  const stick = writeTree(join(folder, "stick"), bomb.files());
  try {
    const runs: BombCost[] = [];
    const args = ["--expose-gc", probe, harmless, stick, bomb.type ?? "ext4"];
    for (let round = 0; round < ROUNDS; round++) {
      const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: SECONDS * 1000 });
      runs.push(JSON.parse(stdout) as BombCost);
    }
    const middle = (of: Measure): number => median(runs.map((run) => run[of]));
    return {
      cpuMs: middle("cpuMs"),
      stallMs: middle("stallMs"),
      stallCpuMs: middle("stallCpuMs"),
      extraMiB: middle("extraMiB"),
      wallMs: middle("wallMs"),
      entries: middle("entries"),
    };
  } finally {
    rmSync(stick, { recursive: true });
  }
}

function writeTree(root: string, files: Files): string {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content);
  }
  return root;
}

export const bombsGroup: Group = { prefixes: ["formats.bomb"], measure };
