/** One line that is asked for: a URL, a password, what a script asks. */

import type { Question } from "../entry.ts";
import { printable } from "../text.ts";
import { applyKey, type EditLine, editLine, lineText } from "./editline.ts";
import type { AskedPassword } from "./guard.ts";

/** What is wrong with a URL that was typed; null where nothing is. */
export function urlProblem(text: string): string | null {
  return /^[a-z][a-z0-9+.-]*:\/\/[^/\s]\S*$/i.test(text)
    ? null
    : "That is no URL: http://server/path, https:// or tftp://";
}

export class PromptPage {
  readonly kind = "prompt";
  readonly title: string;
  /** A password shows as stars. */
  readonly hidden: boolean;
  line: EditLine;
  /** Said below the line: what it may be, or that the last one was wrong. */
  note: string | null;
  readonly #enter: (text: string, page: PromptPage) => void;

  /** @param enter gets what was typed; the page stays open until the one who opened it closes it */
  constructor(
    options: { title: string; hidden?: boolean; text?: string; note?: string },
    enter: (text: string, page: PromptPage) => void,
  ) {
    this.title = options.title;
    this.hidden = options.hidden ?? false;
    this.line = editLine(options.text ?? "");
    this.note = options.note ?? null;
    this.#enter = enter;
  }

  /** Empties the line, and says something below it. */
  clear(note: string): void {
    this.line = editLine("");
    this.note = note;
  }

  /** @returns what the page itself can't do */
  key(name: string, text: string, columns: number): "enter" | "leave" | null {
    if (name === "escape" || name === "C-c" || name === "C-g") return "leave";
    if (name === "enter") return "enter";
    this.line = applyKey(this.line, name, text, columns) ?? this.line;
    return null;
  }

  /** Takes what was typed. */
  enter(): void {
    this.#enter(lineText(this.line), this);
  }
}

/** @param open gets a text that is a URL */
export function urlPage(open: (url: string) => void): PromptPage {
  const note = "An iPXE script, a pxelinux or GRUB configuration, or a kernel.";
  return new PromptPage({ title: "Boot from a URL", text: "http://", note }, (text, page) => {
    const url = text.trim();
    page.note = urlProblem(url);
    if (page.note === null) open(url);
  });
}

/**
 * Asks one question after the other.
 * @param show opens the page of a question
 * @param done gets the answers by the questions' names
 */
export function askInTurn(
  questions: readonly Question[],
  show: (page: PromptPage) => void,
  done: (answers: ReadonlyMap<string, string>) => void,
): void {
  const answers = new Map<string, string>();
  const ask = (at: number): void => {
    const question = questions[at];
    if (question === undefined) {
      done(answers);
      return;
    }
    const { name, text, isSecret: hidden, value } = question;
    const page = new PromptPage({ title: printable(text), hidden, text: printable(value) }, (typed) => {
      answers.set(name, typed);
      ask(at + 1);
    });
    show(page);
  };
  ask(0);
}

/**
 * Asks for a password, and for a user's name before it where there are users; after a wrong one it begins anew.
 * @param show opens a page; called when a page's note has changed, too
 * @param done called when an attempt has succeeded
 */
export function askPassword(
  { what, users, attempt }: AskedPassword,
  show: (page: PromptPage, before: PromptPage | null) => void,
  done: (page: PromptPage) => void,
): void {
  const forPassword = (user: string | null): PromptPage => {
    const title = user === null || user === "" ? `Password for ${what}` : `Password of ${printable(user)} for ${what}`;
    return new PromptPage({ title, hidden: true }, (text, page) => {
      page.clear("Looking…");
      void attempt(text, user ?? "").then((problem) => {
        if (problem === null) return done(page);
        if (users === null) page.note = problem;
        show(users === null ? page : forUser(problem), page);
      });
    });
  };
  const forUser = (note: string): PromptPage =>
    new PromptPage({ title: `User for ${what}`, note }, (text, page) => show(forPassword(text.trim()), page));
  show(users === null ? forPassword(null) : forUser(users), null);
}
