/**
 * Looks for a GRUB configuration that makes reading it fail, hang or lose what stands before a fault:
 *
 *     tsx test/fuzz/grub.ts [SECONDS]     60 unless given
 *
 * Scripts are made by the grammar, spoilt, and spliced with the fixtures' own. Where grub-script-check is there, it
 * must accept what our parser accepts. A find is printed with its seed and its text; it belongs into
 * test/formats/grub/hostile.test.ts then.
 */

import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { anyScript } from "../formats/grub/generate.ts";
import { read } from "../formats/grub/support.ts";
import { hasTool, parserAccepts, scriptCheckAccepts } from "../formats/grub/tools.ts";

const seconds = Number(process.argv[2] ?? 60);
if (!(seconds > 0)) {
  console.error("usage: tsx test/fuzz/grub.ts [SECONDS]");
  process.exit(2);
}

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
const SLOW = 3000;
const directory = mkdtempSync(join(tmpdir(), "baton-fuzz-grub-"));
const hasCheck = hasTool("grub-script-check");
const end = Date.now() + seconds * 1000;
let runs = 0;

const property = fc.asyncProperty(fc.oneof(anyScript, spliced, raw), async (script) => {
  runs++;
  const started = performance.now();
  const result = await read(MARK + script, {
    files: { "/other.cfg": script, "/boot/grub/grubenv": script },
    limits: { steps: 20_000, entrySteps: 5000, milliseconds: 2000 },
  });
  const took = performance.now() - started;
  if (took > SLOW) throw new Error(`it took ${Math.round(took)} ms`);
  if (!result.entries.some(({ title }) => title === "Before the fault")) throw new Error("the entry before is lost");
  for (const { message } of result.diagnostics) if (message === "") throw new Error("a diagnostic without words");
  // Only one in ten: a process is a hundred times slower than we are. NUL ends a line for one and not for the other.
  if (
    hasCheck &&
    runs % 10 === 0 &&
    !/[\0\r]/.test(script) &&
    parserAccepts(script) !== scriptCheckAccepts(directory, script)
  ) {
    throw new Error("grub-script-check says otherwise");
  }
});

try {
  while (Date.now() < end) {
    const outcome = await fc.check(property, { numRuns: 200, interruptAfterTimeLimit: end - Date.now() });
    if (!outcome.failed || outcome.interrupted) continue;
    console.error(`${outcome.errorInstance ?? "failed"} (seed ${outcome.seed}, path ${outcome.counterexamplePath})`);
    console.error(JSON.stringify(outcome.counterexample?.[0]));
    process.exitCode = 1;
    break;
  }
  console.log(`${runs} configurations${process.exitCode === 1 ? ", one find" : ", nothing found"}`);
} finally {
  rmSync(directory, { recursive: true });
}
