import assert from "node:assert/strict";
import { test } from "node:test";
import { neededPackages, parsePackages } from "../../initramfs/package-index.ts";

const TABLE = `Package: linux-image-amd64
Section: kernel
Version: 7.3-1
Depends: linux-image-7.3-amd64 (= 7.3-1)
SHA256: 01

Package: linux-image-7.3-amd64
Section: kernel
Version: 7.3-1
Depends: kmod, linux-base (>= 4.3), linux-binary-7.3-amd64 (= 7.3-1), linux-modules-7.3-amd64 (= 7.3-1), initramfs-tools | dracut
SHA256: 02

Package: linux-binary-7.3-amd64
Section: kernel
Version: 7.3-1
SHA256: 03

Package: linux-modules-7.3-amd64
Section: kernel
Version: 7.3-1
SHA256: 04

Package: linux-base
Section: kernel
Version: 4.12
SHA256: 05

Package: kmod
Section: admin
Version: 34
Depends: libkmod2
SHA256: 06

Package: lvm2
Section: admin
Version: 2.03
Pre-Depends: libc6:any (>= 2.38)
Depends: libaio1t64 (>= 0.3.93), libssl3 | libssl1, dmsetup
SHA256: 07

Package: ovmf
Section: misc
Version: 2026
Depends: ovmf-generic, qemu
SHA256: 0b

Package: ovmf-generic
Section: misc
Version: 2026
SHA256: 0c

Package: qemu
Section: misc
Version: 10
SHA256: 0d

Package: libaio1t64
Section: non-free/libs
Version: 0.3.113-8
Depends: libc6
SHA256: 08

Package: libssl1
Section: libs
Version: 1
SHA256: 09

Package: libc6
Section: libs
Version: 2.41
Depends: libgcc-s1
SHA256: 0a
`;

/** As apt finds packages: by name, or by one that they stand in for. */
async function lookUp(names: readonly string[]) {
  const records = parsePackages(TABLE);
  const standIns: Readonly<Record<string, string>> = { libaio1: "libaio1t64" };
  return new Map(
    names.flatMap((name) => {
      const record = records.find((one) => one.name === (standIns[name] ?? name));
      return record ? [[name, record] as const] : [];
    }),
  );
}

const needed = async (...names: string[]) => (await neededPackages(names, lookUp)).map(({ name }) => name);

test("the newest kernel's name leads to its packages, however many it has, and to nothing that an installed one wants", async () => {
  const parts = ["linux-binary-7.3-amd64", "linux-image-7.3-amd64", "linux-image-amd64", "linux-modules-7.3-amd64"];
  assert.deepEqual(await needed("linux-image-amd64"), parts);
});

test("libraries that a program's package depends on come with it, whatever this release calls them", async () => {
  assert.deepEqual(await needed("lvm2"), ["libaio1t64", "libc6", "libssl1", "lvm2"]);
});

test("a package that a release has divided brings its parts", async () => {
  assert.deepEqual(await needed("ovmf"), ["ovmf", "ovmf-generic"]);
});

test("a package may be asked for by a name that another stands in for", async () => {
  assert.deepEqual(await needed("libaio1"), ["libaio1t64", "libc6"]);
});

test("a name that the archive doesn't have is refused, with all such names", async () => {
  await assert.rejects(needed("lvm2", "nosuch", "nor-this"), {
    code: "not-found",
    message: "Debian's index has no package nosuch, nor-this",
  });
});

test("a record has the package's version, digest and section, without the component", () => {
  const record = parsePackages(TABLE).find(({ name }) => name === "libaio1t64")!;
  assert.deepEqual([record.version, record.sha256, record.section], ["0.3.113-8", "08", "libs"]);
  assert.deepEqual(record.depends, [[{ name: "libc6", exactly: null }]]);
});
