/** The command line as others call it: exit codes, one JSON value on stdout, one clear line on stderr. */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import { VERSION } from "../../src/version.ts";
import { baton } from "./program.ts";

const folder = mkdtempSync(join(tmpdir(), "baton-cli-"));
after(() => rmSync(folder, { recursive: true }));

function tree(name: string, files: Readonly<Record<string, string>>): string {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name, path)), { recursive: true });
    writeFileSync(join(folder, name, path), text);
  }
  return join(folder, name);
}

const root = tree("root", {
  "/boot/grub/grub.cfg": `set timeout=3
menuentry 'Debian GNU/Linux' --id debian { linux /vmlinuz root=/dev/vda1 ro; initrd /initrd.img }
menuentry 'Gone' { linux /missing }
`,
  "/vmlinuz": "no real kernel",
  "/initrd.img": "initrd",
});
const disk = `--disk=vda1=${root},uuid=0a1b,label=a\\,b,type=ext4`;

test("list --json prints the list of docs/interfaces.md", async () => {
  const { code, stdout } = await baton("list", "--json", disk);
  assert.equal(code, 0);
  const list = JSON.parse(stdout);
  assert.deepEqual(Object.keys(list), ["entries", "unattended", "why", "diagnostics", "devices"]);
  assert.deepEqual(list.entries[0], {
    id: "0a1b:grub:debian",
    title: "Debian GNU/Linux",
    submenu: [],
    type: "grub",
    source: "vda1:/boot/grub/grub.cfg",
    linux: "vda1:/vmlinuz",
    kind: "linux",
    initrd: ["vda1:/initrd.img"],
    devicetree: null,
    modules: [],
    options: "BOOT_IMAGE=/vmlinuz root=/dev/vda1 ro",
    isDefault: true,
    bootable: true,
    reason: null,
    unattended: "default",
  });
  assert.deepEqual(list.unattended, ["0a1b:grub:debian"]);
  assert.match(list.why, /vda1:\/boot\/grub\/grub.cfg/);
  assert.equal(list.entries[1].bootable, false);
  assert.match(list.entries[1].reason, /missing/);
  assert.deepEqual(list.devices, [
    { name: "vda1", type: "ext4", uuid: "0a1b", label: "a,b", sources: ["/boot/grub/grub.cfg"], reason: null },
  ]);
});

test("expect says nothing where the default is that entry, by its id or title, and why not where it is another", async () => {
  for (const name of ["0a1b:grub:debian", "Debian GNU/Linux"]) {
    assert.deepEqual(await baton("expect", `--default=${name}`, disk), { code: 0, stdout: "", stderr: "" });
  }
  const other = await baton("expect", "--default", "Gone", disk);
  assert.equal(other.code, 1);
  assert.match(other.stderr, /^baton: expected Gone as the default, but the default is 0a1b:grub:debian: .*grub\.cfg/);
  const unknown = await baton("expect", "--default", "none", disk);
  assert.equal(unknown.code, 1);
  assert.match(unknown.stderr, /^baton: expected none as the default \(no entry is called so\), but /);
  assert.equal((await baton("expect", disk)).code, 2);
});

