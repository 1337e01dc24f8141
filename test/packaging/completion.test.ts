/** What shells offer behind `baton`. */

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { bashCompletion, fishCompletion, zshCompletion } from "../../packaging/completion.ts";
import { type CommandManual, MANUAL } from "../../src/commands/shared/manual.ts";

/** What bash would offer for a line whose last word is being typed. */
function offered(...line: string[]): string[] {
  const script = `${bashCompletion()}
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
_baton baton "\${COMP_WORDS[COMP_CWORD]}" "\${COMP_WORDS[COMP_CWORD - 1]}"
printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout, stderr, status } = spawnSync("bash", ["--norc", "-c", script, "bash", ...line], { encoding: "utf8" });
  assert.equal(status, 0, stderr);
  assert.equal(stderr, "");
  return stdout.split("\n").filter((word) => word !== "");
}

test("bash offers the commands, each one's options, and the words of which a value is one", () => {
  assert.deepEqual(offered("baton", "ne"), ["netboot"]);
  assert.ok(offered("baton", "").includes("list") && offered("baton", "").includes("--version"));
  assert.deepEqual(offered("baton", "boot", "--d"), ["--dry-run", "--disk"]);
  assert.deepEqual(offered("baton", "list", "--platform", ""), ["pc", "efi"]);
  assert.deepEqual(offered("baton", "kexec", "--load-p"), ["--load-panic", "--load-preserve-context"]);
});

test("bash offers nothing of its own where a file's name stands, so that it completes that", () => {
  assert.deepEqual(offered("baton", "config", "/etc/ba"), []);
  assert.deepEqual(offered("baton", "list", "--config", "ba"), []);
  assert.deepEqual(offered("baton", "no-command", "--"), []);
});

test("every command and option stands in all three, and each shell that is here understands its own", () => {
  const shells = { bash: bashCompletion(), zsh: zshCompletion(), fish: fishCompletion() };
  for (const [shell, script] of Object.entries(shells)) {
    for (const [name, { options }] of Object.entries<CommandManual>(MANUAL)) {
      assert.match(script, new RegExp(`\\b${name}\\b`), `${shell}: ${name}`);
      for (const option of Object.keys(options)) {
        assert.match(script, new RegExp(`(--|-l )${option}\\b`), `${shell}: ${name} --${option}`);
      }
    }
    const { error, status, stderr } = spawnSync(shell, ["-n"], { input: script, encoding: "utf8" });
    if (!error) assert.equal(status, 0, `${shell}: ${stderr}`);
  }
});
