/** The menu's state as it goes over the network: all of it on request, and what changes as events. */

import { formatLogLine } from "../log.ts";
import type { MenuActions, MenuState } from "../menu/model.ts";

/** Lines of the log that are told: the newest. */
const LOG_LINES = 200;

/** The list's own JSON (`baton list --json`). */
export type ListOf = () => Record<string, unknown>;

/** What changes often and is small. */
export function statusJson(state: MenuState): Record<string, unknown> {
  const { countdown, resumes, next, defaultId, progress, message, failure, scanning } = state;
  return {
    ...{ selected: state.selectedId ?? defaultId, default: defaultId, countdown, resumes, next },
    ...{ progress, message, failure, scanning, title: state.settings.title, machine: state.machine },
  };
}

export function logTexts(actions: Pick<MenuActions, "log">): string[] {
  return actions.log().slice(-LOG_LINES).map(formatLogLine);
}

/** `GET /v1/state`. */
export function stateJson(state: MenuState, list: ListOf, actions: Pick<MenuActions, "log">): Record<string, unknown> {
  return { ...list(), ...statusJson(state), log: logTexts(actions) };
}
