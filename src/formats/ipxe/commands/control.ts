/** What steers a script: `goto`, `exit`, and `time`, which runs another command. */

import { ANY, integer } from "../options.ts";
import type { IpxeCommand } from "../run.ts";
import { returnToCaller } from "../state.ts";

const goto: IpxeCommand["run"] = (_, { args: [label = ""] }, { state }) => {
  const target = state.script.labels.get(label);
  if (target === undefined) return { fails: `goto ${label}: there is no such label` };
  return { jumpTo: Object.assign(state, { line: target, segment: 0, ok: true }) };
};

const EXIT = "the script ends (exit): the firmware would go on with its next boot device";

/** `exit [STATUS]`: back to the script that called this one, else to the firmware. */
const exit: IpxeCommand["run"] = (run, { args: [status = "0"] }, { state, way }) => {
  const code = integer(status);
  if (code === null) return { fails: `exit ${status}: that is no number` };
  return state.caller === null
    ? run.unbootable(state, way, EXIT, "local")
    : { jumpTo: returnToCaller(state, state.caller, code === 0) };
};

const time: IpxeCommand["run"] = (run, { args }, call) => run.command({ ...call, words: args });

export const controlCommands: readonly IpxeCommand[] = [
  { names: ["goto"], args: [1, 1], run: goto },
  { names: ["exit"], args: [0, 1], run: exit },
  { names: ["time"], args: [1, ANY], run: time },
];
