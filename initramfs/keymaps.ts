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
      const file = files.find(
        (candidate) => candidate.endsWith(`/${name}.kmap.gz`) && !candidate.startsWith("include"),
      );
      if (file === undefined)
        throw new BatonError("not-found", `console-data has no keymap "${name}" for PC keyboards`);
      const loadkeys = join(root, "bin/loadkeys");
      const { stdout } = await run(loadkeys, ["-u", "-b", join(folder, file)], { encoding: "buffer" });
      if (stdout.toString("latin1", 0, 7) !== "bkeymap") throw new BatonError("bad-format", `${file} gave no keymap`);
      return { name, data: stdout };
    }),
  );
}
