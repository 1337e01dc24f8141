import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import fc from "fast-check";
import { anyScript } from "./generate.ts";
import { hasTool, parserAccepts, scriptCheckAccepts } from "./tools.ts";

const directory = mkdtempSync(join(tmpdir(), "baton-grub-check-"));
after(() => rmSync(directory, { recursive: true }));

test("our parser accepts exactly the scripts that grub-script-check accepts, on thousands of them", {
  skip: !hasTool("grub-script-check") && "no grub-script-check here",
}, () => {
  fc.assert(
    fc.property(anyScript, (script) => {
      assert.equal(parserAccepts(script), scriptCheckAccepts(directory, script), script);
    }),
    { numRuns: 5000 },
  );
});
