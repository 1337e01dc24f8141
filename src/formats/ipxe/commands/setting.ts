/** Settings, iPXE's variables: `set`, `clear`, `inc`, `isset`, `iseq`, `cpuid`, `read`. */

import type { CommandRow, IpxeCommand } from "../run.ts";

/** `net0/ip:ipv4` sets `net0/ip`. */
export const untyped = (setting: string): string => setting.replace(/:[a-z0-9]+$/, "");

const set: IpxeCommand = (_, [setting, ...value], { state }) => {
  if (setting === undefined) return "failed";
  state.settings.set(untyped(setting), value.join(" "));
  return "next";
};

const clear: IpxeCommand = (_, [setting = ""], { state }) => {
  state.settings.set(untyped(setting), "");
  return "next";
};

const inc: IpxeCommand = (run, [name = "", step = "1"], { state }) => {
  const setting = untyped(name);
  const value = Number(run.setting(state, setting)) || 0;
  state.settings.set(setting, String(value + (Number(step) || 0)));
  return "next";
};

const isset: IpxeCommand = (_, [value]) => (value ? "next" : "failed");

const iseq: IpxeCommand = (_, args) => (args.length === 2 && args[0] === args[1] ? "next" : "failed");

/** `cpuid --ext 29`: can the processor run 64-bit code? Of all else the answer is yes. */
const cpuid: IpxeCommand = (run, args, { state }) =>
  args.at(-1) === "29" && run.setting(state, "buildarch") !== "x86_64" ? "failed" : "next";

const read: IpxeCommand = (run, [setting = ""], { state, line }) => {
  run.say(state, line, `'read ${setting}' asks for a text; the script goes on with what is set already`);
  return "next";
};

export const settingCommands: readonly CommandRow[] = [
  ["set", set],
  ["clear", clear],
  ["inc", inc],
  ["isset", isset],
  ["iseq", iseq],
  ["cpuid", cpuid],
  ["read", read],
];
