/** How fast the menu answers a key: on a pseudo-terminal, with a list of 10,000 entries, host clock. */

import { runMenu } from "../../src/menu/menu.ts";
import { MenuStore } from "../../src/menu/model.ts";
import { Pty } from "../menu/pty.ts";
import { sampleEntry } from "../menu/samples.ts";
import { type Figure, type Group, median } from "./figures.ts";

const ENTRIES = 10_000;
const KEYS = 60;

async function measure(wanted: (name: string) => boolean): Promise<Figure[]> {
  const entries = Array.from({ length: ENTRIES }, (_, index) =>
    sampleEntry({ id: `entry-${index}`, title: `Entry ${index + 1}, with Linux 6.1.0-${index}-amd64` }),
  );
  const before = process.memoryUsage().rss;
  const store = new MenuStore({ entries, scanning: false, defaultId: "entry-0" });
  const pty = new Pty({ rows: 24, columns: 80 });
  const nothing = async (): Promise<void> => {};
  const menu = await runMenu({
    consoles: [{ name: "bench", path: pty.path, kind: "vt", term: "xterm", unicode: true }],
    store,
    printk: null,
    actions: { boot: nothing, rescan: nothing, stopCountdown() {}, reboot: nothing, powerOff: nothing, log: () => [] },
  });
  try {
    await pty.until("of 10000");
    const moves = await times(
      pty,
      Array.from({ length: KEYS }, (_, index) => (index % 2 ? "\x1b[6~" : "\x1b[B")),
    );
    pty.send("/");
    await pty.until("found");
    // Each letter narrows the search of all 10,000; the last is taken away again.
    const searches = await times(pty, [..."9", ..."9", "\x7f", ..."8", "\x7f", ..."7", "\x7f", ..."6"]);
    const all = [...moves, ...searches];
    const figures: Figure[] = [
      {
        name: "menu.redrawMs",
        value: median(moves),
        meaning: `a key to the last byte of its redraw, ${ENTRIES} entries; the slowest ${Math.max(...moves).toFixed(1)} ms`,
        target: 20,
      },
      {
        name: "menu.searchMs",
        value: median(searches),
        meaning: `a letter of a search through ${ENTRIES} entries to its redraw; the slowest ${Math.max(...searches).toFixed(1)} ms`,
        target: 20,
      },
      {
        name: "menu.rssMiB",
        value: (process.memoryUsage().rss - before) / 2 ** 20,
        meaning: `what the process grew by for the menu of ${ENTRIES} entries (${all.length} redraws)`,
        target: null,
      },
    ];
    return figures.filter(({ name }) => wanted(name));
  } finally {
    await menu.close();
    pty.close();
  }
}

/** Milliseconds from each key to the end of what it draws. */
async function times(pty: Pty, keys: readonly string[]): Promise<number[]> {
  const found: number[] = [];
  for (const key of keys) {
    // What came before has been drawn.
    await quiet(pty);
    const start = performance.now();
    pty.send(key);
    found.push((await quiet(pty)) - start);
  }
  return found;
}

/** @returns when the last output came, once 30 ms have passed without any. */
async function quiet(pty: Pty): Promise<number> {
  let length = pty.output().length;
  let last = performance.now();
  const begin = last;
  let seen = false;
  for (;;) {
    await new Promise((resolve) => setImmediate(resolve));
    const now = performance.now();
    const grown = pty.output().length;
    if (grown !== length) {
      length = grown;
      last = now;
      seen = true;
    }
    if (now - last > 30 && (seen || now - begin > 60)) return last;
  }
}

export const menuGroup: Group = { prefixes: ["menu."], measure };
