/** The Debian package: the same bytes each time, and nothing left when it is gone. */

import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { confirmUnit, makePackage } from "../../packaging/deb.ts";
import { withoutRoot } from "../linux/loop.ts";

const folder = mkdtempSync(join(tmpdir(), "baton-deb-test-"));
after(() => rmSync(folder, { recursive: true, force: true }));
let path = "";
before(async () => {
  process.env.SOURCE_DATE_EPOCH = "1700000000";
  path = await makePackage(join(folder, "one"));
});

const run = (program: string, ...args: string[]): string => execFileSync(program, args, { encoding: "utf8" });

test("made twice, with another umask and time zone, it has the same bytes", async () => {
  const [umask, zone] = [process.umask(0o077), process.env.TZ];
  process.env.TZ = "Asia/Kathmandu";
  try {
    assert.ok(readFileSync(await makePackage(join(folder, "two"))).equals(readFileSync(path)));
  } finally {
    process.umask(umask);
    if (zone === undefined) delete process.env.TZ;
    else process.env.TZ = zone;
  }
});

test("its maintainer is who builds it", async () => {
  process.env.DEBFULLNAME = "Erika Muster";
  process.env.DEBEMAIL = "erika@example.org";
  try {
    const made = await makePackage(join(folder, "hers"));
    assert.equal(run("dpkg-deb", "--field", made, "Maintainer").trim(), "Erika Muster <erika@example.org>");
    process.env.DEBEMAIL = "nobody";
    await assert.rejects(makePackage(join(folder, "none")), /Erika Muster <nobody> is no name and address/);
  } finally {
    delete process.env.DEBFULLNAME;
    delete process.env.DEBEMAIL;
  }
});

test("it has the command, its man pages, completion for three shells and the unit, all of them root's", () => {
  const list = run("dpkg-deb", "--contents", path).trim().split("\n");
  for (const line of list)
    assert.match(line, /^(d|l|-)rw.r-.r-. root\/root +\d+ 2023-11-14|^lrwxrwxrwx root\/root/, line);
  const names = list.map((line) => / \.(\/\S*)/.exec(line)![1]!);
  for (const name of [
    "/usr/bin/baton",
    "/usr/lib/baton/rauc-backend",
    "/usr/share/man/man8/baton.8.gz",
    "/usr/share/man/man5/baton.yaml.5.gz",
    "/usr/share/bash-completion/completions/baton",
    "/usr/share/zsh/vendor-completions/_baton",
    "/usr/share/fish/vendor_completions.d/baton.fish",
    "/usr/lib/systemd/system/baton-confirm.service",
    "/usr/share/doc/baton/copyright",
  ]) {
    assert.ok(names.includes(name), name);
  }
  assert.match(run("dpkg-deb", "--field", path, "Depends"), /^nodejs \(>= 20\)/);
});

test("lintian finds no error and no warning in it, and every override is needed", () => {
  const { status, stdout, stderr } = spawnSync(
    "lintian",
    ["--allow-root", "--fail-on=none", "--show-overrides", path],
    { encoding: "utf8" },
  );
  assert.equal(status, 0, `${stdout}${stderr}`);
  // "N:" repeats the comments of the overrides.
  const found = stdout.split("\n").filter((line) => /^[EWIPXO]: /.test(line));
  assert.deepEqual(found.map((line) => line.split(" ").slice(0, 3).join(" ")).sort(), [
    "O: baton: bogus-mail-host",
    "O: baton: bogus-mail-host-in-debian-changelog",
  ]);
});

test("installed it works, and removed nothing of it is there", { skip: withoutRoot }, () => {
  const root = join(folder, "root");
  for (const name of ["info", "updates", "triggers"]) mkdirSync(join(root, "var/lib/dpkg", name), { recursive: true });
  writeFileSync(join(root, "var/lib/dpkg/status"), "");
  const files = (): string[] =>
    readdirSync(root, { recursive: true, encoding: "utf8" }).filter((name) => !/^var(\/|$)/.test(name));
  // Its dependencies aren't in this root; they have nothing to do with what is tried here.
  const dpkg = (...words: string[]): string =>
    run("dpkg", `--root=${root}`, "--log=/dev/null", "--force-depends", ...words);
  dpkg("--install", path);
  const program = join(root, "usr/bin/baton");
  assert.match(run(process.execPath, program, "--version"), /^baton \d+\.\d+\.\d+\n$/);
  const tree = join(folder, "tree");
  mkdirSync(join(tree, "boot/grub"), { recursive: true });
  writeFileSync(join(tree, "boot/grub/grub.cfg"), "menuentry 'Debian' { linux /boot/grub/grub.cfg }\n");
  assert.match(run(process.execPath, program, "list", `--disk=vda1=${tree}`), /Debian/);
  assert.ok((statSync(join(root, "usr/lib/baton/baton.cjs")).mode & 0o111) === 0o111);
  dpkg("--purge", "baton");
  assert.deepEqual(files(), []);
});

test("the unit runs after the boot is known to be complete, and only where there is something to confirm", () => {
  const unit = confirmUnit();
  assert.match(unit, /^After=.*\bboot-complete\.target$/m);
  assert.match(unit, /^ExecStart=\/usr\/bin\/baton confirm$/m);
  assert.match(unit, /^ConditionPathExists=\|\/sys\/firmware\/efi\/efivars\/BatonState-[0-9a-f-]+$/m);
  assert.match(unit, /^ConditionPathExists=\|\/boot\/efi\/EFI\/baton\/batonenv$/m);
  assert.doesNotMatch(unit, /@/);
});
