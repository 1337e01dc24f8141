import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import fc from "fast-check";
import { anyScript, goodScript } from "./generate.ts";
import { hasTool, parserAccepts, scriptCheckAccepts } from "./tools.ts";

const skip = !hasTool("grub-script-check") && "no grub-script-check here";
const directory = mkdtempSync(join(tmpdir(), "baton-grub-check-"));
after(() => rmSync(directory, { recursive: true }));

test("every fixture is accepted by grub-script-check and by our parser alike", { skip }, () => {
  const corpus = join(import.meta.dirname, "../../corpus");
  const files = readdirSync(corpus, { recursive: true, encoding: "utf8" }).filter((name) => /grub-.*\.cfg$/.test(name));
  assert.ok(files.length > 8);
  for (const name of files) {
    const text = readFileSync(join(corpus, name), "utf8");
    assert.equal(parserAccepts(text), scriptCheckAccepts(directory, text), name);
  }
});

test("our parser accepts exactly the scripts that grub-script-check accepts", { skip }, () => {
  fc.assert(
    fc.property(anyScript, (script) => {
      assert.equal(parserAccepts(script), scriptCheckAccepts(directory, script), script);
    }),
    { numRuns: 150 },
  );
});

test("scripts made by the grammar are accepted", () => {
  fc.assert(
    fc.property(goodScript, (script) => assert.ok(parserAccepts(script), script)),
    { numRuns: 200 },
  );
});
