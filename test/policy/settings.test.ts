import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import fc from "fast-check";
import { DEFAULT_SETTINGS, mergeSettings, SETTINGS } from "../../src/policy/settings.ts";
import { readSettings } from "../../src/policy/settingsfile.ts";
import { settingsSchema } from "../../src/policy/settingsschema.ts";

const yaml = (text: string) => readSettings(text, "baton.yaml");

/** `line:column message` of each mistake. */
const mistakes = async (text: string, name = "baton.yaml"): Promise<string[]> =>
  (await readSettings(text, name)).diagnostics.map(({ line, column, message }) => `${line}:${column} ${message}`);

test("the example says every key, and all of it is understood", async () => {
  const text = readFileSync("configs/baton.yaml", "utf8");
  const { settings, diagnostics } = await yaml(text);
  assert.deepEqual(diagnostics, []);
  for (const { name } of SETTINGS) assert.match(text, new RegExp(`^(# )?${name}:`, "m"), name);
  const { timeout, theme, keys, ...rest } = settings;
  assert.deepEqual(timeout, { seconds: 5, keys: true });
  assert.deepEqual([theme, keys], [{ bar: "bold white on blue", selected: "reverse" }, { boot: ["f10"] }]);
  // What it says besides is what holds without it.
  for (const [key, value] of Object.entries(rest)) {
    assert.deepEqual(value, DEFAULT_SETTINGS[key as keyof typeof DEFAULT_SETTINGS], key);
  }
});

