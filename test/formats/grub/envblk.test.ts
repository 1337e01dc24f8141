import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { parseEnvironmentBlock } from "../../../src/formats/grub/envblk.ts";

const block = (body: string): Uint8Array => Buffer.from(`# GRUB Environment Block\n${body}`.padEnd(1024, "#"));

test("variables are read, escapes and empty values too", () => {
  const { variables } = parseEnvironmentBlock(block("a=1\nb=\nc=x=y\nd=back\\\\slash\\\nline\n# comment=no\ne\n"));
  assert.deepEqual(Object.fromEntries(variables ?? []), { a: "1", b: "", c: "x=y", d: "back\\slash\nline" });
});

test("what is no environment block is said to be none", () => {
  for (const bytes of [Buffer.from(""), Buffer.from("saved_entry=1\n"), Buffer.alloc(1024)]) {
    const found = parseEnvironmentBlock(bytes);
    assert.equal(found.variables, null);
    assert.match(found.problem ?? "", /does not begin with/);
  }
});

const hasTool = spawnSync("grub-editenv", ["--version"]).status === 0;

test("blocks that grub-editenv wrote are read as it lists them", { skip: !hasTool && "no grub-editenv here" }, () => {
  const directory = mkdtempSync(join(tmpdir(), "baton-grubenv-"));
  try {
    const file = join(directory, "grubenv");
    execFileSync("grub-editenv", [file, "create"]);
    const values = { saved_entry: "a>b", next_entry: "", odd: "c\\d\"e'f g", kernelopts: "root=UUID=1 ro" };
    execFileSync("grub-editenv", [file, "set", ...Object.entries(values).map(([name, value]) => `${name}=${value}`)]);
    assert.deepEqual(Object.fromEntries(parseEnvironmentBlock(readFileSync(file)).variables ?? []), values);
    execFileSync("grub-editenv", [file, "unset", "odd"]);
    const listed = execFileSync("grub-editenv", [file, "list"], { encoding: "utf8" });
    const found = parseEnvironmentBlock(readFileSync(file)).variables ?? new Map();
    assert.equal([...found].map(([name, value]) => `${name}=${value}\n`).join(""), listed);
  } finally {
    rmSync(directory, { recursive: true });
  }
});
