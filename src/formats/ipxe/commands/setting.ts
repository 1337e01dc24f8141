/** Settings, iPXE's variables: `set`, `clear`, `inc`, `show`, `isset`, `iseq`. */

import { ANY, integer } from "../options.ts";
import type { IpxeCommand, IpxeRun, Step } from "../run.ts";
import type { ScriptState } from "../state.ts";

/** Sets what an expression names. */
export function store({ machine }: ScriptState, expression: string, value: string, fallback?: string): Step {
  const why = machine.settings.set(expression, value, fallback);
  return why === null ? "next" : { fails: `${expression} can't be set: ${why}` };
}

const set: IpxeCommand["run"] = (_, { args: [setting = "", ...value] }, { state }) =>
  store(state, setting, value.join(" "));

const clear: IpxeCommand["run"] = (_, { args: [setting = ""] }, { state }) => store(state, setting, "");

const inc: IpxeCommand["run"] = (run, { args: [setting = "", step = "1"] }, { state }) => {
  const by = integer(step);
  const why = by === null ? `'${step}' is no number` : state.machine.settings.add(setting, by, outer(run, state));
  return why === null ? "next" : { fails: `${setting} can't be counted up: ${why}` };
};

const outer =
  (run: IpxeRun, state: ScriptState) =>
  (name: string): string | null =>
    run.setting(state, name);

const show: IpxeCommand["run"] = (run, { args: [setting = ""] }, { state }) =>
  run.setting(state, setting) === null ? { fails: `${setting} isn't set` } : "next";

const isset: IpxeCommand["run"] = (_, { args: [value] }) => (value ? "next" : { fails: "isset: it isn't" });

const iseq: IpxeCommand["run"] = (_, { args: [one, other] }) =>
  one === other ? "next" : { fails: `iseq: '${one}' is not '${other}'` };

export const settingCommands: readonly IpxeCommand[] = [
  { names: ["set"], args: [1, ANY], run: set },
  { names: ["clear"], args: [1, 1], run: clear },
  { names: ["inc"], args: [1, 2], run: inc },
  { names: ["show"], args: [1, 1], run: show },
  { names: ["isset"], args: [1, 1], run: isset },
  { names: ["iseq"], args: [2, 2], run: iseq },
];
