/** Where flash and install take the image's files from. */

import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { madeFile } from "../../../src/commands/shared/madefile.ts";

test("a file is taken from where it is said to be, else from beside the program, and never from the current folder", () => {
  const folder = mkdtempSync(join(tmpdir(), "baton-made-"));
  const [own, cwd] = [process.argv[1]!, process.cwd()];
  try {
    for (const name of ["dist", "bin", "here"]) mkdirSync(join(folder, name));
    for (const name of ["dist/baton.cjs", "here/baton.img"]) writeFileSync(join(folder, name), "");
    symlinkSync("../dist/baton.cjs", join(folder, "bin/baton"));
    process.argv[1] = join(folder, "bin/baton");
    process.chdir(join(folder, "here"));
    assert.throws(() => madeFile("baton.img", undefined, "make it"), /dist\/baton\.img isn't there; make it$/);
    assert.equal(madeFile("baton.img", "baton.img", "make it"), "baton.img");
    assert.throws(() => madeFile("baton.img", "other.img", "make it"), /^BatonError: other\.img isn't there/);
    writeFileSync(join(folder, "dist/baton.img"), "");
    assert.equal(madeFile("baton.img", undefined, "make it"), join(folder, "dist/baton.img"));
  } finally {
    process.argv[1] = own;
    process.chdir(cwd);
    rmSync(folder, { recursive: true });
  }
});
