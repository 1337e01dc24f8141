/** Where Debian comes from: the mirrors of the host's own apt sources, or those that are named, for any of its suites. */

import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { BatonError } from "../src/errors.ts";

/** Debian's releases that can still be fetched, by name; a host of Debian's adds its own. */
const CODENAMES = ["bullseye", "bookworm", "trixie", "forky", "duke", "sid"];
/** Suites that name a release by its state. Other vendors use these words, too, so the archive's path must say Debian. */
const STATES = ["oldoldstable", "oldstable", "stable", "testing", "unstable"];
/** The suites that have no updates and no security archive beside them. */
const ROLLING = ["sid", "unstable", "experimental"];
/** What stands behind a release's name. */
const PART = /-(updates|security|backports|backports-sloppy|proposed-updates)$|\/updates$/;

/** Debian's keys, as its package debian-archive-keyring installs them; the newer name first. */
const KEYRINGS = ["pgp", "gpg"].map((end) => `/usr/share/keyrings/debian-archive-keyring.${end}`);

/** One line of sources.list(5), for one suite. */
interface Source {
  /** What stands in brackets, without the architecture. */
  readonly options: string;
  readonly uri: string;
  readonly suite: string;
}

export interface Wanted {
  /** `trixie`, `trixie-backports`, `sid`; the release's updates come with it. */
  readonly suite: string;
  /** What is taken from wherever main is; `main` unless given. */
  readonly component?: string;
  /** Addresses to fetch from in place of the host's; one that ends in `-security` is Debian's archive of security updates. */
  readonly mirrors?: readonly string[];
  /** `/etc` unless given. */
  readonly etc?: string;
}

/**
 * One-line sources (`deb [options] URI suite component`) for a suite, from the mirrors that are named or else from the
 * host's `/etc/apt` (both syntaxes of sources.list(5)). Which of Debian's releases the host itself runs doesn't matter.
 * @throws BatonError "not-found" where neither names a Debian archive
 */
export async function debianSources(wanted: Wanted): Promise<string> {
  const { suite, component = "main", mirrors = [], etc = "/etc" } = wanted;
  const base = suite.replace(PART, "");
  const archives = mirrors.length > 0 ? mirrors.map(namedArchive) : await hostArchives(etc);
  if (archives.length === 0) {
    throw new BatonError(
      "not-found",
      `no Debian mirror in ${join(etc, "apt")}: add one to sources.list (see sources.list(5)) and try again, or name one ` +
        "under mirrors: of the board profile",
    );
  }
  const lines = new Set<string>();
  for (const { options, uri, isSecurity } of archives) {
    const suites = isSecurity ? [`${base}-security`] : [base, `${base}-updates`];
    const found = !ROLLING.includes(base) ? suites : isSecurity ? [] : [base];
    if (suite !== base && !isSecurity) found.push(suite);
    for (const one of found) lines.add(sourceLine({ options, uri, suite: one }, component));
  }
  return [...lines].join("");
}

/**
 * Where a release's security updates probably are, for a host whose own release has none (sid): beside Debian's archive, as
 * on Debian's own mirrors. One line of sources.list(5), or nothing where the host's sources or the named mirrors say it.
 */
