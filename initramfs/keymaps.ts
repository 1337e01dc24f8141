/** Keyboard layouts: Debian's keymaps, as busybox's loadkmap takes them. */

import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { BatonError } from "../src/errors.ts";
import { type ToolSuite, toolbox } from "./toolbox.ts";

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
export async function keymaps(names: readonly string[], suite: ToolSuite): Promise<Keymap[]> {
  if (names.length === 0) return [];
  const tools = await toolbox(["kbd", "console-data"], suite);
  const folder = join(tools.root, "usr/share/keymaps/i386");
  const files = await readdir(folder, { recursive: true });
  return Promise.all(
    names.map(async (name) => {
      const named = VARIANTS.map((variant) => `/${name}${variant}.kmap.gz`);
      const ranked = named.flatMap((end) => files.filter((candidate) => candidate.endsWith(end)));
      const file = ranked.find((candidate) => !candidate.startsWith("include"));
      if (file === undefined)
        throw new BatonError("not-found", `console-data has no keymap "${name}" for PC keyboards`);
      // From within: loadkeys unpacks by way of a shell, and gives an empty keymap where the path has a space.
      const data = await tools.run("loadkeys", ["-u", "-b", `./${file}`], { cwd: folder });
      if (data.toString("latin1", 0, 7) !== "bkeymap") throw new BatonError("bad-format", `${file} gave no keymap`);
      return { name, data };
    }),
  );
}
