/** Commands that ask the processor and the firmware, or would change what the firmware keeps. */

import { BAD_ARGUMENT, FILE_NOT_FOUND, OK, TEST_FAILURE } from "../errors.ts";
import type { CommandFunction } from "../interpreter.ts";
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

/** Whose EFI variables a machine gives to configurations: systemd's loader's. */
const LOADER_GUID = "4a67b082-0a4c-41cf-b6c7-440b29bb8c4f";

const VARIABLE_OPTIONS = [
  { long: "var-name", short: "e", value: "required" },
  { long: "var-guid", short: "g", value: "required" },
  { long: "binary", short: "b" },
] as const;

/** `getenv -e VARIABLE -g GUID NAME` (CoreOS) and `get_efivar [-f FORMAT] -s NAME VARIABLE-GUID`. */
const getenv: CommandFunction = (run, argv, call) => {
  const isOther = call.name === "get_efivar";
  const specs = isOther
    ? ([
        { long: "format", short: "f", value: "required" },
        { long: "set", short: "s", value: "required" },
      ] as const)
    : VARIABLE_OPTIONS;
  const options = parseOptions(specs, argv);
  if (typeof options === "string") {
    run.warn(call, `${call.name}: ${options}`);
    return BAD_ARGUMENT;
  }
  const [argument] = options.args;
  const split = /^(.*?)-([0-9a-fA-F-]{36})$/.exec(argument ?? "");
  const name = isOther ? (split?.[1] ?? argument) : optionValue(options, "var-name");
  const guid = isOther ? (split?.[2] ?? LOADER_GUID) : optionValue(options, "var-guid");
  const variable = isOther ? optionValue(options, "set") : argument;
  if (name === undefined || guid === undefined || (!isOther && variable === undefined)) {
    run.warn(call, `${call.name}: it needs an EFI variable's name, its GUID and the name of a variable to set`);
    return BAD_ARGUMENT;
  }
  const { loaderVariable } = run.context.platform;
  const value = guid.toLowerCase() === LOADER_GUID ? (loaderVariable?.(name) ?? null) : null;
  if (value === null) return FILE_NOT_FOUND;
  if (variable !== undefined) run.setVariable(variable, value);
  return OK;
};

/** `setenv -e VARIABLE -g GUID VALUE`: writes nothing, and notes what GRUB would write. */
const setenv: CommandFunction = (run, argv, call) => {
  const options = parseOptions(VARIABLE_OPTIONS, argv);
  if (typeof options === "string") {
    run.warn(call, `setenv: ${options}`);
    return BAD_ARGUMENT;
  }
  const name = optionValue(options, "var-name");
  const guid = optionValue(options, "var-guid");
  const [value] = options.args;
  if (name === undefined || guid === undefined || value === undefined) return BAD_ARGUMENT;
  run.plan.writes = [...run.plan.writes, { efivar: `${name}-${guid.toLowerCase()}`, value }];
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
  ["get_efivar", getenv],
  ["setenv", setenv],
  ["hwmatch", hwmatch],
];
