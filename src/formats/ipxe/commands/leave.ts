/** Commands that end the work with something that only iPXE or the firmware can do. */

import type { CommandRow, IpxeCommand } from "../run.ts";
import { parseOptions, textOption } from "../script.ts";
import { returnToCaller } from "../state.ts";

const REASONS: Readonly<Record<string, string>> = {
  shell: "it opens iPXE's own shell",
  config: "it opens iPXE's own settings",
  reboot: "it restarts the machine: press R in Baton's menu",
  poweroff: "it switches the machine off: press P in Baton's menu",
  autoboot: "it boots by iPXE's own automatic search",
};

const NETWORK_DISK = "it boots from a network disk (sanboot), which needs iPXE's own drivers";

/** `sanboot [--drive N]` without a URI starts a disk that the machine has (ipxe.org/cmd/sanboot). */
const sanboot: IpxeCommand = (run, args, { state, way }) => {
  const valued = { drive: true, filename: true, extra: true, label: true, uuid: true };
  const options = parseOptions(args, { ...valued, "no-describe": false, keep: false });
  if (typeof options === "string" || options.args.length > 0 || state.settings.get("root-path")) {
    return run.unbootable(state, way, NETWORK_DISK, "other");
  }
  const drive = textOption(options, "drive") ?? "0x80";
  return run.unbootable(state, way, `it starts this machine's own disk ${drive}, as its firmware would`, "local");
};

const EXIT = "the script ends (exit): the firmware would go on with its next boot device";

/** `exit [STATUS]`: back to the script that called this one, else to the firmware. */
const exit: IpxeCommand = (run, [status = "0"], { state, way }) =>
  state.caller === null
    ? run.unbootable(state, way, EXIT, "local")
    : { jumpTo: returnToCaller(state, state.caller, Number(status) === 0) };

export const leavingCommands: readonly CommandRow[] = [
  ...Object.entries(REASONS).map(
    ([name, reason]): CommandRow => [name, (run, _, { state, way }) => run.unbootable(state, way, reason, "other")],
  ),
  ["sanboot", sanboot],
  ["exit", exit],
];
