/** Keyboard layouts: Debian's keymaps, as busybox's loadkmap takes them. */

import { execFile } from "node:child_process";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { BatonError } from "../src/errors.ts";
import { debianPackages } from "./debian.ts";

const run = promisify(execFile);

export interface Keymap {
  readonly name: string;
  /** `bkeymap` and the tables behind it. */
  readonly data: Uint8Array;
}

/**
 * What a layout may be called in console-data, the best first. `de` alone has ASCII where a German keyboard has its
 * umlauts, and `fr` where a French one has its accents: from the time of seven bits. Debian's installer takes these, too.
 */
const VARIANTS = ["-latin1-nodeadkeys", "-latin9", "-latin1", ""];

/**
 * @param names of console-data's keymaps for PC keyboards: `de`, `fr`, `uk`
 * @throws BatonError where there is no keymap of a name
 */
export async function keymaps(names: readonly string[]): Promise<Keymap[]> {
  if (names.length === 0) return [];
  // loadkeys runs here, whatever machine the image is for; keymaps are the same on all.
  const { root } = await debianPackages(["kbd", "console-data"]);
  const folder = join(root, "usr/share/keymaps/i386");
  const files = await readdir(folder, { recursive: true });
  return Promise.all(
    names.map(async (name) => {
      const named = VARIANTS.map((variant) => `/${name}${variant}.kmap.gz`);
      const ranked = named.flatMap((end) => files.filter((candidate) => candidate.endsWith(end)));
      const file = ranked.find((candidate) => !candidate.startsWith("include"));
      if (file === undefined)
        throw new BatonError("not-found", `console-data has no keymap "${name}" for PC keyboards`);
      const loadkeys = join(root, "bin/loadkeys");
      // From within: loadkeys unpacks by way of a shell, and gives an empty keymap where the path has a space.
      const { stdout } = await run(loadkeys, ["-u", "-b", `./${file}`], { cwd: folder, encoding: "buffer" });
      if (stdout.toString("latin1", 0, 7) !== "bkeymap") throw new BatonError("bad-format", `${file} gave no keymap`);
      return { name, data: stdout };
    }),
  );
}
