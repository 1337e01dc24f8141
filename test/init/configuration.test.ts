/** What holds while a configuration that the owner named is awaited, and where it can't be read. */

import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { Configuration } from "../../src/init/configuration.ts";
import { isNetworkOff } from "../../src/policy/network.ts";
import type { Settings } from "../../src/policy/settings.ts";
import { parseBootWords } from "../../src/policy/words.ts";

const NAME = "UUID=1234-ABCD:/baton.yaml";
const missing = async (): Promise<string> => {
  throw new Error("no device answers to UUID=1234-ABCD");
};
const load = (words: string): Promise<Configuration> => Configuration.load(parseBootWords(words), null);

/** What a person could do. */
const open = (settings: Settings) => ({
  editor: settings.editor,
  shell: settings.shell ?? settings.editor,
  urls: !isNetworkOff(settings),
  sticks: settings.removable !== "never",
});
const ALL = { editor: true, shell: true, urls: true, sticks: true };
const NOTHING = { editor: false, shell: false, urls: false, sticks: false };

test("without a named configuration everything is open from the start", async () => {
  assert.deepEqual(open((await load("")).settings), ALL);
  assert.deepEqual(
    open((await load("baton.lockdown=yes")).settings),
    ALL,
    "lockdown says what an unreadable file leaves",
  );
});

test("while it is awaited editor and shell are shut: it may shut them", async () => {
  const configuration = await load(`baton.config=${NAME}`);
  assert.deepEqual(open(configuration.settings), { ...ALL, editor: false, shell: false });
  await configuration.loadNamed(NAME, async () => "timeout: 3\n");
  assert.deepEqual(open(configuration.settings), ALL);
});

test("with lockdown sticks are shut as well while it is awaited, and a network may still bring it", async () => {
  const configuration = await load(`baton.config=${NAME} baton.lockdown=yes`);
  assert.deepEqual(open(configuration.settings), { ...NOTHING, urls: true });
  await configuration.loadNamed(NAME, async () => "removable: yes\nshell: no\n");
  assert.deepEqual(open(configuration.settings), { ...ALL, shell: false });
});

test("where it can't be read, lockdown shuts everything and says so", async () => {
  const configuration = await load(`baton.config=${NAME} baton.lockdown=yes`);
  await configuration.loadNamed(NAME, missing);
  assert.deepEqual(open(configuration.settings), NOTHING);
  assert.match(configuration.diagnostics[0]!.message, /no device answers .*stay shut/);
});

test("without lockdown the owner can mend it, and is told", async () => {
  const configuration = await load(`baton.config=${NAME}`);
  await configuration.loadNamed(NAME, missing);
  assert.deepEqual(open(configuration.settings), ALL);
  assert.match(configuration.diagnostics[0]!.message, /can't be read: no device answers/);
});

test("a file that is read can't take lockdown's place: it counts in the image and on the command line", async () => {
  const configuration = await load(`baton.config=${NAME}`);
  await configuration.loadNamed(NAME, async () => "lockdown: yes\n");
  assert.deepEqual(open(configuration.settings), ALL);
});

test("what judges disks comes from the image alone, and in doubt nothing boots", async () => {
  const folder = mkdtempSync(join(tmpdir(), "baton-configuration-"));
  const path = join(folder, "baton.yaml");
  const own = (text: string, words = ""): Promise<Configuration> => {
    writeFileSync(path, text);
    return Configuration.load(parseBootWords(words), [path]);
  };
  try {
    const strict = await own(
      "trust: require\ntrustversion: 3\n",
      `baton.trust=off baton.shell=yes baton.config=${NAME}`,
    );
    await strict.loadNamed(NAME, async () => "trust: off\ntrustversion: 0\nshell: yes\n");
    const { trust, trustversion, shell } = strict.settings;
    assert.deepEqual({ trust, trustversion, shell }, { trust: "require", trustversion: 3, shell: false });
    assert.match(strict.diagnostics[0]!.message, /^trust, trustversion: counts in the image's own configuration alone/);
    // A file on a disk can't shut the machine either.
    const none = await own("timeout: 3\n", `baton.config=${NAME}`);
    await none.loadNamed(NAME, async () => "trust: require\n");
    assert.equal(none.settings.trust, "off");
    const values = ["trust: requir\n", "trust: {a: b}\n", "trust: [\n", "trustkeys: [abc]\n"];
    for (const unclear of [...values, '{"timeout": 3, "trust": "requ', "timeout: [\n\ttrust: require\n"]) {
      assert.equal((await own(unclear)).settings.trust, "require", unclear);
    }
    for (const clear of ["# trust: require\ntimeout: x\n", 'message: "whom we trust: you"\n', "timeout: [\n"]) {
      assert.equal((await own(clear)).settings.trust, "off", clear);
    }
    const { settings } = await Configuration.load(parseBootWords(""), [folder]);
    assert.equal(settings.trust, "require", "a configuration that can't be read at all");
  } finally {
    rmSync(folder, { recursive: true });
  }
});
