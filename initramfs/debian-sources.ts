/** Where the host gets Debian from: its own apt sources, reduced to one part of Debian's archive of its release. */

import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { BatonError } from "../src/errors.ts";

/**
 * One-line sources (`deb [options] URI suite main`) for the release that the host runs, taken from `/etc/apt`
 * (both syntaxes of sources.list(5)); other vendors' repositories, backports and sources of source code are left out.
 * @param component what is taken from wherever main is
 * @throws BatonError "not-found" where the host has no such source
 */
export async function debianSources(etc = "/etc", component = "main"): Promise<string> {
  const release = await readFile(join(etc, "os-release"), "utf8");
  const codename = /^VERSION_CODENAME="?(\w+)/m.exec(release)?.[1] ?? "bookworm";
  const parts = join(etc, "apt", "sources.list.d");
  const names = await readdir(parts).catch(() => []);
  const files = [join(etc, "apt", "sources.list"), ...names.sort().map((name) => join(parts, name))];
  const lines = new Set<string>();
  for (const file of files) {
    const text = await readFile(file, "utf8").catch(() => "");
    if (file.endsWith(".list")) for (const line of oneLineSources(text, codename)) lines.add(line);
    if (file.endsWith(".sources")) for (const line of deb822Sources(text, codename)) lines.add(line);
  }
  if (lines.size === 0) {
    throw new BatonError(
      "not-found",
      `no Debian mirror for ${codename} in ${join(etc, "apt")}: add one to sources.list (see sources.list(5)) and try again`,
    );
  }
  return [...lines].map((line) => `${line.replace(/main$/, component)}\n`).join("");
}

function wantedSuite(suite: string, codename: string): boolean {
  return [codename, `${codename}-updates`, `${codename}-security`].includes(suite.replace(/\/updates$/, "-security"));
}

/** `deb [signed-by=…] http://… bookworm main contrib` */
export function oneLineSources(text: string, codename: string): string[] {
  const found: string[] = [];
  for (const line of text.split("\n")) {
    const match = /^\s*deb\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)\s+([^#]*)/.exec(line);
    if (!match) continue;
    const [, options = "", uri, suite, components] = match;
    if (!wantedSuite(suite!, codename) || !components!.split(/\s+/).includes("main")) continue;
    found.push(sourceLine(options, uri!, suite!));
  }
  return found;
}

/** Paragraphs of `Types: deb`, `URIs: …`, `Suites: …`, `Components: …`, `Signed-By: …`. */
export function deb822Sources(text: string, codename: string): string[] {
  const found: string[] = [];
  for (const paragraph of text.replace(/^#.*\n?/gm, "").split(/\n\s*\n/)) {
    const fields = new Map<string, string>();
    for (const match of paragraph.matchAll(/^([\w-]+):[ \t]*(.*(?:\n[ \t].*)*)/gm)) {
      fields.set(match[1]!.toLowerCase(), match[2]!.trim());
    }
    const words = (name: string) => (fields.get(name) ?? "").split(/\s+/).filter(Boolean);
    if (!words("types").includes("deb") || !words("components").includes("main")) continue;
    if (words("enabled")[0] === "no") continue;
    const key = fields.get("signed-by");
    // A key given in the file itself (a PGP block) has no place in a line; Debian's own sources name a file.
    const options = key?.startsWith("/") ? `signed-by=${key.split(/\s+/).join(",")}` : "";
    for (const uri of words("uris")) {
      for (const suite of words("suites")) {
        if (wantedSuite(suite, codename)) found.push(sourceLine(options, uri, suite));
      }
    }
  }
  return found;
}

function sourceLine(options: string, uri: string, suite: string): string {
  // The architecture is the caller's to choose.
  const kept = options
    .split(/\s+/)
    .filter((option) => option !== "" && !/^arch[+-]?=/.test(option))
    .join(" ");
  return `deb ${kept === "" ? "" : `[${kept}] `}${uri} ${suite} main`;
}