test("expect fails where the default is as expected but can't boot", async () => {
  const broken = tree("broken", { "/boot/grub/grub.cfg": "menuentry 'Only' { linux /missing }\n" });
  const { code, stderr } = await baton("expect", "--default", "Only", `--disk=vda1=${broken}`);
  assert.equal(code, 1);
  assert.match(stderr, /^baton: the default is Only, as expected, but it can't boot: .*missing/);
});

test("a tree without configurations gives an empty list, and exits with 0", async () => {
  const { code, stdout } = await baton("list", "--json", `--disk=sda1=${tree("empty", { "/x": "" })}`);
  assert.equal(code, 0);
  const list = JSON.parse(stdout);
  assert.deepEqual(list.entries, []);
  assert.match(list.devices[0].reason, /no boot configuration found/);
});

test("a directory that isn't there is a failure with one line, and still JSON", async () => {
  const { code, stdout, stderr } = await baton("list", "--json", `--disk=sda1=${folder}/nowhere`);
  assert.equal(code, 1);
  assert.deepEqual(JSON.parse(stdout).entries, []);
  assert.match(stderr, /^baton: --disk sda1: .*nowhere is not a directory\n$/);
});

test("boot --dry-run --json says what would be read, with sizes and digests", async () => {
  const { code, stdout } = await baton("boot", "debian", "--dry-run", "--json", disk);
  assert.equal(code, 0);
  const plan = JSON.parse(stdout);
  const sha256 = (path: string): string =>
    createHash("sha256")
      .update(readFileSync(join(root, path)))
      .digest("hex");
  assert.equal(plan.entry.id, "0a1b:grub:debian");
  assert.match(plan.method, /^kexec_(file_)?load$/);
  assert.deepEqual(plan.files, [
    { ref: "vda1:/vmlinuz", size: 14, sha256: sha256("vmlinuz") },
    { ref: "vda1:/initrd.img", size: 6, sha256: sha256("initrd.img") },
  ]);
  assert.equal(plan.options, "BOOT_IMAGE=/vmlinuz root=/dev/vda1 ro");
  assert.match(plan.warnings[0], /not a kernel/);
});

test("a file that can't be read is named with the reason", async () => {
  const missing = `${folder}/nowhere.yaml`;
  for (const args of [
    ["config", missing],
    ["list", "--config", missing, disk],
  ]) {
    const { code, stderr } = await baton(...args);
    assert.deepEqual([code, stderr], [1, `baton: ${missing}: no such file or directory (ENOENT)\n`]);
  }
});

test("a configuration of a program that Baton doesn't know is told beside what is read", async () => {
  const files = { "/boot/grub/grub.cfg": "menuentry A { linux /k }\n", "/k": "k", "/etc/zipl.conf": "[x]\n" };
  const { stdout } = await baton("list", `--disk=sda1=${tree("beside", files)}`);
  assert.match(stdout, /^warning: sda1:\/etc\/zipl.conf: it is for zipl, and Baton doesn't read its language$/m);
});

test("an entry that is named and isn't there, or can't boot, is a failure that says so", async () => {
  for (const [name, reason] of [
    ["Nothing like it", /no entry has the id, title or number/],
    ["Gone", /missing/],
  ] as const) {
    const { code, stdout, stderr } = await baton("boot", name, "--dry-run", "--json", disk);
    assert.equal(code, 1);
    assert.match(JSON.parse(stdout).error, reason);
    assert.match(stderr, /^baton: .*\n$/);
  }
});

test("an entry that GRUB leaves to users isn't booted without a terminal to ask on; no list has a hash or password", async () => {
  const secret = `${"ab".repeat(64)}.${"cd".repeat(64)}`;
  const users = `set superusers="root mate"\npassword_pbkdf2 root grub.pbkdf2.sha512.10000.${secret}\npassword mate h1dden\n`;
  const guarded = tree("guarded", {
    "/boot/grub/grub.cfg": `${users}menuentry Closed { linux /vmlinuz }\n`,
    "/vmlinuz": "x",
  });
  const bare = tree("bare", {
    "/boot/grub/grub.cfg": "set superusers=root\nmenuentry Closed { linux /vmlinuz }\n",
    "/vmlinuz": "x",
  });
  const asked = await baton("boot", "Closed", `--disk=vda1=${guarded}`);
  assert.equal(asked.code, 1);
  assert.match(asked.stderr, /leaves it to root, mate; run this on a terminal/);
  const shut = await baton("boot", "Closed", `--disk=vda1=${bare}`);
  assert.match(shut.stderr, /leaves it to root; Baton could read no password of theirs/);
  const { stdout, stderr } = await baton("list", "--json", `--disk=vda1=${guarded}`);
  assert.deepEqual(JSON.parse(stdout).entries[0].restricted, ["root", "mate"]);
  assert.deepEqual(JSON.parse(stdout).unattended, []);
  assert.doesNotMatch(stdout + stderr + asked.stderr, /h1dden|cdcdcd|pbkdf2/);
});

test("wrong usage exits with 2 and says how it is called", async () => {
  for (const args of [["lst"], ["list", "--jsn"], ["list", "--disk", "x"], ["boot", "--json"], []]) {
    const { code, stdout, stderr } = await baton(...args);
    assert.equal(code, 2, args.join(" "));
    assert.equal(stdout, "");
    assert.match(stderr, /^baton: .*\n(usage: baton .*\n)?$/);
  }
});

test("--version is package.json's", async () => {
  assert.equal((await baton("--version")).stdout, `baton ${VERSION}\n`);
  assert.equal(JSON.parse(readFileSync("package.json", "utf8")).version, VERSION);
});

test("kexec says what a file is that is no kernel, and exits as kexec(8) does", async () => {
  const { code, stderr } = await baton("kexec", "-l", join(root, "vmlinuz"), "--append=quiet");
  assert.equal(code, 255);
  assert.match(stderr, /^Cannot determine the file type of .*not a kernel/);
});

test("a list in YAML is parsed in a thread where it is long; one that fills memory costs itself alone", async () => {
  const list = async (yaml: string): Promise<{ entries: { title: string }[]; diagnostics: { message: string }[] }> => {
    const stick = tree("yaml", { "/baton.yaml": yaml, "/loader/entries/a.conf": "title Other\nlinux /k\n" });
    return JSON.parse((await baton("list", "--json", "--disk", `vda1=${stick}`)).stdout);
  };
  const long = await list(`entries:\n- title: Good\n  linux: /k\n# ${"x".repeat(20_000)}\n`);
  assert.deepEqual(long.entries.map(({ title }) => title).sort(), ["Good", "Other"]);
  const bomb = await list("]".repeat(400_000));
  assert.deepEqual(
    bomb.entries.map(({ title }) => title),
    ["Other"],
  );
  assert.match(bomb.diagnostics[0]!.message, /it is not read: reading it takes more than /);
});

test("flash writes to nothing but a whole disk that is named, and asks for an image", async () => {
  const image = join(folder, "baton.img");
  writeFileSync(image, Buffer.alloc(512));
  const none = await baton("flash");
  assert.equal(none.code, 2);
  assert.match(none.stderr, /^baton: name the one DEVICE/);
  for (const [device, reason] of [
    [image, /is no disk/],
    ["/dev/null", /is no disk/],
    [join(folder, "gone"), /can't be looked at/],
  ] as const) {
    const { code, stderr } = await baton("flash", device, "--image", image, "--yes", device);
    assert.equal(code, 1);
    assert.match(stderr, reason);
  }
});

test("boot --systemd loads nothing where no systemd runs", { skip: existsSync("/run/systemd/system") }, async () => {
  const { code, stderr } = await baton("boot", "--systemd", disk);
  assert.equal(code, 1);
  assert.match(stderr, /^baton: --systemd: this system isn't run by systemd/);
});
