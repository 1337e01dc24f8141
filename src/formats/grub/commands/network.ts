/** Commands that ask what the network has told (grub-core/net/bootp.c). */

import { Buffer } from "node:buffer";
import { BAD_ARGUMENT, OK } from "../errors.ts";
import type { CommandFunction } from "../interpreter.ts";
import { parseNumber } from "../number.ts";

/** The longest that GRUB takes for a number. */
const MAX_NUMBER_BYTES = 8;

/** `net_get_dhcp_option NAME INTERFACE NUMBER string|number|hex`; NAME may be `-`, which only prints. */
const dhcpOption: CommandFunction = (run, args, call) => {
  const [name, , text, form] = args;
  const number = parseNumber(text ?? "");
  if (name === undefined || form === undefined || number === null) {
    run.warn(
      call,
      "net_get_dhcp_option: it needs a variable, an interface, an option's number and string, number or hex",
    );
    return BAD_ARGUMENT;
  }
  const bytes = run.context.network?.dhcpOption?.(Number(number.value)) ?? null;
  if (bytes === null) return BAD_ARGUMENT;
  const value = shownAs(Buffer.from(bytes), form);
  if (value === null) {
    run.warn(call, `net_get_dhcp_option: option ${number.value} can't be given as '${form}'`);
    return BAD_ARGUMENT;
  }
  if (name === "-") run.onEcho?.(`${value}\n`);
  else run.setVariable(name, value);
  return OK;
};

function shownAs(bytes: Buffer, form: string): string | null {
  switch (form) {
    case "string":
      return bytes.toString("utf8").replace(/\0.*$/s, "");
    case "number":
      return bytes.length > MAX_NUMBER_BYTES ? null : String(BigInt(`0x${bytes.toString("hex") || "0"}`));
    case "hex":
      return bytes.toString("hex").replace(/..(?=.)/g, "$&:");
    default:
      return null;
  }
}

export const networkCommands: readonly (readonly [string, CommandFunction])[] = [["net_get_dhcp_option", dhcpOption]];
