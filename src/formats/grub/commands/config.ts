/** Reading other configurations: `source`, `configfile`, `normal`, `extract_entries_*`, `syslinux_*`, `legacy_*`. */

import { normalize } from "node:path/posix";
import { formatFileRef } from "../../../entry.ts";
import { configLimit } from "../../readbeginning.ts";
import { BAD_ARGUMENT, FILE_NOT_FOUND, OK } from "../errors.ts";
import type { NamedFile } from "../files.ts";
import type { Call, CommandFunction, Interpreter } from "../interpreter.ts";
import { Menu } from "../menu.ts";
import { decodeSource, SourceText } from "../source.ts";
import { type ForeignFile, foreignCommands, foreignFile } from "./foreign.ts";

type Translate = ForeignFile["translate"];

const SHOWS_MENU: ReadonlySet<string> = new Set(["configfile", "normal"]);

/** However its path is written, it is the same file. */
const nameOf = ({ ref }: NamedFile): string =>
  formatFileRef("path" in ref ? { ...ref, path: normalize(ref.path) } : ref);

/** Runs a configuration file in the environment and menu that are set now. */
async function runFile(run: Interpreter, call: Call, path: string, translate?: Translate): Promise<number> {
  const file = run.files.name(path);
  const ref = nameOf(file);
  const state = { ref, exported: run.env.state(true), all: run.env.state(false) };
  run.budget.text(state.all.length);
  // With the same variables it would do the same, and so without end.
  const showsMenu = SHOWS_MENU.has(call.name);
  const isSame = (one: typeof state): boolean =>
    one.ref === ref && (showsMenu ? one.exported === state.exported : one.all === state.all);
  if (run.reading.some(isSame)) {
    // A menu that opens itself anew shows the same once more: that is no fault.
    if (!showsMenu) run.warn(call, `${ref} reads itself again by '${call.name}'; left out here`);
    return BAD_ARGUMENT;
  }
  await run.budget.breatheNow();
  const bytes = await run.files.read(file, file.device.kind === "volume" ? configLimit(file.device.volume) : 0);
  if (typeof bytes === "string") {
    const missed = [...run.missed].slice(0, 3).join(", ");
    const why = missed === "" ? "" : `; nothing that is attached answers to ${missed}, for which 'search' looked`;
    run.warn(call, `${call.name} ${path}: ${bytes}${why}`);
    return FILE_NOT_FOUND;
  }
  const { text, warnings } = decodeSource(bytes);
  const source = translate === undefined ? SourceText.file(ref, text) : await translate(run, file);
  if (source === null) return FILE_NOT_FOUND;
  if (translate === undefined) for (const warning of warnings) run.say("warning", null, warning, source);
  const before = { file: run.env.get("config_file"), directory: run.env.get("config_directory") };
  const full = path.startsWith("(") ? path : `(${run.env.get("root") ?? ""})${path}`;
  run.env.set("config_file", full);
  run.env.set("config_directory", full.slice(0, Math.max(0, full.lastIndexOf("/"))));
  run.env.export("config_file");
  run.env.export("config_directory");
  run.reading.push(state);
  try {
    return await run.nested(() => run.runText(source));
  } finally {
    run.reading.pop();
    restore(run, "config_file", before.file);
    restore(run, "config_directory", before.directory);
  }
}

function restore(run: Interpreter, name: string, value: string | undefined): void {
  if (value === undefined) run.env.unset(name);
  else run.env.set(name, value);
}

/** Adds to the menu and the variables at hand. */
const source: CommandFunction = async (run, args, call) => {
  const [path] = args;
  if (path === undefined) return BAD_ARGUMENT;
  await runFile(run, call, path);
  // GRUB shows why a file can't be read and goes on as if it had been.
  return OK;
};

/** Runs a file in a context of its own, with a menu of its own. */
async function inOwnMenu(
  run: Interpreter,
  call: Call,
  path: string,
  ownContext: boolean,
  translate?: Translate,
): Promise<Menu> {
  const { env, menu } = run;
  if (ownContext) run.env = env.context();
  const own = new Menu();
  run.menu = own;
  const waited = run.waited;
  try {
    const status = await runFile(run, call, path, translate);
    // For an entry that does nothing else.
    if (own.items.length === 0 && run.plan.kind === null) {
      const ref = formatFileRef(run.files.name(path).ref);
      const why =
        status === FILE_NOT_FOUND ? "can't be read" : status === BAD_ARGUMENT ? "is this one" : "has no entries";
      run.plan.reason ??= `the menu that it opens, ${ref}, ${why}`;
    }
    if (own.items.length > 0 && !call.name.startsWith("extract_")) {
      const ref = nameOf(run.files.name(path));
      run.shown.push({ menu: own, env: run.env, ref, waited: run.waited - waited });
    }
    return own;
  } finally {
    run.env = env;
    run.menu = menu;
  }
}

/** Shows another configuration's menu in place of this one. */
const configfile: CommandFunction = async (run, args, call) => {
  const [path] = args;
  if (path === undefined) return BAD_ARGUMENT;
  await inOwnMenu(run, call, path, true);
  return OK;
};

/** `normal [FILE]`: without a name it is the one that GRUB looks for itself. */
const normal: CommandFunction = async (run, args, call) => {
  const path = args[0] ?? `${run.env.get("prefix") ?? ""}/grub.cfg`;
  await inOwnMenu(run, call, path, false);
  return OK;
};

/** Takes another configuration's entries into this menu. */
const extract: CommandFunction = async (run, args, call) => {
  const [path] = args;
  if (path === undefined) return BAD_ARGUMENT;
  const menu = await inOwnMenu(run, call, path, call.name === "extract_entries_configfile");
  run.menu.items.push(...menu.items);
  return OK;
};

/** The same with GRUB legacy's and syslinux's configurations. */
const foreign: CommandFunction = async (run, args, call) => {
  const file = foreignFile(call.name, args);
  if (typeof file === "string") {
    run.warn(call, `${call.name}: ${file}`);
    return BAD_ARGUMENT;
  }
  const { path, translate } = file;
  const ownContext = call.name.endsWith("configfile");
  if (call.name.startsWith("extract_")) {
    const menu = await inOwnMenu(run, call, path, ownContext, translate);
    run.menu.items.push(...menu.items);
  } else if (ownContext) await inOwnMenu(run, call, path, true, translate);
  else await runFile(run, call, path, translate);
  return OK;
};

export const configCommands: readonly (readonly [string, CommandFunction])[] = [
  ["source", source],
  [".", source],
  ["configfile", configfile],
  ["normal", normal],
  ["extract_entries_source", extract],
  ["extract_entries_configfile", extract],
  ...["configfile", "source"].flatMap((kind) => [
    [`legacy_${kind}`, foreign] as const,
    [`syslinux_${kind}`, foreign] as const,
    [`extract_legacy_entries_${kind}`, foreign] as const,
    [`extract_syslinux_entries_${kind}`, foreign] as const,
  ]),
  ...foreignCommands,
];
