/** What steers a script: `goto`, and `time`, which runs another command. */

import type { CommandRow, IpxeCommand } from "../run.ts";

const goto: IpxeCommand = (run, [label = ""], { state, line }) => {
  const target = state.script.labels.get(label);
  if (target === undefined) {
    run.say(state, line, `goto ${label}: there is no such label`);
    return "failed";
  }
  return { jumpTo: Object.assign(state, { line: target, segment: 0, ok: true }) };
};

const time: IpxeCommand = (run, args, call) => run.command({ ...call, words: args });

export const controlCommands: readonly CommandRow[] = [
  ["goto", goto],
  ["time", time],
];
