/**
 * A campaign against GRUB's configurations. Scripts are made by the grammar, spoilt, and spliced with the fixtures' own; what
 * stands before a fault must stay listed. Where grub-script-check is there, it must accept what our parser accepts.
 */

import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { anyScript } from "../formats/grub/generate.ts";
import { read } from "../formats/grub/support.ts";
import { hasTool, parserAccepts, scriptCheckAccepts } from "../formats/grub/tools.ts";
import { assertWellFormed } from "../formats/invariants.ts";
import { fuzz } from "./campaign.ts";

const corpus = join(import.meta.dirname, "../corpus");
const fixtures = readdirSync(corpus, { recursive: true, encoding: "utf8" })
  .filter((name) => /grub-.*\.(?:cfg|conf|lst)$/.test(name))
  .map((name) => readFileSync(join(corpus, name), "utf8"));

/** A fixture with a script put into it and pieces cut out. */
const spliced = fc
  .tuple(
    fc.constantFrom(...fixtures),
    anyScript,
    fc.array(fc.tuple(fc.nat(), fc.nat({ max: 60 })), { maxLength: 4 }),
    fc.nat(),
  )
  .map(([text, script, cuts, where]) => {
    let result = text.slice(0, where % text.length) + script + text.slice(where % text.length);
    for (const [at, length] of cuts) {
      const from = at % result.length;
      result = result.slice(0, from) + result.slice(from + length);
    }
    return result;
  });

/** Bytes as no editor writes them. */
const raw = fc
  .tuple(anyScript, fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { maxLength: 6 }))
  .map(([text, changes]) => {
    const bytes = Buffer.from(text);
    for (const [at, byte] of changes) if (bytes.length > 0) bytes[at % bytes.length] = byte;
    return bytes.toString("latin1");
  });

const MARK = 'menuentry "Before the fault" { linux /good }\n';
const directory = mkdtempSync(join(tmpdir(), "baton-fuzz-grub-"));
process.on("exit", () => rmSync(directory, { recursive: true }));
const hasCheck = hasTool("grub-script-check");
let runs = 0;

await fuzz({
  name: "grub",
  input: fc.oneof(anyScript, spliced, raw),
  async check(script) {
    const result = await read(MARK + script, {
      files: { "/other.cfg": script, "/boot/grub/grubenv": script },
      limits: { steps: 20_000, entrySteps: 5000, milliseconds: 2000 },
    });
    assertWellFormed(result);
    if (!result.entries.some(({ title }) => title === "Before the fault")) throw new Error("the entry before is lost");
    // Only one in ten: a process is a hundred times slower than we are. NUL ends a line for one and not for the other.
    const isChecked = hasCheck && ++runs % 10 === 0 && !/[\0\r]/.test(script);
    if (isChecked && parserAccepts(script) !== scriptCheckAccepts(directory, script)) {
      throw new Error("grub-script-check says otherwise");
    }
  },
});
