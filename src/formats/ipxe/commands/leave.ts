/** Commands that end the work with something that only iPXE or the firmware can do. */

import type { CommandRow, IpxeCommand } from "../run.ts";
import { returnToCaller } from "../state.ts";

const REASONS: Readonly<Record<string, string>> = {
  sanboot: "it boots from a network disk (sanboot), which needs iPXE's own drivers",
  shell: "it opens iPXE's own shell",
  config: "it opens iPXE's own settings",
  reboot: "it restarts the machine: press R in Baton's menu",
  poweroff: "it switches the machine off: press P in Baton's menu",
  autoboot: "it boots by iPXE's own automatic search",
};

const EXIT = "the script ends (exit): the firmware would go on with its next boot device";

/** `exit [STATUS]`: back to the script that called this one, else to the firmware. */
const exit: IpxeCommand = (run, [status = "0"], { state, way }) =>
  state.caller === null
    ? run.unbootable(state, way, EXIT, "local")
    : { jumpTo: returnToCaller(state, state.caller, Number(status) === 0) };

export const leavingCommands: readonly CommandRow[] = [
  ...Object.entries(REASONS).map(
    ([name, reason]): CommandRow => [name, (run, _, { state, way }) => run.unbootable(state, way, reason, "local")],
  ),
  ["exit", exit],
];