export async function guessedSecurity(wanted: Wanted): Promise<string> {
  const { suite, component = "main", mirrors = [], etc = "/etc" } = wanted;
  const base = suite.replace(PART, "");
  const archives = mirrors.length > 0 || ROLLING.includes(base) ? [] : await hostArchives(etc);
  const archive = archives.find(({ uri }) => /\/debian\/*$/.test(uri));
  if (archive === undefined || archives.some(({ isSecurity }) => isSecurity)) return "";
  const { options, uri } = archive;
  return sourceLine({ options, uri: uri.replace(/\/*$/, "-security"), suite: `${base}-security` }, component);
}

const sourceLine = ({ options, uri, suite }: Source, component: string): string =>
  `deb ${options === "" ? "" : `[${options}] `}${uri} ${suite} ${component}\n`;

/**
 * The suite that the host itself runs: programs of its packages run here.
 * @throws BatonError "not-found" where it is no Debian
 */
export async function hostSuite(etc = "/etc"): Promise<string> {
  const { isDebian, codename } = await osRelease(etc);
  const suites = isDebian ? (await hostSources(etc)).map(({ suite }) => suite.replace(PART, "")) : [];
  // Debian's unstable calls itself by the name of the release that it will become.
  const suite = suites.includes(codename) ? codename : (suites[0] ?? (isDebian ? codename : ""));
  if (suite === "")
    throw new BatonError("not-found", "this machine's programs can't be taken from Debian: it is another system");
  return suite;
}

interface Archive {
  readonly options: string;
  readonly uri: string;
  readonly isSecurity: boolean;
}

function namedArchive(uri: string): Archive {
  const keyring = KEYRINGS.find((path) => existsSync(path));
  if (keyring === undefined) {
    throw new BatonError("not-found", `Debian's keys are not here (${KEYRINGS[0]}): install debian-archive-keyring`);
  }
  return { options: `signed-by=${keyring}`, uri, isSecurity: /-security\/*$/.test(uri) };
}

async function hostArchives(etc: string): Promise<Archive[]> {
  const sources = await hostSources(etc);
  const isSecurity = (uri: string) =>
    sources.some((one) => one.uri === uri && /(-security|\/updates)$/.test(one.suite));
  return sources.map(({ options, uri }) => ({ options, uri, isSecurity: isSecurity(uri) }));
}

async function osRelease(etc: string): Promise<{ isDebian: boolean; codename: string }> {
  const text = await readFile(join(etc, "os-release"), "utf8").catch(() => "");
  return {
    isDebian: /^ID="?debian"?$/m.test(text),
    codename: /^VERSION_CODENAME="?(\w+)/m.exec(text)?.[1] ?? "",
  };
}

/** The host's sources of Debian's main archive. Backports count: they lie on the same mirror. */
async function hostSources(etc: string): Promise<Source[]> {
  const { isDebian, codename } = await osRelease(etc);
  const parts = join(etc, "apt", "sources.list.d");
  const names = await readdir(parts).catch(() => []);
  const files = [join(etc, "apt", "sources.list"), ...names.sort().map((name) => join(parts, name))];
  const found: Source[] = [];
  for (const file of files) {
    const text = await readFile(file, "utf8").catch(() => "");
    if (file.endsWith(".list")) found.push(...oneLineSources(text));
    if (file.endsWith(".sources")) found.push(...deb822Sources(text));
  }
  const codenames = isDebian && codename !== "" ? [...CODENAMES, codename] : CODENAMES;
  return found.filter(({ uri, suite }) => {
    const base = suite.replace(PART, "");
    return codenames.includes(base) || (STATES.includes(base) && /\/debian(-security)?\/*$/.test(uri));
  });
}

/** Sources with main in `deb [signed-by=…] http://… bookworm main contrib`. */
export function oneLineSources(text: string): Source[] {
  const found: Source[] = [];
  for (const line of text.split("\n")) {
    const match = /^\s*deb\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)\s+([^#]*)/.exec(line);
    if (!match) continue;
    const [, options = "", uri, suite, components] = match;
    if (components!.split(/\s+/).includes("main"))
      found.push({ options: keptOptions(options), uri: uri!, suite: suite! });
  }
  return found;
}

/** Those in paragraphs of `Types: deb`, `URIs: …`, `Suites: …`, `Components: …`, `Signed-By: …`. */
export function deb822Sources(text: string): Source[] {
  const found: Source[] = [];
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
    for (const uri of words("uris")) for (const suite of words("suites")) found.push({ options, uri, suite });
  }
  return found;
}

/** The architecture is the caller's to choose. */
function keptOptions(options: string): string {
  return options
    .split(/\s+/)
    .filter((option) => option !== "" && !/^arch[+-]?=/.test(option))
    .join(" ");
}
