/** Fresh Debian machines, each a debootstrap: set-up and image as a person there would have them. Needs root. */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { createReadStream, existsSync } from "node:fs";
import { copyFile, cp, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { cacheDirectory, projectRoot } from "../../initramfs/cache.ts";
import { checkImage } from "../../initramfs/check.ts";
import { debianSources } from "../../initramfs/debian-sources.ts";
import { nodeProgram } from "../../initramfs/node-runtime.ts";
import { readProfile } from "../../initramfs/profile.ts";
import { run } from "../vm/host.ts";

const SUITES = ["trixie", "sid"];
const PROFILE = await readProfile(join(projectRoot, "configs", "pc.yaml"));
const IMAGE = ["node_modules/tsx/dist/cli.mjs", "initramfs/image.ts"];
/** Of the checkout; made by no other. */
const FILES = ["src", "initramfs", "configs", "package.json", "package-lock.json", "tsconfig.json"];

async function digest(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path)) hash.update(chunk);
  return hash.digest("hex");
}

/** A system with the checkout at /baton, its npm packages, and Node from the board profile. */
async function freshHost(suite: string, root: string): Promise<void> {
  const sources = await debianSources({ suite });
  const mirror = /^deb (?:\[[^\]]*\] )?(\S+) /.exec(sources)![1]!;
  await run("debootstrap", ["--variant=minbase", "--include=ca-certificates,libstdc++6", suite, root, mirror]);
  await writeFile(join(root, "etc/apt/sources.list"), sources);
  for (const name of ["resolv.conf", "hosts"]) await copyFile(join("/etc", name), join(root, "etc", name));
  await copyFile(await nodeProgram(PROFILE.node), join(root, "usr/local/bin/node"));
  const home = join(root, "baton");
  await mkdir(join(home, ".cache"), { recursive: true });
  for (const name of FILES) await cp(join(projectRoot, name), join(home, name), { recursive: true });
  // Linked, since there are many, and none is written to: npm's packages, Node, and what is compressed already.
  await run("cp", ["-alH", join(projectRoot, "node_modules"), home]);
  for (const name of ["node", "compressed"]) {
    if (existsSync(join(cacheDirectory, name)))
      await run("cp", ["-al", join(cacheDirectory, name), join(home, ".cache")]);
  }
}

/** Runs Node there, with /dev, /proc and /sys of this machine. */
async function nodeThere(root: string, ...args: string[]): Promise<string> {
  const mounts = 'mount --bind /dev "$0/dev" && mount -t proc proc "$0/proc" && mount --bind /sys "$0/sys"';
  const env = [
    "/usr/bin/env",
    "--chdir=/baton",
    "HOME=/root",
    "PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "node",
  ];
  return run("unshare", ["-m", "sh", "-c", `${mounts} && exec chroot "$0" "$@"`, root, ...env, ...args], {
    stderr: true,
  });
}

/** Digest of the archive that this machine makes. */
let here = "";

for (const suite of SUITES) {
  test(`on a fresh ${suite}, the profile's image is the same as here, and one of ${suite} itself starts`, {
    skip: process.getuid?.() !== 0 && "debootstrap needs root",
  }, async (t) => {
    const root = await mkdtemp(join(cacheDirectory, `host-${suite}-`));
    t.after(() => rm(root, { recursive: true, force: true }));
    await freshHost(suite, root);
    await nodeThere(root, "initramfs/setup.mjs", "image");

    await nodeThere(root, ...IMAGE, "--uncompressed", "/tmp/archive.cpio");
    if (here === "") {
      const archive = join(root, "tmp", "here.cpio");
      await run(process.execPath, [...IMAGE, "--uncompressed", archive], { cwd: projectRoot });
      here = await digest(archive);
    }
    assert.equal(await digest(join(root, "tmp", "archive.cpio")), here);

    await nodeThere(root, ...IMAGE, "--suite", suite, "--format", "efi");
    await checkImage(join(root, "baton", "dist"), ["efi"], { ...PROFILE, suite });
  });
}
