/** `baton config FILE`: what is wrong in a configuration, and what it settles. `baton password`: a hash for it. */

import { formatDiagnostic } from "../entry.ts";
import { BatonError } from "../errors.ts";
import { hashPassword } from "../policy/password.ts";
import { MAX_SETTINGS_SIZE, readSettings } from "../policy/settingsfile.ts";
import { settingsSchema } from "../policy/settingsschema.ts";
import { printable } from "../text.ts";
import { CONFIG_OPTIONS } from "./shared/manual.ts";
import { readArgs } from "./shared/options.ts";
import { complain, printJson } from "./shared/output.ts";
import { readOwnFile } from "./shared/ownfile.ts";
import { schemaFile } from "./shared/schema.ts";
import { typeLines } from "./shared/typed.ts";

/** @returns the exit code: 1 where something is wrong in the file */
export async function config(args: string[]): Promise<number> {
  const { values, positionals } = readArgs({ args, allowPositionals: true, options: CONFIG_OPTIONS });
  if (values.schema) {
    printJson(schemaFile("baton", settingsSchema()));
    return 0;
  }
  const [path] = positionals;
  if (path === undefined || positionals.length > 1)
    throw new BatonError("usage", "name one FILE: the configuration that is checked");
  const text = readOwnFile(path);
  if (text.length > MAX_SETTINGS_SIZE)
    throw new BatonError("too-large", `${path} is larger than ${MAX_SETTINGS_SIZE} bytes`);
  const { settings, diagnostics } = await readSettings(text, path);
  if (values.json) {
    // Infinity has no JSON.
    const shown = JSON.parse(JSON.stringify(settings, (_key, value) => (value === Infinity ? "never" : value)));
    printJson({ settings: shown, diagnostics });
  } else {
    for (const diagnostic of diagnostics) complain(formatDiagnostic(diagnostic));
    if (diagnostics.length === 0)
      process.stdout.write(`${printable(path)}: ${Object.keys(settings).length} keys, all understood\n`);
  }
  return diagnostics.length > 0 ? 1 : 0;
}

/** Reads a password from standard input, without echo where that is a terminal, and prints its hash. */
export async function password(args: string[]): Promise<number> {
  readArgs({ args, options: {} });
  const typed = await (process.stdin.isTTY ? typePassword() : readAll());
  if (typed === "") throw new BatonError("usage", "the password is empty");
  process.stdout.write(`${await hashPassword(typed)}\n`);
  return 0;
}

async function typePassword(): Promise<string> {
  const [typed = ""] = await typeLines([{ text: "Password: ", isHidden: true }]);
  return typed;
}

async function readAll(): Promise<string> {
  let text = "";
  for await (const piece of process.stdin.setEncoding("utf8")) text += piece;
  return text.replace(/\r?\n$/, "");
}
