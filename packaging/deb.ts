/**
 * Makes dist/baton_VERSION_ARCH.deb: the program, man pages, completion, and the unit that confirms a boot.
 * `npm run deb`. The same commit gives the same bytes on every machine. SOURCE_DATE_EPOCH is its date, else the
 * commit's (https://reproducible-builds.org/specs/source-date-epoch/).
 */

import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chmodSync,
  cpSync,
  lutimesSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { gzipSync } from "node:zlib";
import { buildProgram } from "../initramfs/build.ts";
import { distDirectory, projectRoot } from "../initramfs/cache.ts";
import { BatonError, describeError } from "../src/errors.ts";
import { BOOTED_STATE_FILES, STATE_VARIABLE } from "../src/state/own.ts";
import { VERSION } from "../src/version.ts";
import { bashCompletion, fishCompletion, zshCompletion } from "./completion.ts";

/**
 * Who builds a package answers for it: their name and address, as Debian's own tools take them. The project itself has no
 * address for mail, which lintian is told (packaging/lintian-overrides).
 */
function maintainer(): string {
  const { DEBFULLNAME = "The Baton authors", DEBEMAIL = "baton@localhost" } = process.env;
  if (!/^[^<>\n]+$/.test(DEBFULLNAME) || !/^[^\s<>@]+@[^\s<>@]+$/.test(DEBEMAIL)) {
    throw new BatonError("usage", `DEBFULLNAME and DEBEMAIL: ${DEBFULLNAME} <${DEBEMAIL}> is no name and address`);
  }
  return `${DEBFULLNAME} <${DEBEMAIL}>`;
}

/** Debian's name of the architecture for which koffi.node is built. */
const ARCH = process.arch === "arm64" ? "arm64" : "amd64";
const DOC = "usr/share/doc/baton";
const UNITS = "usr/lib/systemd/system";

/** What is 0755 in the package, and so may be called. */
const PROGRAMS = /\/(baton\.cjs|rauc-backend)$/;

const text = (path: string): string => readFileSync(join(projectRoot, path), "utf8");
/** Without a name and a time of its own in it. */
const packed = (content: string): Uint8Array => gzipSync(content, { level: 9 });

/** The unit, with the places at which src/state/own.ts looks on a booted system. */
export function confirmUnit(): string {
  return text("packaging/baton-confirm.service")
    .replace("@STATE_VARIABLE@", STATE_VARIABLE)
    .replace("@STATE_FILES@", BOOTED_STATE_FILES.map((path) => `ConditionPathExists=|${path}`).join("\n"));
}

/** Path in the package → content; what {@link PROGRAMS} names is 0755, and everything else 0644. */
function files(): Record<string, string | Uint8Array> {
  const changelog = `baton (${VERSION}) unstable; urgency=medium\n\n  * See CHANGELOG.md.\n\n -- ${maintainer()}  ${new Date(epoch() * 1000).toUTCString().replace("GMT", "+0000")}\n`;
  const copyright = [
    "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/",
    "Upstream-Name: baton",
    "",
    "Files: *",
    `Copyright: ${/^Copyright (?:\(c\) )?(.*)$/m.exec(text("LICENSE"))?.[1] ?? "The Baton authors"}`,
    "License: MIT",
    ...text("LICENSE")
      .split("\n")
      .filter((line) => !/^(MIT License|Copyright )/.test(line))
      .join("\n")
      .trim()
      .split("\n")
      .map((line) => ` ${line.trim() || "."}`),
    "",
  ].join("\n");
  return {
    "usr/lib/baton/baton.cjs": readFileSync(join(distDirectory, "baton.cjs")),
    "usr/lib/baton/koffi.node": readFileSync(join(distDirectory, "koffi.node")),
    "usr/lib/baton/rauc-backend": text("packaging/rauc-backend"),
    "usr/share/man/man8/baton.8.gz": packed(text("man/baton.8")),
    "usr/share/man/man5/baton.yaml.5.gz": packed(text("man/baton.yaml.5")),
    "usr/share/bash-completion/completions/baton": bashCompletion(),
    "usr/share/zsh/vendor-completions/_baton": zshCompletion(),
    "usr/share/fish/vendor_completions.d/baton.fish": fishCompletion(),
    "usr/share/lintian/overrides/baton": text("packaging/lintian-overrides"),
    [`${UNITS}/baton-confirm.service`]: confirmUnit(),
    [`${DOC}/copyright`]: copyright,
    [`${DOC}/changelog.gz`]: packed(changelog),
    [`${DOC}/CHANGELOG.md.gz`]: packed(text("CHANGELOG.md")),
    [`${DOC}/manual.md.gz`]: packed(text("docs/manual.md")),
    ...Object.fromEntries(
      ["baton.yaml", "baton.ini", "entries.yaml", "entries.ini"].map((name) => [
        `${DOC}/examples/${name}`,
        text(`configs/${name}`),
      ]),
    ),
  };
}

