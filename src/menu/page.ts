/** The pages that lie over the list, and the screen on which their keys are pressed. */

import type { Confirmation, PageName } from "./actions.ts";
import type { EntryEditor } from "./entryeditor.ts";
import type { PromptPage } from "./prompt.ts";
import type { SearchPage } from "./search.ts";

/** A page of text; `top` is its first visible row, Infinity for the end. */
export interface TextPage {
  readonly kind: "text";
  readonly name: PageName;
  top: number;
}

/** A question that y or n answers. */
export interface ConfirmPage extends Confirmation {
  readonly kind: "confirm";
  readonly yes: () => void;
}

export type Page = TextPage | EntryEditor | ConfirmPage | PromptPage | SearchPage;

/** The screen on which a key was pressed. */
export interface Viewport {
  readonly columns: number;
  /** Rows of the list, or of a page's text. */
  readonly listRows: number;
  readonly pageRows: number;
  /** How many rows a page has in all. */
  pageLength(name: PageName | "nothing"): number;
}

/** What a key can't do inside: on consoles, not in the state. */
export interface ControllerHost {
  /** On which console the key was pressed; left out where there is only one. */
  readonly console?: object | undefined;
  /** Its name, for people. */
  readonly name?: string;
  shell(): void;
  redraw(): void;
  /**
   * Does what can't be taken back, once it is clear that a person pressed the key: not where it is held down, and not
   * where it is part of a paste or noise. At once where there is no such host.
   * @param refused called where the key is found to be part of something else, but for one that another follows
   */
  deliberately?(action: () => void, refused: () => void): void;
}
