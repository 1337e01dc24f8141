/** Variables, and the environment block that keeps some of them between boots. */

import { formatFileRef, type StateWrite } from "../../../entry.ts";
import { BAD_ARGUMENT, FILE_NOT_FOUND, FILE_READ_ERROR, OK } from "../errors.ts";
import type { LoadedBlock, NamedFile } from "../files.ts";
import type { Call, CommandFunction, Interpreter } from "../interpreter.ts";
import { optionValue, parseOptions } from "../options.ts";

const set: CommandFunction = (run, args, call) => {
  const [assignment] = args;
  if (assignment === undefined) return OK;
  const equals = assignment.indexOf("=");
  if (equals === -1) {
    run.warn(call, `'set ${assignment}' has no '=': nothing is set; write set ${assignment}=VALUE`);
    return BAD_ARGUMENT;
  }
  const name = assignment.slice(0, equals);
  run.setVariable(name, assignment.slice(equals + 1));
  return OK;
};

const unset: CommandFunction = (run, args) => {
  for (const name of args) run.env.unset(name);
  return args.length === 0 ? BAD_ARGUMENT : OK;
};

const exportCommand: CommandFunction = (run, args) => {
  for (const name of args) run.env.export(name);
  return args.length === 0 ? BAD_ARGUMENT : OK;
};

const OPTIONS = [
  { long: "file", short: "f", value: "required" },
  { long: "skip-sig", short: "s" },
] as const;

/** The block that a command means: `--file`, else `$prefix/grubenv`. */
function blockFile(run: Interpreter, given: string | undefined): NamedFile {
  return run.files.name(given ?? `${run.env.get("prefix") ?? ""}/grubenv`);
}

function reportBlock(run: Interpreter, call: Call, file: NamedFile, block: LoadedBlock): number {
  if (block === "missing") return FILE_NOT_FOUND;
  if (block.variables !== null) return OK;
  run.warn(call, `the environment block ${formatFileRef(file.ref)} can't be used: ${block.problem}`);
  return FILE_READ_ERROR;
}

const loadEnv: CommandFunction = async (run, args, call) => {
  const options = parseOptions(OPTIONS, args);
  if (typeof options === "string") {
    run.warn(call, `load_env: ${options}`);
    return BAD_ARGUMENT;
  }
  const file = blockFile(run, optionValue(options, "file"));
  const block = await run.files.environmentBlock(file);
  if (block === "missing" || block.variables === null) return reportBlock(run, call, file, block);
  for (const [name, value] of block.variables) {
    if (options.args.length === 0 || options.args.includes(name)) run.env.set(name, value);
  }
  return OK;
};

const listEnv: CommandFunction = async (run, args, call) => {
  const options = parseOptions(OPTIONS, args);
  if (typeof options === "string") return BAD_ARGUMENT;
  const file = blockFile(run, optionValue(options, "file"));
  return reportBlock(run, call, file, await run.files.environmentBlock(file));
};

/** Writes nothing: notes what GRUB would write. */
const saveEnv: CommandFunction = async (run, args, call) => {
  const options = parseOptions(OPTIONS, args);
  if (typeof options === "string" || options.args.length === 0) {
    run.warn(call, `save_env: ${typeof options === "string" ? options : "it needs the names of variables"}`);
    return BAD_ARGUMENT;
  }
  const file = blockFile(run, optionValue(options, "file"));
  const block = await run.files.environmentBlock(file);
  const status = reportBlock(run, call, file, block);
  if (status !== OK) return status;
  const values: Record<string, string> = {};
  const unsetNames: string[] = [];
  for (const name of options.args) {
    const value = run.env.get(name);
    if (value === undefined) unsetNames.push(name);
    else values[name] = value;
  }
  run.plan.writes = mergeWrites([...run.plan.writes, { file: file.ref, set: values, unset: unsetNames }]);
  return OK;
};

/** One write a file, the later one's word being the last. */
export function mergeWrites(writes: readonly StateWrite[]): readonly StateWrite[] {
  if (writes.length === 0) return writes;
  const merged = new Map<string, { set: Record<string, string>; unset: Set<string> }>();
  const order: StateWrite[] = [];
  for (const write of writes) {
    if (!("set" in write)) {
      order.push(write);
      continue;
    }
    const key = formatFileRef(write.file);
    let into = merged.get(key);
    if (into === undefined) {
      into = { set: {}, unset: new Set() };
      merged.set(key, into);
      const { set, unset } = into;
      order.push({
        file: write.file,
        set,
        get unset() {
          return [...unset];
        },
      });
    }
    for (const name of write.unset) {
      delete into.set[name];
      into.unset.add(name);
    }
    for (const [name, value] of Object.entries(write.set)) {
      into.unset.delete(name);
      into.set[name] = value;
    }
  }
  return order.map((write) => ("set" in write ? { ...write, unset: [...write.unset] } : write));
}

export const variableCommands: readonly (readonly [string, CommandFunction])[] = [
  ["set", set],
  ["unset", unset],
  ["export", exportCommand],
  ["load_env", loadEnv],
  ["list_env", listEnv],
  ["save_env", saveEnv],
];
