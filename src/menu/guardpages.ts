/** How the screen's menu asks what a guard wants to know: by pages over the list. */

import type { GuardFront } from "./guard.ts";
import type { ControllerHost, Page } from "./page.ts";
import { askPassword, type PromptPage } from "./prompt.ts";

/** The menu on which the pages lie. */
export interface PageHolder {
  page: Page | null;
  /** Opens a page that the host's console alone answers. */
  openFor(host: ControllerHost, page: Page): void;
  note(message: string): void;
  deliberately(host: ControllerHost, action: () => void): void;
  redraw(): void;
}

export function guardPages(holder: PageHolder, host: ControllerHost): GuardFront {
  /** A page that was closed meanwhile has no answer any more. */
  const isLeft = (page: PromptPage | null): boolean => page !== null && holder.page !== page;
  return {
    console: host.console,
    note: (message) => holder.note(message),
    deliberately: (then) => holder.deliberately(host, then),
    confirm: (confirmation, yes) => holder.openFor(host, { kind: "confirm", ...confirmation, yes }),
    askPassword: (asked, then) =>
      askPassword(
        asked,
        (page, before) => {
          if (isLeft(before)) return;
          holder.openFor(host, page);
          holder.redraw();
        },
        (page) => {
          if (isLeft(page)) return;
          holder.page = null;
          then();
          holder.redraw();
        },
      ),
  };
}
