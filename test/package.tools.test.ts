/** What `npm pack` takes: the program and its documents, and none of what it is made from. */

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import { program } from "./commands/program.ts";

const folder = mkdtempSync(join(tmpdir(), "baton-pack-"));
after(() => rmSync(folder, { recursive: true }));

test("npm pack takes the program, its man pages, documents and configurations, and nothing else", () => {
  const documents = ["docs", "configs", "man"];
  const whole = ["package.json", "README.md", "LICENSE", "CHANGELOG.md", ".gitignore"];
  for (const name of [...documents, ...whole]) cpSync(name, join(folder, name), { recursive: true });
  // As after a build, beside what images and tests leave there.
  const others = [
    "dist/image.json",
    "dist/vmlinuz",
    "src/main.ts",
    "initramfs/build.ts",
    "test/x.test.ts",
    "biome.json",
  ];
  for (const name of ["dist/baton.cjs", "dist/koffi.node", ...others]) {
    mkdirSync(join(folder, name, ".."), { recursive: true });
    writeFileSync(join(folder, name), "");
  }
  // Without scripts: the build is not what is tried here.
  const run = spawnSync("npm", ["pack", "--dry-run", "--json", "--ignore-scripts"], { cwd: folder, encoding: "utf8" });
  assert.equal(run.status, 0, run.stderr);
  const packed = (JSON.parse(run.stdout) as { files: { path: string }[] }[])[0]!.files.map(({ path }) => path);
  // What an image leaves beside its profile is not in git.
  const expected = spawnSync("git", ["ls-files", ...documents], { encoding: "utf8" })
    .stdout.trim()
    .split("\n");
  assert.deepEqual(
    packed.sort(),
    [
      ...["dist/baton.cjs", "dist/koffi.node", "package.json", "README.md", "LICENSE", "CHANGELOG.md"],
      ...expected.filter((path) => path !== "man/make.ts"),
    ].sort(),
  );
});

test("npm pack's tarball, installed globally without a network, gives a working baton, and goes away again", async () => {
  const built = dirname(await program());
  const source = join(folder, "source");
  for (const name of ["docs", "configs", "man", "package.json", "README.md", "LICENSE", "CHANGELOG.md"]) {
    cpSync(name, join(source, name), { recursive: true });
  }
  cpSync(built, join(source, "dist"), { recursive: true });
  const npm = (...args: string[]): string => {
    const run = spawnSync("npm", args, { cwd: source, encoding: "utf8" });
    assert.equal(run.status, 0, run.stderr);
    return run.stdout;
  };
  const [{ filename }] = JSON.parse(npm("pack", "--json", "--ignore-scripts", "--pack-destination", folder));
  const prefix = join(folder, "prefix");
  npm("install", "--global", "--offline", "--no-audit", "--no-fund", "--prefix", prefix, join(folder, filename));
  const tree = join(folder, "tree");
  mkdirSync(join(tree, "boot/grub"), { recursive: true });
  writeFileSync(join(tree, "boot/grub/grub.cfg"), "menuentry 'Debian' { linux /boot/grub/grub.cfg }\n");
  const run = spawnSync(join(prefix, "bin/baton"), ["list", `--disk=vda1=${tree}`], { encoding: "utf8" });
  assert.equal(run.status, 0, run.stderr);
  assert.match(run.stdout, /Debian/);
  // Its system calls are there, too: koffi.node lies beside it.
  assert.match(spawnSync(join(prefix, "bin/baton"), ["kexec", "--version"], { encoding: "utf8" }).stdout, /kexec/);
  npm("uninstall", "--global", "--prefix", prefix, "baton");
  assert.ok(!existsSync(join(prefix, "bin/baton")));
});

test("the package is private and named baton, builds before it is packed, and its man pages are there", () => {
  const { name, private: isPrivate, bin, man, scripts } = JSON.parse(readFileSync("package.json", "utf8"));
  assert.deepEqual([name, isPrivate, bin], ["baton", true, { baton: "dist/baton.cjs" }]);
  assert.match(scripts.prepack, /\bbuild\b/);
  for (const path of man) assert.match(readFileSync(path, "utf8"), /^\.TH BATON/m, path);
});
