/**
 * `npm run bench -- [--json FILE] [--only PREFIX[,PREFIX]] [--before BATON.CJS]`: measures what docs/interfaces.md names and says what each
 * figure means. Exits 0 when everything asked for was measured, whether or not a target was met. `--before`
 * names an earlier build to compare the reading of configurations with. `--trace` prints what happens from power-on to
 * the menu instead. The script makes dist/ of one suite, whatever the profile's is, so that figures
 * of different days stay comparable.
 */

import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { imageOrigin } from "../vm/payload.ts";
import { bombsGroup } from "./bombs.ts";
import { bootGroup } from "./boot.ts";
import { traceStart } from "./counts.ts";
import { disksGroup } from "./disks.ts";
import { type Figure, figureLine, figuresJson } from "./figures.ts";
import { flashGroup } from "./flash.ts";
import { formatsGroup } from "./formats.ts";
import { imageGroup } from "./image.ts";
import { kexecGroup } from "./kexec.ts";
import { menuGroup } from "./menu.ts";
import { netGroup } from "./net.ts";
import { netbootGroup } from "./netboot.ts";
import { remoteGroup } from "./remote.ts";

const GROUPS = [
  imageGroup,
  formatsGroup,
  bombsGroup,
  bootGroup,
  flashGroup,
  kexecGroup,
  menuGroup,
  disksGroup,
  netGroup,
  netbootGroup,
  remoteGroup,
];

async function bench(): Promise<void> {
  const { values } = parseArgs({
    options: {
      json: { type: "string" },
      only: { type: "string" },
      trace: { type: "boolean" },
      before: { type: "string" },
    },
  });
  if (values.trace) {
    process.stdout.write(await traceStart());
    return;
  }
  const only = values.only?.split(",").filter(Boolean) ?? [];
  const wanted = (name: string): boolean => only.length === 0 || only.some((prefix) => name.startsWith(prefix));
  const mayHold = (prefix: string): boolean =>
    only.length === 0 || only.some((name) => name.startsWith(prefix) || prefix.startsWith(name));

  const say = (text: string) => console.error(`bench: ${text}`);
  const image = imageOrigin();
  if (image) say(`the image in dist/ is made of ${image.suite}, with Linux ${image.kernel}`);
  const figures: Figure[] = [];
  for (const group of GROUPS) {
    if (!group.prefixes.some(mayHold)) continue;
    const measured = await group.measure(wanted, say, values.before);
    for (const figure of measured.filter(({ name }) => wanted(name))) {
      figures.push(figure);
      console.log(figureLine(figure));
    }
  }
  if (figures.length === 0) throw new Error(`no figure's name begins with ${only.join(" or ")}`);
  if (values.json) writeFileSync(values.json, `${JSON.stringify(figuresJson(figures), null, 2)}\n`);
}

bench().then(
  () => process.exit(0),
  (error: unknown) => {
    console.error(`bench: ${error instanceof Error ? error.message : error}`);
    process.exit(1);
  },
);
