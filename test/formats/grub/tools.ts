/** GRUB's own tools, where the machine has them. */

import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Parser } from "../../../src/formats/grub/parser.ts";
import { SourceText } from "../../../src/formats/grub/source.ts";

export function hasTool(name: string): boolean {
  return spawnSync(name, ["--version"]).status === 0;
}

/** Whether grub-script-check takes a script for well formed; one without any command, which it refuses, is. */
export function scriptCheckAccepts(directory: string, script: string): boolean {
  const file = join(directory, "script.cfg");
  writeFileSync(file, script);
  const { status, stderr } = spawnSync("grub-script-check", [file], { encoding: "utf8", timeout: 20_000 });
  return status === 0 || stderr.includes("contains no commands");
}

/** Whether our parser does. grub-script-check doesn't skip lines beginning with `#` inside quotes, as GRUB does. */
export function parserAccepts(script: string): boolean {
  let faults = 0;
  const source = SourceText.string(script, SourceText.file("script.cfg", ""), 0);
  const parser = new Parser(source, () => {
    faults++;
  });
  while (parser.nextStatement() !== null) if (faults > 0) return false;
  return faults === 0;
}

/** What a configuration prints in grub-emu, a GRUB that runs as a program, with the host's files as its root. */
export function emulate(directory: string, script: string): string {
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, "grub.cfg"), `${script}\nexit\n`);
  // It wants a terminal, and a wide one so that it breaks no lines.
  // --foreground, since a program in the background that sets its terminal is stopped (seen where script(1) starts dash).
  const command = `stty cols 250 rows 100; timeout --foreground 60 grub-emu -d '${directory}' -r host`;
  const { stdout } = spawnSync("script", ["-qec", command, "/dev/null"], {
    input: "",
    encoding: "utf8",
    env: { ...process.env, TERM: "vt100" },
    maxBuffer: 64 << 20,
  });
  return stdout
    .replace(/\x1b\[[0-9;]*[A-Za-z]/g, "")
    .replaceAll("\r", "")
    .replace(/^[\s\S]*?Welcome to GRUB!\n+/, "");
}
