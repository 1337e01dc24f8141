/** Commands that ask the processor and the firmware, or would change what the firmware keeps. */

import { Buffer } from "node:buffer";
import { parseEnvironmentBlock } from "../envblk.ts";
import { BAD_ARGUMENT, FILE_NOT_FOUND, OK, TEST_FAILURE } from "../errors.ts";
import type { CommandFunction, Interpreter } from "../interpreter.ts";
import { optionValue, parseOptions } from "../options.ts";

/** `cpuid -l`: can it run 64-bit kernels? `-p`: has it PAE? */
const cpuid: CommandFunction = (run, argv) => {
  const options = parseOptions(
    [
      { long: "long-mode", short: "l" },
      { long: "pae", short: "p" },
    ],
    argv,
  );
  if (typeof options === "string") return BAD_ARGUMENT;
  const { arch } = run.context.platform;
  const is64 = arch === "x86_64";
  if (options.values.has("pae")) return is64 || arch === "i686" ? OK : TEST_FAILURE;
  return is64 ? OK : TEST_FAILURE;
};

/** UEFI's own variables, which those commands mean that are given no GUID. */
const GLOBAL_GUID = "8be4df61-93ca-11d2-aa0d-00e098032b8c";
/** GRUB's (grub-core/commands/efi/env.c of Fedora's). */
const GRUB_GUID = "91376aff-cba6-42be-949d-06fde81128e8";
const GUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

const GETENV_OPTIONS = [
  { long: "var-name", short: "e", value: "required" },
  { long: "var-guid", short: "g", value: "required" },
  { long: "binary", short: "b" },
] as const;

/** A variable's bytes; null where there is none, or nothing in it. */
function variableBytes(run: Interpreter, name: string, guid: string): Uint8Array | null {
  // The name becomes a part of a file's name.
  if (!/^[A-Za-z0-9_-]{1,90}$/.test(name)) return null;
  const bytes = run.context.platform.efiVariable?.(name, guid.toLowerCase()) ?? null;
  return bytes === null || bytes.length === 0 ? null : bytes;
}

/** GRUB's variables end at the first NUL: of UTF-16 that is the first letter. */
const textOf = (bytes: Uint8Array): string =>
  Buffer.from(bytes)
    .toString("utf8")
    .replace(/\0[\s\S]*$/, "");
const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

/** `getenv -e VARIABLE -g GUID [-b] NAME` (CoreOS). */
const getenv: CommandFunction = (run, argv, call) => {
  const options = parseOptions(GETENV_OPTIONS, argv);
  const name = typeof options === "string" ? undefined : optionValue(options, "var-name");
  const guid = typeof options === "string" ? undefined : optionValue(options, "var-guid");
  if (typeof options === "string" || name === undefined || guid === undefined || options.args.length !== 1) {
    run.warn(
      call,
      `getenv: ${typeof options === "string" ? options : "it needs -e VARIABLE, -g GUID and a name to set"}`,
    );
    return BAD_ARGUMENT;
  }
  if (!GUID.test(guid)) {
    run.warn(call, `getenv: '${guid}' is no GUID`);
    return BAD_ARGUMENT;
  }
  const bytes = variableBytes(run, name, guid);
  if (bytes === null) return FILE_NOT_FOUND;
  run.setVariable(options.args[0]!, options.values.has("binary") ? hexOf(bytes) : textOf(bytes));
  return OK;
};

/** `get_efivar [-f hex|uint8|string] [-s NAME] VARIABLE`, in hexadecimal unless told otherwise. */
const getEfivar: CommandFunction = (run, argv, call) => {
  const options = parseOptions(
    [
      { long: "format", short: "f", value: "required" },
      { long: "set", short: "s", value: "required" },
    ],
    argv,
  );
  if (typeof options === "string" || options.args.length !== 1) {
    run.warn(call, `get_efivar: ${typeof options === "string" ? options : "it needs the name of one EFI variable"}`);
    return BAD_ARGUMENT;
  }
  const [, name, guid] = /^(.*?)(?:-([0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}))?$/s.exec(options.args[0]!)!;
  const bytes = variableBytes(run, name!, guid ?? GLOBAL_GUID);
  if (bytes === null) return FILE_NOT_FOUND;
  const format = optionValue(options, "format") ?? "hex";
  const value = format === "uint8" ? String(bytes[0]) : format === "string" ? textOf(bytes) : hexOf(bytes);
  const variable = optionValue(options, "set");
  if (variable !== undefined) run.setVariable(variable, value);
  return OK;
};

const SETENV_OPTIONS = [
  { long: "var-name", short: "e", value: "required" },
  { long: "var-guid", short: "g", value: "required" },
  { long: "type", short: "t", value: "required" },
] as const;

/** `setenv [-g GUID] [-t hex|string] VARIABLE VALUE`: writes nothing, and notes what GRUB would write. */
const setenv: CommandFunction = (run, argv, call) => {
  const options = parseOptions(SETENV_OPTIONS, argv);
  if (typeof options === "string") {
    run.warn(call, `setenv: ${options}`);
    return BAD_ARGUMENT;
  }
  const guid = optionValue(options, "var-guid") ?? GLOBAL_GUID;
  const named = optionValue(options, "var-name");
  const [name, text] = named === undefined ? options.args : [named, options.args[0]];
  const type = optionValue(options, "type") ?? (named === undefined ? "hex" : "string");
  if (name === undefined || text === undefined || !GUID.test(guid) || (type !== "hex" && type !== "string")) {
    run.warn(call, "setenv: it needs an EFI variable's name and a value, and a GUID and type that there can be");
    return BAD_ARGUMENT;
  }
  const value =
    type === "hex" ? Buffer.from(text, "hex").toString("latin1") : `${Buffer.from(text).toString("latin1")}\0`;
  run.plan.writes = [...run.plan.writes, { efivar: `${name}-${guid.toLowerCase()}`, value, isBytes: true }];
  return OK;
};

/** `efi-load-env` (Fedora): the environment block that lies in an EFI variable. */
const efiLoadEnv: CommandFunction = (run) => {
  const bytes = variableBytes(run, "GRUB_ENV", GRUB_GUID);
  const block = bytes === null ? null : parseEnvironmentBlock(bytes);
  for (const [name, value] of block?.variables ?? []) run.setVariable(name, value);
  return OK;
};

/** `hwmatch FILE CLASS` (Ubuntu): no device is on the list, as far as is known here. */
const hwmatch: CommandFunction = (run) => {
  run.setVariable("match", "0");
  return OK;
};

export const firmwareCommands: readonly (readonly [string, CommandFunction])[] = [
  ["cpuid", cpuid],
  ["getenv", getenv],
  ["get_efivar", getEfivar],
  ["setenv", setenv],
  ["efi-load-env", efiLoadEnv],
  ["hwmatch", hwmatch],
];