test("what the example has commented out is understood, too", async () => {
  const text = readFileSync("configs/baton.yaml", "utf8").replace(/^# ([a-z]+: \S)/gm, "$1");
  const { settings, diagnostics } = await yaml(text);
  assert.deepEqual(diagnostics, []);
  assert.equal(Object.keys(settings).length, SETTINGS.length);
});

test("the example in INI is understood", async () => {
  const { settings, diagnostics } = await readSettings(readFileSync("configs/baton.ini", "utf8"), "baton.ini");
  assert.deepEqual(diagnostics, []);
  assert.equal(settings.final, "retry");
  assert.deepEqual(settings.keys, { boot: ["f10"] });
});

test("a row of the table is all that a setting needs: file, default, schema and example follow from it", async () => {
  const properties = settingsSchema().properties as Record<string, { description: string }>;
  for (const row of SETTINGS) {
    const { settings, diagnostics } = await yaml(`${row.name}: ${row.example}`);
    assert.deepEqual([Object.keys(settings), diagnostics], [[row.name], []], `${row.name}'s own example`);
    assert.deepEqual(DEFAULT_SETTINGS[row.name], row.default);
    assert.equal(properties[row.name]?.description, row.about);
    assert.match(row.about, /\.$/, `${row.name}: the description is a sentence`);
  }
  assert.deepEqual(
    Object.keys(DEFAULT_SETTINGS),
    SETTINGS.map(({ name }) => name),
  );
});

test("no file of the program but the table spells out the settings' names", () => {
  const names = SETTINGS.map(({ name }) => name).filter((name) =>
    /^(isofolders|waitfor|retries|rootdelay)$/.test(name),
  );
  assert.equal(names.length, 4);
  for (const file of ["settingsfile", "settingsschema", "words", "valuekinds"]) {
    const text = readFileSync(`src/policy/${file}.ts`, "utf8").replace(/\/\*\*.*?\*\/|\/\/.*$/gms, "");
    for (const name of names) assert.doesNotMatch(text, new RegExp(`\\b${name}\\b`), `src/policy/${file}.ts`);
  }
});

test("the folders of ISO files are absolute, and may be none", async () => {
  assert.deepEqual((await yaml("isofolders: [/, /srv/images/**]")).settings.isofolders, ["/", "/srv/images/**"]);
  assert.deepEqual((await yaml("isofolders: []")).settings.isofolders, []);
  const { settings, diagnostics } = await yaml("isofolders: [images]");
  assert.equal(settings.isofolders, undefined);
  assert.match(diagnostics[0]!.message, /folders that begin with \//);
});

test("timeouts have loader.conf's words", async () => {
  const timeout = async (text: string) => (await yaml(`timeout: ${text}`)).settings.timeout;
  assert.deepEqual(await timeout("menu-hidden"), { seconds: 0, keys: true });
  assert.deepEqual(await timeout("menu-force"), { seconds: Infinity, keys: true });
  assert.deepEqual(await timeout("never"), { seconds: Infinity, keys: true });
  assert.deepEqual(await timeout("2.5"), { seconds: 2.5, keys: true });
});

test("lists are lists or texts with commas, and a title keeps its commas", async () => {
  const { settings } = await yaml(
    "order: nvme, UUID=ab-cd,any\nfallback: Debian, with Linux 6.1\nconsole: [tty0, ttyS1]",
  );
  assert.deepEqual(settings.order, ["nvme", "UUID=ab-cd", "any"]);
  assert.deepEqual(settings.fallback, ["Debian, with Linux 6.1"]);
  assert.deepEqual(settings.console, ["tty0", "ttyS1"]);
});

test("each mistake is told with line and column, and the rest still counts", async () => {
  const text = "timeout: soon\nretires: 3\n  \nwrites:   all\nretries: 4\n";
  assert.deepEqual(await mistakes(text), [
    "1:10 timeout must be a number of seconds, never, menu-force, menu-hidden or menu-disabled, not 'soon'; ignored",
    "2:1 retires: there is no such key; did you mean retries?",
    "4:11 writes must be none, bootloader-state or boot-loader-interface, not 'all'; ignored",
  ]);
  assert.deepEqual((await yaml(text)).settings, { retries: 4 });
});

test("mistakes in INI have their place, too", async () => {
  const text = "timeout = 3\n  final = maybe\nnonsense\n[theme]\nbar = plaid\n";
  const told = (await mistakes(text, "x.ini")).map((line) => line.replace(/\(.*\)/, "(…)"));
  assert.deepEqual(told, [
    "3:1 'nonsense' is neither [a section] nor a key and a value with '=' between",
    "2:11 final must be menu, retry, reboot or poweroff, not 'maybe'; ignored",
    "4:1 theme must be styles with colours (…), not keys and values; ignored",
  ]);
});

test("INI has lists by key[], values in quotes, and sections that may stand twice", async () => {
  const text = [
    "fallback[] = Debian, with Linux 6.1",
    "fallback[] = Rescue",
    'title = "Rack \\"7\\""',
    ...["[keys]", "boot[] = F10", "boot[] = x", "[theme]", "bar = red", "[keys]", "edit = y", "[baton]", "retries = 2"],
  ].join("\n");
  const { settings, diagnostics } = await readSettings(text, "x.ini");
  assert.deepEqual(diagnostics, []);
  assert.deepEqual(settings, {
    fallback: ["Debian, with Linux 6.1", "Rescue"],
    title: 'Rack "7"',
    keys: { boot: ["f10", "x"], edit: ["y"] },
    theme: { bar: "red" },
    retries: 2,
  });
});

test("a value that should keep people out keeps them out when it can't be read", async () => {
  assert.deepEqual((await yaml("editor: nope\nshell: [1, 2]\nremovable: maybe")).settings, {
    editor: false,
    shell: false,
    removable: false,
  });
});

test("what is no YAML is told with its place, and what stands before it counts", async () => {
  const { settings, diagnostics } = await yaml("editor: no\ndefault: [unclosed\n");
  assert.equal(settings.editor, false);
  assert.ok(diagnostics.length >= 1 && diagnostics[0]!.line !== null);
  assert.deepEqual(await mistakes("just a sentence"), [
    "1:1 a configuration is keys and values, one in a line: timeout: 5",
  ]);
});

test("a key that stands twice is told, and the later one counts", async () => {
  assert.deepEqual((await yaml("retries: 1\nretries: 2")).settings, { retries: 2 });
  assert.match((await mistakes("retries: 1\nretries: 2"))[0]!, /^2:1 retries: it stands in line 1 already/);
});

test("the later layer wins, key by key", () => {
  const { retries, ui, final } = mergeSettings({ retries: 1, ui: "plain" }, { retries: 2 });
  assert.deepEqual([retries, ui, final], [2, "plain", "menu"]);
});

test("no text makes reading throw", async () => {
  const pieces = fc.constantFrom(
    "timeout",
    ":",
    " ",
    "\n",
    "[",
    "]",
    "{",
    "}",
    "&a",
    "*a",
    "- ",
    "=",
    "theme",
    "!!x",
    "|",
    "\t",
  );
  await fc.assert(
    fc.asyncProperty(fc.array(fc.oneof(pieces, fc.string()), { maxLength: 30 }), fc.boolean(), async (parts, ini) => {
      await readSettings(parts.join(""), ini ? "a.ini" : "a.yaml");
    }),
    { numRuns: 300 },
  );
});
