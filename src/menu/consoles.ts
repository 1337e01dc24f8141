/** Which consoles the menu appears on, and what is known about each before it is opened. */

import { readFileSync, readlinkSync } from "node:fs";

export interface ConsoleSpec {
  /** As the kernel names it: `tty0`, `ttyS0`, `hvc0`; for the process's own terminal its device's name. */
  readonly name: string;
  /** The device: `/dev/ttyS0`. */
  readonly path: string;
  /**
   * `vt`: a virtual terminal, whose size the kernel knows. `serial`: a line to a terminal that must be asked.
   * `own`: the terminal that Baton was started on, whose window may change.
   */
  readonly kind: "vt" | "serial" | "own";
  /** The terminfo name. */
  readonly term: string;
  /** True where it is known to read UTF-8, false where it is known not to, null where it must be asked. */
  readonly unicode: boolean | null;
}

/** Where the kernel says what there is; another directory in tests. */
interface ConsolePaths {
  readonly sysfs?: string;
  readonly dev?: string;
}

function readText(path: string): string | null {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return null;
  }
}

/**
 * The console of that kernel name. `tty0` is the virtual terminal in the foreground now, which is then written to by
 * its own name: a shell on it needs a terminal that stays the same one.
 */
function consoleByName(name: string, paths: ConsolePaths): ConsoleSpec {
  const sysfs = paths.sysfs ?? "/sys";
  const dev = paths.dev ?? "/dev";
  if (/^tty\d+$/.test(name)) {
    const active = name === "tty0" ? (readText(`${sysfs}/class/tty/tty0/active`)?.trim() ?? "") : name;
    const node = /^tty\d+$/.test(active) ? active : name;
    const utf8 = readText(`${sysfs}/module/vt/parameters/default_utf8`)?.trim();
    return { name, path: `${dev}/${node}`, kind: "vt", term: "linux", unicode: utf8 !== "0" && utf8 !== "N" };
  }
  // What agetty and systemd assume of a serial line: any terminal program understands a VT220.
  return { name, path: `${dev}/${name}`, kind: "serial", term: "vt220", unicode: null };
}

/**
 * The consoles that the menu should be on: those named, else the kernel's active ones (`console=` words, and what
 * firmware names by SPCR or `stdout-path`). A name may be `ttyS0`, `/dev/ttyS0` or, as in `console=`, `ttyS0,115200`.
 * @param words from `baton.console=`; null or empty where it isn't given
 */
export function findConsoles(words: readonly string[] | null, paths: ConsolePaths = {}): ConsoleSpec[] {
  const named = (words ?? []).map((word) => word.trim().replace(/^\/dev\//, "")).filter((word) => word !== "");
  const active = readText(`${paths.sysfs ?? "/sys"}/class/tty/console/active`)?.split(/\s+/) ?? [];
  const out: ConsoleSpec[] = [];
  for (const name of named.length > 0 ? named : active) {
    // Names become paths: only what a terminal can be called. In `baton.console=ttyS0,115200` the speed is a word.
    if (!/^[A-Za-z][A-Za-z0-9_-]*(\/[A-Za-z0-9_-]+)?$/.test(name)) continue;
    // Consoles of the kernel that no person sits at.
    if (/^(netcon|ttynull|pstore|ramoops|efipstore|mtdoops)/.test(name)) continue;
    const spec = consoleByName(name, paths);
    if (!out.some((other) => other.path === spec.path)) out.push(spec);
  }
  return out;
}

/** The terminal on which Baton was started (`baton menu` on a host), or null where there is none. */
export function ownTerminal(): ConsoleSpec | null {
  if (process.stdin.isTTY !== true || process.stdout.isTTY !== true) return null;
  let path = "/dev/tty";
  try {
    path = readlinkSync("/proc/self/fd/0");
  } catch {
    // Without /proc, the terminal's general name does.
  }
  const locale = process.env.LC_ALL || process.env.LC_CTYPE || process.env.LANG || "";
  return {
    name: path.replace(/^\/dev\//, ""),
    path,
    kind: "own",
    term: process.env.TERM || "vt100",
    unicode: /utf-?8/i.test(locale),
  };
}
