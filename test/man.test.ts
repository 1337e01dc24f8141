/** The man pages and schemas are those that the program's own tables make, and say all of them. */

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { MADE } from "../man/make.ts";
import { ACCEPTED_OPTIONS, GENERAL_OPTIONS, KERNEL_OPTIONS } from "../src/commands/kexec/options.ts";
import { commandHelp, overview } from "../src/commands/shared/helptext.ts";
import { type CommandManual, type CommandName, MANUAL } from "../src/commands/shared/manual.ts";
import { ENTRY_WORDS } from "../src/formats/baton/entrykeys.ts";
import { SETTINGS, type Setting, WORD_ONLY } from "../src/policy/settings.ts";

const PAGES = Object.keys(MADE).filter((path) => /\.\d$/.test(path));
const COMMANDS = Object.entries<CommandManual>(MANUAL);

/** As people see it, without what roff needs. */
const page = (path: string): string => readFileSync(path, "utf8").replaceAll("\\-", "-").replaceAll("\\(dq", '"');

for (const [path, make] of Object.entries(MADE)) {
  test(`${path} is what npm run man makes`, () => {
    const found = readFileSync(path, "utf8");
    // Formatted by hand or not, a schema says the same.
    if (path.endsWith(".json")) assert.deepEqual(JSON.parse(found), JSON.parse(make()));
    else assert.equal(found, make());
  });
}

test("mandoc finds nothing to say about the man pages", (t) => {
  const { error, stdout, stderr } = spawnSync("mandoc", ["-T", "lint", ...PAGES], { encoding: "utf8" });
  if (error) return t.skip("mandoc is not installed (npm run setup -- test)");
  assert.equal(stdout + stderr, "");
});

test("every command, option and word of the kernel command line stands in baton(8), and in --help", () => {
  const text = page("man/baton.8");
  for (const [name, { options, examples }] of COMMANDS) {
    const help = commandHelp(name as CommandName);
    assert.match(overview(), new RegExp(`^  ${name} `, "m"));
    assert.ok(text.includes(`.SS baton ${name}\n`), name);
    for (const [option, { about }] of Object.entries(options)) {
      assert.match(text, new RegExp(`^\\.B --${option}\\b`, "m"), `${name} --${option}`);
      assert.match(help, new RegExp(`^  --${option}\\b`, "m"), `${name} --${option}`);
      assert.match(about, /\.$/);
    }
    assert.ok(examples.length > 0, `${name} has no example`);
    for (const { command } of examples) assert.ok(text.includes(command) && help.includes(`  ${command}\n`), command);
    for (const line of help.split("\n")) assert.ok(line.length <= 84, `${name}: ${line}`);
  }
  for (const { name } of [...(SETTINGS as readonly Setting[]).filter(({ word }) => word), ...WORD_ONLY]) {
    assert.match(text, new RegExp(`^\\.B baton\\.${name}\\b`, "m"), name);
  }
});

test("every option of kexec stands in kexec(8), with what it does", () => {
  const text = page("man/kexec.8");
  for (const { name, short, id, about } of [...GENERAL_OPTIONS, ...KERNEL_OPTIONS, ...ACCEPTED_OPTIONS]) {
    assert.match(text, new RegExp(`^\\.B .*--${name}\\b`, "m"), name);
    if (short) assert.match(text, new RegExp(`^\\.B -${short}, `, "m"), short);
    if (id === name) assert.match(about, /[.)]$/, name);
  }
});

test("every key of the configuration and every word of an entry stands in baton.yaml(5)", () => {
  const text = page("man/baton.yaml.5");
  const rows: readonly Setting[] = SETTINGS;
  for (const name of [...rows.map(({ name }) => name), ...ENTRY_WORDS.map(({ key }) => key)]) {
    assert.match(text, new RegExp(`^\\.B ${name}: `, "m"), name);
  }
  for (const alias of [...rows, ...ENTRY_WORDS].flatMap(({ aliases = [] }) => aliases)) {
    assert.match(text.replaceAll("\n", " "), new RegExp(`Also written: [^.]*\\b${alias}\\b`), alias);
  }
});

test("schemas have a name and the draft that editors read, and know what the examples in configs/ say", () => {
  for (const name of Object.keys(MADE).filter((path) => path.endsWith(".json"))) {
    const schema = JSON.parse(readFileSync(name, "utf8"));
    assert.equal(schema.$schema, "http://json-schema.org/draft-07/schema#");
    assert.match(schema.$id, /^urn:baton:schema:[a-z]+$/);
  }
});
