import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import { kernel } from "../netboot/mirror.ts";
import { baton, type Result } from "./program.ts";

const mirror = mkdtempSync(join(tmpdir(), "baton-netboot-"));
after(() => rmSync(mirror, { recursive: true, force: true }));
const put = (path: string, content: string | Uint8Array): void => {
  mkdirSync(dirname(join(mirror, path)), { recursive: true });
  writeFileSync(join(mirror, path), content);
};
put("tftp/srv/pxelinux.cfg/default", "DEFAULT a\nLABEL a\nMENU LABEL ^First\nKERNEL vmlinuz\nAPPEND initrd=i quiet\n");
put("tftp/srv/vmlinuz", kernel());
put("tftp/srv/i", "initrd");

const netboot = (...args: string[]): Promise<Result> => baton("netboot", "--mirror", mirror, ...args);

const LEASE = ["--lease", "server=srv", "--lease", "file=pxelinux.0"];

test("netboot --list --json prints list's object with the network's entries", async () => {
  const { code, stdout } = await netboot(...LEASE, "--list", "--json");
  const { entries, diagnostics, devices } = JSON.parse(stdout);
  assert.equal(code, 0);
  assert.deepEqual(diagnostics, []);
  assert.deepEqual(
    entries.map((entry: Record<string, unknown>) => [entry.title, entry.type, entry.linux, entry.isDefault]),
    [["First", "pxelinux", "tftp://srv/vmlinuz", true]],
  );
  assert.deepEqual(devices[0].sources, ["/pxelinux.cfg/default"]);
});

test("with neither lease nor URL the list is empty; what leads nowhere is one JSON value all the same", async () => {
  const [nothing, gone, lost] = await Promise.all([
    netboot("--list", "--json"),
    netboot("--list", "--json", "--url", "http://srv/gone"),
    netboot("--list", "--json", "--lease", "server=other", "--lease", "file=x"),
  ]);
  assert.deepEqual([nothing.code, JSON.parse(nothing.stdout).entries], [0, []]);
  assert.deepEqual([gone.code, JSON.parse(gone.stdout).entries], [1, []]);
  assert.match(gone.stderr, /^baton: http:\/\/srv\/gone: 404 Not Found.*\n$/);
  assert.deepEqual([lost.code, JSON.parse(lost.stdout).entries], [0, []]);
});

test("what can't be booted because nothing was asked, or nothing answered, says so", async () => {
  const [nothing, gone] = await Promise.all([netboot(), netboot("--url", "http://srv/gone")]);
  assert.match(nothing.stderr, /^baton: .*give --url or --lease\n$/);
  assert.match(gone.stderr, /^baton: http:\/\/srv\/gone: 404 Not Found.*\n$/);
});

test("--dry-run says what would be fetched and booted, with digests", async () => {
  const { code, stdout } = await netboot(...LEASE, "--dry-run", "--json");
  const plan = JSON.parse(stdout);
  assert.equal(code, 0);
  assert.equal(plan.options, "BOOT_IMAGE=vmlinuz initrd=i quiet");
  assert.deepEqual(plan.files, [
    { ref: "tftp://srv/vmlinuz", size: 65_536, sha256: createHash("sha256").update(kernel()).digest("hex") },
    { ref: "tftp://srv/i", size: 6, sha256: createHash("sha256").update("initrd").digest("hex") },
  ]);
  assert.deepEqual(plan.writes, []);
});

test("wrong words are wrong usage", async () => {
  const results = await Promise.all([
    netboot("--lease", "colour=blue", "--list"),
    netboot("--lease", "mac=nonsense", "--list"),
    netboot("--json"),
    netboot("--nonsense"),
    baton("netboot", "--list", "--mirror", join(mirror, "nowhere")),
  ]);
  assert.deepEqual(
    results.map(({ code }) => code),
    [2, 2, 2, 2, 2],
  );
  for (const { stderr } of results) assert.match(stderr, /^baton: .*\nusage: baton netboot/);
});
