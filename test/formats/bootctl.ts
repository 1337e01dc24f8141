/** Asks the real `bootctl list` about the same entries. */

import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

/** What `bootctl list --json` says of an entry. */
export interface BootctlEntry {
  readonly id: string;
  readonly showTitle?: string;
  readonly options?: string;
  readonly linux?: string;
  readonly efi?: string;
  readonly initrd?: readonly string[];
  readonly sortKey?: string;
  readonly version?: string;
  readonly machineId?: string;
}

/** The host's, else Debian's where it was fetched for another test (`.cache/debian`); BATON_BOOTCTL names another. */
export function findBootctl(): string {
  if (process.env.BATON_BOOTCTL) return process.env.BATON_BOOTCTL;
  if (spawnSync("bootctl", ["--version"]).status === 0) return "bootctl";
  const cache = join(import.meta.dirname, "..", "..", ".cache", "debian", "amd64", "unpacked");
  const folders = existsSync(cache) ? readdirSync(cache) : [];
  const fetched = folders
    .filter((name) => name.startsWith("systemd-boot_"))
    .map((name) => join(cache, name, "usr", "bin", "bootctl"));
  return fetched.find((path) => spawnSync(path, ["--version"]).status === 0) ?? "bootctl";
}

/** Why bootctl can't be asked here, or null. It lists only what is the root of a filesystem: it needs a tmpfs. */
export function bootctlMissing(program = "bootctl"): string | null {
  if (spawnSync(program, ["--version"]).status !== 0) return "bootctl (package systemd-boot) is not there";
  const mount = spawnSync("unshare", ["-rm", "sh", "-c", "mount -t tmpfs none /mnt"]);
  return mount.status === 0 ? null : "a tmpfs can't be mounted in a namespace of its own here";
}

/** The entries of an ESP with these files, in bootctl's order. */
export function bootctlList(files: Readonly<Record<string, string | Uint8Array>>, program = "bootctl"): BootctlEntry[] {
  const dir = mkdtempSync(join(tmpdir(), "baton-bootctl-"));
  try {
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(dir, "tree", path)), { recursive: true });
      writeFileSync(join(dir, "tree", path), text);
    }
    mkdirSync(join(dir, "esp"), { recursive: true });
    const script =
      'mount -t tmpfs none "$1/esp" && cp -r "$1/tree/." "$1/esp/" && exec "$2" list --esp-path="$1/esp" --json=short';
    const run = spawnSync("unshare", ["-rm", "sh", "-c", script, "sh", dir, program], {
      encoding: "utf8",
      maxBuffer: 256 * 1024 * 1024,
      env: { ...process.env, SYSTEMD_RELAX_ESP_CHECKS: "1" },
    });
    if (run.status !== 0) throw new Error(`bootctl: ${run.stderr}`);
    return parseList(run.stdout);
  } finally {
    if (existsSync(dir)) rmSync(dir, { recursive: true, force: true });
  }
}

/** systemd 252 prints an object a line; later ones one array. */
function parseList(stdout: string): BootctlEntry[] {
  const text = stdout.trim();
  if (text.startsWith("[")) return JSON.parse(text);
  return text.split("\n").flatMap((line) => (line === "" ? [] : [JSON.parse(line) as BootctlEntry]));
}
