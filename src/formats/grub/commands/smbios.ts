/**
 * `smbios`: values of the firmware's tables (grub-core/commands/smbios.c; DMTF DSP0134, "Structure header format").
 * A host that only reads configurations has no tables to ask.
 */

import { type SmbiosStructure, smbiosStructures } from "../../smbios.ts";
import { BAD_ARGUMENT, FILE_NOT_FOUND, OK } from "../errors.ts";
import type { CommandFunction } from "../interpreter.ts";
import { parseNumber } from "../number.ts";
import { optionValue, parseOptions } from "../options.ts";

const OPTIONS = [
  { long: "type", short: "t", value: "required" },
  { long: "handle", short: "h", value: "required" },
  { long: "match", short: "m", value: "required" },
  { long: "get-byte", short: "b", value: "required" },
  { long: "get-word", short: "w", value: "required" },
  { long: "get-dword", short: "d", value: "required" },
  { long: "get-qword", short: "q", value: "required" },
  { long: "get-string", short: "s", value: "required" },
  { long: "get-uuid", short: "u", value: "required" },
  { long: "set", value: "required" },
] as const;

/** Bytes of what each option reads. */
const SIZES: Readonly<Record<string, number>> = {
  "get-byte": 1,
  "get-word": 2,
  "get-dword": 4,
  "get-qword": 8,
  "get-string": 1,
  "get-uuid": 16,
};

const smbios: CommandFunction = (run, argv, call) => {
  const options = parseOptions(OPTIONS, argv);
  const question =
    typeof options === "string" ? undefined : Object.keys(SIZES).find((name) => options.values.has(name));
  if (typeof options === "string" || question === undefined) {
    run.warn(call, `smbios: ${typeof options === "string" ? options : "it needs one of the --get- options"}`);
    return BAD_ARGUMENT;
  }
  const numberOf = (name: string): number | null | undefined => {
    const text = optionValue(options, name);
    if (text === undefined) return undefined;
    const number = parseNumber(text);
    return number === null || number.rest !== "" || number.value > 0xffffn ? null : Number(number.value);
  };
  const [type, handle, match, offset] = ["type", "handle", "match", question].map(numberOf);
  if (type === null || handle === null || match === null || offset === null || offset === undefined || match === 0) {
    run.warn(call, "smbios: a type, handle, match or offset is no number that there can be");
    return BAD_ARGUMENT;
  }
  const wanted = smbiosStructures(run.context.platform.smbios?.() ?? new Uint8Array()).filter(
    (one) => (type === undefined || one.type === type) && (handle === undefined || one.handle === handle),
  );
  const found = wanted[(match ?? 1) - 1];
  if (found === undefined) return FILE_NOT_FOUND;
  const value = read(found, question, offset);
  if (value === null) {
    run.warn(call, `smbios: structure ${found.type} of this machine has nothing at offset ${offset}`);
    return BAD_ARGUMENT;
  }
  const variable = optionValue(options, "set");
  if (variable !== undefined) run.setVariable(variable, value);
  return OK;
};

function read({ data, strings }: SmbiosStructure, question: string, offset: number): string | null {
  if (offset + SIZES[question]! > data.byteLength) return null;
  switch (question) {
    case "get-byte":
      return String(data.getUint8(offset));
    case "get-word":
      return String(data.getUint16(offset, true));
    case "get-dword":
      return String(data.getUint32(offset, true));
    case "get-qword":
      return String(data.getBigUint64(offset, true));
    case "get-string":
      return strings[data.getUint8(offset) - 1] ?? null;
    default:
      return uuid(data, offset);
  }
}

/** The first three fields are little-endian (SMBIOS 2.6 and later). */
function uuid(data: DataView, offset: number): string {
  const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, "0");
  const bytes = (from: number, to: number): string => {
    let text = "";
    for (let i = from; i < to; i++) text += hex(data.getUint8(offset + i), 2);
    return text;
  };
  const first = hex(data.getUint32(offset, true), 8);
  const [second, third] = [4, 6].map((at) => hex(data.getUint16(offset + at, true), 4));
  return `${first}-${second}-${third}-${bytes(8, 10)}-${bytes(10, 16)}`;
}

export const smbiosCommands: readonly (readonly [string, CommandFunction])[] = [["smbios", smbios]];