/** Path in the package → what it leads to. */
const LINKS: Readonly<Record<string, string>> = {
  "usr/bin/baton": "../lib/baton/baton.cjs",
  [`${UNITS}/multi-user.target.wants/baton-confirm.service`]: "../baton-confirm.service",
};

function epoch(): number {
  const given = process.env.SOURCE_DATE_EPOCH;
  if (given !== undefined) return Number(given);
  try {
    return Number(
      execFileSync("git", ["log", "-1", "--format=%ct"], { cwd: projectRoot, encoding: "utf8", stdio: "pipe" }),
    );
  } catch (error) {
    throw new BatonError("not-found", "the commit's date can't be asked (git log): set SOURCE_DATE_EPOCH", {
      cause: error,
    });
  }
}

function control(installedSize: number): string {
  return [
    "Package: baton",
    `Version: ${VERSION}`,
    `Architecture: ${ARCH}`,
    `Maintainer: ${maintainer()}`,
    `Installed-Size: ${installedSize}`,
    "Depends: nodejs (>= 20), libc6 (>= 2.25), libstdc++6",
    "Recommends: efibootmgr, openssl",
    "Section: admin",
    "Priority: optional",
    "Description: boot menu that reads the configurations of other bootloaders",
    " Baton finds what a machine can boot, whichever bootloader it was configured",
    " for, and starts it by kexec. This package is the command: it lists, checks",
    " and boots what the disks, a folder or the network offer, writes Baton's image",
    " to a stick, and puts it beside the installed system.",
    " .",
    " The image for firmware, sticks and the network is made from Baton's sources.",
    "",
  ].join("\n");
}

/** @returns where the package lies */
export async function makePackage(output = distDirectory): Promise<string> {
  await buildProgram();
  const root = mkdtempSync(join(tmpdir(), "baton-deb-"));
  try {
    const content = files();
    for (const [path, data] of Object.entries(content)) {
      mkdirSync(join(root, dirname(path)), { recursive: true });
      writeFileSync(join(root, path), data);
    }
    for (const [path, target] of Object.entries(LINKS)) {
      mkdirSync(join(root, dirname(path)), { recursive: true });
      symlinkSync(target, join(root, path));
    }
    const sizes = Object.values(content).map((data) => Math.ceil(data.length / 1024));
    const md5 = (data: string | Uint8Array): string => createHash("md5").update(data).digest("hex");
    mkdirSync(join(root, "DEBIAN"));
    writeFileSync(join(root, "DEBIAN/control"), control(sizes.reduce((sum, size) => sum + size, 0)));
    const sums = Object.entries(content).sort(([a], [b]) => (a < b ? -1 : 1));
    writeFileSync(join(root, "DEBIAN/md5sums"), sums.map(([path, data]) => `${md5(data)}  ${path}\n`).join(""));
    const made = join(root, `baton_${VERSION}_${ARCH}.deb`);
    settle(root);
    const env = { ...process.env, SOURCE_DATE_EPOCH: String(epoch()) };
    const built = mkdtempSync(join(tmpdir(), "baton-deb-"));
    try {
      const target = join(built, basename(made));
      build(["--root-owner-group", "-Zxz", "--build", root, target], env);
      mkdirSync(output, { recursive: true });
      cpSync(target, join(output, basename(made)));
    } finally {
      rmSync(built, { recursive: true });
    }
    return join(output, basename(made));
  } finally {
    rmSync(root, { recursive: true });
  }
}

/** @throws BatonError where dpkg-deb isn't there, or fails */
function build(args: readonly string[], env: NodeJS.ProcessEnv): void {
  try {
    execFileSync("dpkg-deb", args, { env, stdio: "pipe" });
  } catch (error) {
    const why =
      (error as NodeJS.ErrnoException).code === "ENOENT" ? "it is not installed (dpkg)" : describeError(error);
    throw new BatonError("io", `dpkg-deb ${args.join(" ")}: ${why}`, { cause: error });
  }
}

/** Permissions and times that don't depend on who makes it, and when. */
function settle(root: string): void {
  const names = readdirSync(root, { recursive: true, encoding: "utf8" }).sort().reverse();
  for (const path of [...names.map((name) => join(root, name)), root]) {
    const isLink = path.slice(root.length + 1) in LINKS;
    if (!isLink) chmodSync(path, statSync(path).isDirectory() || PROGRAMS.test(path) ? 0o755 : 0o644);
    lutimesSync(path, epoch(), epoch());
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  try {
    const path = await makePackage();
    console.log(`dist/${basename(path)}: ${(statSync(path).size / 1e6).toFixed(1)} MB`);
  } catch (error) {
    console.error(`deb: ${describeError(error)}`);
    process.exitCode = 1;
  }
}
