/** Questions to a person: `read`, `login`, and the form that `present` shows. A machine that asks boots nothing by itself. */

import type { Question } from "../../../entry.ts";
import { type Call, type IpxeCommand, type IpxeRun, type Step, textOf } from "../run.ts";
import { store } from "./setting.ts";

/**
 * In a menu the answers are asked for when a person opens the entry. A list goes on with what is set already.
 * @param questions by the settings that the answers go to
 */
function ask(run: IpxeRun, call: Call, questions: readonly Question[]): Step {
  const { state, answers } = call;
  if (questions.length === 0) return "next";
  if (answers === undefined) {
    if (run.host.defers) return run.door(call, questions);
    const names = questions.map(({ name }) => `'${name}'`).join(", ");
    state.machine.unchecked ??= `its script asks for ${names}`;
    return "next";
  }
  for (const { name } of questions) {
    const step = store(state, name, answers.get(name) ?? "");
    if (step !== "next") return step;
  }
  return "next";
}

const read: IpxeCommand["run"] = (run, { args: [name = ""] }, call) => {
  const text = call.state.machine.said.trim() || name;
  return ask(run, call, [{ name, text, isSecret: false, value: run.setting(call.state, name) ?? "" }]);
};

const LOGIN = [
  { name: "username", text: "User name", isSecret: false },
  { name: "password", text: "Password", isSecret: true },
];

/** Without a person nobody has logged in: what a server would make of that isn't asked. */
const login: IpxeCommand["run"] = (run, _, call) => {
  const { state, way, answers } = call;
  if (answers === undefined && !run.host.defers)
    return run.unbootable(state, way, "it asks for a user name and a password, which is done in Baton's menu", "other");
  return ask(
    run,
    call,
    LOGIN.map((one) => ({ ...one, value: one.isSecret ? "" : (run.setting(state, one.name) ?? "") })),
  );
};

const present: IpxeCommand["run"] = (run, given, call) => {
  const { state } = call;
  const name = given.text("form") ?? "";
  const form = state.machine.menus.get(name);
  if (form === undefined) return { fails: "present: there is no form to show" };
  const questions = form.items.flatMap((item) =>
    item.name === null
      ? []
      : [{ name: item.name, text: textOf(item), isSecret: item.isSecret, value: run.setting(state, item.name) ?? "" }],
  );
  const step = ask(run, call, questions);
  if (step === "next" && !given.has("keep")) state.machine.menus.delete(name);
  return step;
};

export const askCommands: readonly IpxeCommand[] = [
  { names: ["read"], options: { timeout: "t#" }, args: [1, 1], run: read },
  { names: ["login"], args: [0, 0], run: login },
  { names: ["present"], options: { form: "f:", keep: "k" }, args: [0, 0], run: present },
];
