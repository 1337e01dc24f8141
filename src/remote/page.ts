/** The page for people: one file without anything from elsewhere, and the policy that lets nothing else run in it. */

import { createHash } from "node:crypto";
import { PAGE_SCRIPT } from "./pagescript.ts";
import { PAGE_STYLE } from "./pagestyle.ts";

interface Page {
  readonly html: string;
  /** `Content-Security-Policy`: the page's own script and style by their digests, requests to this server. */
  readonly policy: string;
}

const BODY = `<header><h1 id="title">Baton</h1><p id="machine"></p></header>
<main>
<form id="login"><label for="token">Token</label><input id="token" type="password" autocomplete="off" required>
<button>Open</button><p>It stands in the configuration of the machine's image, and is forgotten with this tab.</p></form>
<p id="say" role="alert"></p>
<div id="menu" hidden>
<p id="count" role="status"></p>
<p id="work" role="status"></p><progress id="bar" max="1" hidden></progress>
<section aria-labelledby="h-list"><h2 id="h-list">What can be booted</h2>
<ul id="list" role="listbox" tabindex="0" aria-labelledby="h-list"></ul></section>
<section aria-labelledby="h-entry"><h2 id="h-entry">Selected</h2>
<dl id="details"></dl>
<form id="go"><label for="options">Command line, for this boot alone</label>
<textarea id="options" rows="3" spellcheck="false" autocapitalize="off" autocomplete="off"></textarea>
<details><summary>Password</summary><label for="user">User, where a configuration names users</label>
<input id="user" autocomplete="off"><label for="password">Password, where the entry or the editor is shut</label>
<input id="password" type="password" autocomplete="off"></details>
<button id="boot">Boot</button></form></section>
<section aria-labelledby="h-machine"><h2 id="h-machine">Machine</h2><p class="buttons">
<button type="button" id="hold">Stop the countdown</button><button type="button" id="rescan">Look at every disk again</button>
<button type="button" id="reboot">Reboot</button><button type="button" id="off">Power off</button></p>
<details><summary>Devices, and why a disk yielded nothing</summary><ul id="devices"></ul></details>
<details><summary>Log</summary><pre id="log" tabindex="0" aria-label="Log"></pre></details></section>
</div></main>`;

let made: Page | null = null;

/** Made once. */
export function makePage(): Page {
  made ??= {
    html:
      `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Baton</title>` +
      `<meta name="viewport" content="width=device-width,initial-scale=1"><meta name="color-scheme" content="light dark">` +
      `<link rel="icon" href="data:,"><style>${PAGE_STYLE}</style></head><body>${BODY}<script>${PAGE_SCRIPT}</script></body></html>`,
    policy: [
      ...["default-src 'none'", `script-src ${digest(PAGE_SCRIPT)}`, `style-src ${digest(PAGE_STYLE)}`],
      ...["connect-src 'self'", "img-src data:", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"],
    ].join("; "),
  };
  return made;
}

/** As Content Security Policy Level 3, 2.3.1, names it. */
const digest = (text: string): string => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
