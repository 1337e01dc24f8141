import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { PackageLock } from "../../initramfs/package-lock.ts";

const directory = mkdtempSync(join(tmpdir(), "baton-lock-"));
after(() => rmSync(directory, { recursive: true, force: true }));

const LIBC = { name: "libc6", version: "2.41-1", sha256: "aa" };
const NEWER = { name: "libc6", version: "2.41-2", sha256: "bb" };
const BUSYBOX = { name: "busybox", version: "1.37", sha256: "cc" };

function lockFile(name: string, packages: object): string {
  const path = join(directory, name);
  writeFileSync(path, JSON.stringify({ packages }));
  return path;
}

const read = (path: string, isStrict = false) => PackageLock.read(path, { isStrict });

test("what was taken is written, by architecture, and is there the next time", async () => {
  const path = join(directory, "new.json");
  const lock = await read(path);
  assert.equal(lock.version("amd64", "libc6"), undefined);
  lock.take("amd64", [LIBC]);
  lock.take("arm64", [NEWER]);
  await lock.write();
  const next = await read(path);
  assert.equal(next.version("amd64", "libc6"), "2.41-1");
  assert.deepEqual([...next.versions("arm64")], [["libc6", "2.41-2"]]);
});

test("what other images of the profile were made from stays in the file", async () => {
  const path = lockFile("more.json", { "busybox:amd64": { version: "1.37", sha256: "cc" } });
  const lock = await read(path);
  lock.take("amd64", [LIBC]);
  await lock.write();
  assert.deepEqual(Object.keys(JSON.parse(readFileSync(path, "utf8")).packages), ["busybox:amd64", "libc6:amd64"]);
});

test("a version that is gone is warned of, and its successor is written", async () => {
  const path = lockFile("gone.json", { "libc6:amd64": { version: "2.41-1", sha256: "aa" } });
  const lock = await read(path);
  lock.check("amd64", [NEWER]);
  lock.take("amd64", [NEWER]);
  await lock.write();
  assert.equal((await read(path)).version("amd64", "libc6"), "2.41-2");
});

test("where all must be as the file says, another version is refused, and so is a package that it doesn't name", async () => {
  const path = lockFile("strict.json", { "libc6:amd64": { version: "2.41-1", sha256: "aa" } });
  const before = readFileSync(path, "utf8");
  const lock = await read(path, true);
  lock.check("amd64", [LIBC]);
  assert.throws(() => lock.check("amd64", [NEWER]), { code: "refused", message: /libc6 2\.41-1 \(now 2\.41-2\)/ });
  assert.throws(() => lock.check("amd64", [LIBC, BUSYBOX]), /busybox 1\.37 \(not in the file\)/);
  lock.take("amd64", [NEWER]);
  await lock.write();
  assert.equal(readFileSync(path, "utf8"), before);
  await assert.rejects(read(join(directory, "none.json"), true), { code: "not-found" });
});

test("another content under the same version is always refused", async () => {
  const lock = await read(lockFile("other.json", { "libc6:amd64": { version: "2.41-1", sha256: "00" } }));
  assert.throws(() => lock.check("amd64", [LIBC]), { code: "refused", message: /it has sha256 aa, not 00$/ });
});

test("a file that is no lock file is refused by name", async () => {
  for (const packages of [{ libc6: { version: 1, sha256: "aa" } }, { libc6: "1" }]) {
    await assert.rejects(read(lockFile("bad.json", packages)), {
      code: "bad-format",
      message: /bad\.json is no lock file/,
    });
  }
});
