/** Headless Chromium with one page, driven over a pipe by the DevTools protocol (chromedevtools.github.io/devtools-protocol). */

import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable, Writable } from "node:stream";

/** As Debian's package installs it. */
export const CHROMIUM = "/usr/bin/chromium";

type Result = Record<string, unknown>;

export class Page {
  readonly #browser: ChildProcess;
  readonly #waiting = new Map<number, { resolve(result: Result): void; reject(error: Error): void }>();
  /** What the page's console and its exceptions said. */
  readonly said: string[] = [];
  #session: string | undefined;
  #number = 0;

  constructor(browser: ChildProcess) {
    this.#browser = browser;
    let text = "";
    (browser.stdio[4] as Readable).on("data", (bytes: Buffer) => {
      const parts = (text + bytes.toString()).split("\0");
      text = parts.pop()!;
      for (const part of parts) this.#heard(JSON.parse(part) as Result);
    });
  }

  #heard({ id, result, error, method, params }: Result): void {
    if (method === "Runtime.exceptionThrown" || method === "Log.entryAdded") this.said.push(JSON.stringify(params));
    const waiting = this.#waiting.get(id as number);
    this.#waiting.delete(id as number);
    if (error !== undefined) waiting?.reject(new Error(JSON.stringify(error)));
    else waiting?.resolve(result as Result);
  }

  send(method: string, params: object = {}): Promise<Result> {
    const id = ++this.#number;
    const message = { id, method, params, ...(this.#session !== undefined && { sessionId: this.#session }) };
    (this.#browser.stdio[3] as Writable).write(`${JSON.stringify(message)}\0`);
    return new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
  }

  async open(url: string): Promise<void> {
    const { targetId } = await this.send("Target.createTarget", { url: "about:blank" });
    const { sessionId } = await this.send("Target.attachToTarget", { targetId, flatten: true });
    this.#session = sessionId as string;
    for (const domain of ["Page", "Runtime", "Log"]) await this.send(`${domain}.enable`);
    await this.send("Security.setIgnoreCertificateErrors", { ignore: true });
    await this.send("Page.navigate", { url });
  }

  /** What an expression gives in the page. */
  async evaluate<T>(expression: string): Promise<T> {
    const { result, exceptionDetails } = await this.send("Runtime.evaluate", {
      ...{ expression, awaitPromise: true, returnByValue: true },
    });
    if (exceptionDetails !== undefined) throw new Error(JSON.stringify(exceptionDetails));
    return (result as { value: T }).value;
  }

  async type(text: string): Promise<void> {
    await this.send("Input.insertText", { text });
  }

  /** @param key `Enter`, `ArrowDown`, `Tab` */
  async press(key: string): Promise<void> {
    const codes: Readonly<Record<string, number>> = { Enter: 13, ArrowDown: 40, Tab: 9 };
    const event = { key, code: key, windowsVirtualKeyCode: codes[key], ...(key === "Enter" && { text: "\r" }) };
    await this.send("Input.dispatchKeyEvent", { type: "keyDown", ...event });
    await this.send("Input.dispatchKeyEvent", { type: "keyUp", ...event });
  }

  /** @param width of the window, in pixels */
  async look(width: number, height: number, scheme: "light" | "dark"): Promise<Buffer> {
    await this.send("Emulation.setDeviceMetricsOverride", { width, height, deviceScaleFactor: 1, mobile: width < 600 });
    await this.send("Emulation.setEmulatedMedia", { features: [{ name: "prefers-color-scheme", value: scheme }] });
    const { data } = await this.send("Page.captureScreenshot", { captureBeyondViewport: true });
    return Buffer.from(data as string, "base64");
  }
}

export async function withPage(url: string, body: (page: Page) => Promise<void>): Promise<void> {
  const home = await mkdtemp(join(tmpdir(), "chromium-"));
  const flags = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"];
  const browser = spawn(CHROMIUM, [...flags, "--remote-debugging-pipe", `--user-data-dir=${home}`], {
    stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"],
  });
  const ended = new Promise((resolve) => browser.on("close", resolve));
  try {
    const page = new Page(browser);
    await page.open(url);
    await body(page);
  } finally {
    browser.kill("SIGKILL");
    await ended;
    await rm(home, { recursive: true, force: true, maxRetries: 5 });
  }
}
