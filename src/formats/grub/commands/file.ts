/** Commands that look into files: what they hold becomes a variable's value, or an answer. */

import { BAD_ARGUMENT, FILE_NOT_FOUND, OK, TEST_FAILURE } from "../errors.ts";
import type { Call, CommandFunction, Interpreter } from "../interpreter.ts";
import { type OptionSpec, optionValue, parseOptions } from "../options.ts";

/** More than any variable is worth. */
const MAX_VALUE_SIZE = 64 * 1024;
/** What the marks of a kernel stand within. */
const HEADER_LENGTH = 32 * 1024;
const MAX_COMPARE_SIZE = 1024 * 1024;

async function readText(run: Interpreter, call: Call, path: string): Promise<string | null> {
  const bytes = await run.files.read(run.files.name(path), MAX_VALUE_SIZE);
  if (typeof bytes !== "string") return new TextDecoder().decode(bytes);
  run.warn(call, `${call.name}: ${bytes}`);
  return null;
}

/** `file_env -f FILE NAME` (Home Assistant OS): the file's text becomes the variable's value. */
const fileEnv: CommandFunction = async (run, argv, call) => {
  const options = parseOptions([{ long: "file", short: "f", value: "required" }], argv);
  const file = typeof options === "string" ? undefined : optionValue(options, "file");
  if (typeof options === "string" || file === undefined || options.args[0] === undefined) return BAD_ARGUMENT;
  const text = await readText(run, call, file);
  if (text === null) return FILE_NOT_FOUND;
  // An expression for what stands at the end would start anew at each line of a long text.
  let end = text.length;
  while (end > 0 && "\r\n\0".includes(text[end - 1]!)) end--;
  run.setVariable(options.args[0], text.slice(0, end));
  return OK;
};

/** `read_file FILE NAME` (openSUSE): the file's first line. */
const readFile: CommandFunction = async (run, args, call) => {
  const [file, name] = args;
  if (file === undefined || name === undefined) return BAD_ARGUMENT;
  const text = await readText(run, call, file);
  if (text === null) return FILE_NOT_FOUND;
  run.setVariable(name, text.replace(/\r?\n[\s\S]*$/, ""));
  return OK;
};

/** `cat [--dos] [--set NAME] FILE`: only what a variable keeps matters here. */
const cat: CommandFunction = (run, argv, call) => {
  const options = parseOptions([{ long: "dos" }, { long: "set", short: "s", value: "required" }], argv);
  if (typeof options === "string" || options.args.length !== 1) return BAD_ARGUMENT;
  const name = optionValue(options, "set");
  const file = run.files.name(options.args[0]!);
  if (name !== undefined) return fileEnv(run, ["-f", options.args[0]!, name], call);
  const stat = run.files.stat(file);
  const answer = (found: { readonly type: string } | null): number => (found?.type === "file" ? OK : FILE_NOT_FOUND);
  return stat instanceof Promise ? stat.then(answer) : answer(stat);
};

/** `cmp FILE1 FILE2`: true where both hold the same. */
const cmp: CommandFunction = async (run, args, call) => {
  if (args.length !== 2) return BAD_ARGUMENT;
  const [first, second] = await Promise.all(args.map((path) => run.files.read(run.files.name(path), MAX_COMPARE_SIZE)));
  for (const bytes of [first!, second!]) {
    if (typeof bytes !== "string") continue;
    run.warn(call, `cmp: ${bytes}`);
    return FILE_NOT_FOUND;
  }
  const [one, two] = [first, second] as [Uint8Array, Uint8Array];
  return one.length === two.length && one.every((byte, at) => byte === two[at]) ? OK : TEST_FAILURE;
};

type Test = (header: DataView) => boolean;

const u32 = (header: DataView, at: number): number =>
  at + 4 <= header.byteLength ? header.getUint32(at, true) : Number.NaN;
const u16 = (header: DataView, at: number): number =>
  at + 2 <= header.byteLength ? header.getUint16(at, true) : Number.NaN;

/** A multiboot magic stands at a multiple of its alignment, near the beginning. */
const hasMagic =
  (magic: number, step: number, within: number): Test =>
  (header) => {
    for (let at = 0; at < within; at += step) if (u32(header, at) === magic) return true;
    return false;
  };

const isPe =
  (machine: number): Test =>
  (header) =>
    u16(header, 0) === 0x5a4d &&
    u32(header, u32(header, 0x3c)) === 0x4550 &&
    u16(header, u32(header, 0x3c) + 4) === machine;

/** x86's boot protocol: 0xAA55 and "HdrS". */
const isLinux: Test = (header) => u16(header, 0x1fe) === 0xaa55 && u32(header, 0x202) === 0x53726448;

/** Those of `file`'s questions that a Linux machine's configuration asks; no file is any of the others. */
const TESTS: Readonly<Record<string, Test>> = {
  "is-x86-linux": isLinux,
  "is-x86-linux32": isLinux,
  "is-arm64-linux": (header) => u32(header, 0x38) === 0x644d5241,
  "is-arm-linux": (header) => u32(header, 0x24) === 0x016f2818,
  "is-x86-multiboot": hasMagic(0x1badb002, 4, 8192),
  "is-x86-multiboot2": hasMagic(0xe85250d6, 8, 32_768),
  "is-x86-bios-bootsector": (header) => u16(header, 0x1fe) === 0xaa55,
  "is-x86_64-efi": isPe(0x8664),
  "is-i386-efi": isPe(0x014c),
  "is-arm64-efi": isPe(0xaa64),
  "is-arm-efi": isPe(0x01c2),
};

/** `file --is-x86-linux FILE` and its like. */
const file: CommandFunction = async (run, argv, call) => {
  const [question = "", path] = argv;
  if (!question.startsWith("--is-") || path === undefined) return BAD_ARGUMENT;
  const named = run.files.name(path);
  const header = await run.files.readStart(named, HEADER_LENGTH);
  if (typeof header === "string") {
    run.warn(call, `file: ${header}`);
    return FILE_NOT_FOUND;
  }
  const view = new DataView(header.buffer, header.byteOffset, header.byteLength);
  return (TESTS[question.slice(2)]?.(view) ?? false) ? OK : TEST_FAILURE;
};

const CHECKSUM_OPTIONS: readonly OptionSpec[] = [
  { long: "hash", short: "h", value: "required" },
  { long: "check", short: "c", value: "required" },
  { long: "prefix", short: "p", value: "required" },
  { long: "keep-going", short: "k" },
  { long: "uncompress", short: "u" },
];

/** `sha256sum --check LIST` would read whole media; here it is taken for right, and said so. */
const checksum: CommandFunction = (run, argv, call) => {
  const options = parseOptions(CHECKSUM_OPTIONS, argv);
  if (typeof options === "string") return BAD_ARGUMENT;
  if (options.values.has("check")) run.warnOnce(call, `${call.name} is taken to find every file as it should be`);
  return OK;
};

export const fileCommands: readonly (readonly [string, CommandFunction])[] = [
  ["file_env", fileEnv],
  ["read_file", readFile],
  ["cat", cat],
  ["cmp", cmp],
  ["file", file],
  ...["hashsum", "md5sum", "sha1sum", "sha256sum", "sha512sum", "crc"].map((name) => [name, checksum] as const),
];
