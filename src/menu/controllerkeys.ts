/** The keys of one console on their way to what all consoles share. */

import type { Controller } from "./controller.ts";
import type { KeyEvent, KeyUser, Typing } from "./keyfilter.ts";
import type { ControllerHost, Page, Viewport } from "./page.ts";

export class ControllerKeys implements KeyUser {
  readonly #controller: Controller;
  readonly #host: () => ControllerHost;
  readonly #view: () => Viewport;
  readonly noise: () => void;
  /** The page that was open before the keys that come together now. */
  #before: Page | null = null;

  /** @param noise called where the keys of this moment were nobody's */
  constructor(controller: Controller, host: () => ControllerHost, view: () => Viewport, noise: () => void) {
    this.#controller = controller;
    this.#host = host;
    this.#view = view;
    this.noise = noise;
  }

  get typing(): Typing | null {
    return this.#controller.isTyping ? "line" : null;
  }

  key({ name, text }: KeyEvent): void {
    this.#controller.key(name, text, this.#view(), this.#host());
  }

  paste(text: string): void {
    this.#controller.paste(text, this.#view(), this.#host().console);
  }

  begin(): void {
    this.#before = this.#controller.page;
  }

  undo(): void {
    if (this.#controller.page !== this.#before) this.#controller.page = null;
  }
}
