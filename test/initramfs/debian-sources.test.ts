import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import { deb822Sources, debianSources, oneLineSources } from "../../initramfs/debian-sources.ts";

const directory = mkdtempSync(join(tmpdir(), "baton-sources-"));
after(() => rmSync(directory, { recursive: true, force: true }));

test("of one-line sources, Debian's main archive of the release is taken, with its updates", () => {
  const text = `# deb http://old.example/debian bookworm main
deb [arch=amd64 signed-by=/usr/share/keyrings/k.gpg] http://mirror.example/debian bookworm main contrib # near
deb-src http://mirror.example/debian bookworm main
deb http://mirror.example/debian bookworm-updates main
deb http://security.example/debian-security bookworm-security main
deb http://mirror.example/debian bookworm-backports main
deb http://vendor.example/apt stable main
deb http://mirror.example/debian bookworm non-free-firmware
`;
  assert.deepEqual(oneLineSources(text, "bookworm"), [
    "deb [signed-by=/usr/share/keyrings/k.gpg] http://mirror.example/debian bookworm main",
    "deb http://mirror.example/debian bookworm-updates main",
    "deb http://security.example/debian-security bookworm-security main",
  ]);
});

test("of sources in paragraphs, each address and suite becomes a line; disabled ones don't", () => {
  const text = `# Debian's own.
Types: deb deb-src
URIs: http://mirror.example/debian http://other.example/debian
Suites: bookworm bookworm-updates bookworm-backports
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Enabled: no
Types: deb
URIs: http://off.example/debian
Suites: bookworm
Components: main

Types: deb
URIs: http://inline.example/debian
Suites: bookworm
Components: main contrib
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 -----END PGP PUBLIC KEY BLOCK-----
`;
  const signed = "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]";
  assert.deepEqual(deb822Sources(text, "bookworm"), [
    `${signed} http://mirror.example/debian bookworm main`,
    `${signed} http://mirror.example/debian bookworm-updates main`,
    `${signed} http://other.example/debian bookworm main`,
    `${signed} http://other.example/debian bookworm-updates main`,
    "deb http://inline.example/debian bookworm main",
  ]);
});

function etc(name: string, files: Readonly<Record<string, string>>): string {
  const home = join(directory, name);
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(home, path)), { recursive: true });
    writeFileSync(join(home, path), text);
  }
  return home;
}

test("the host's sources are read from all files of apt's directory, each line once", async () => {
  const line = "deb http://mirror.example/debian trixie main\n";
  const home = etc("host", {
    "os-release": 'ID=debian\nVERSION_CODENAME="trixie"\n',
    "apt/sources.list": line,
    "apt/sources.list.d/again.list": line,
    "apt/sources.list.d/debian.sources": "Types: deb\nURIs: http://b.example\nSuites: trixie\nComponents: main\n",
    "apt/sources.list.d/ignored.save": "deb http://saved.example/debian trixie main\n",
  });
  assert.equal(await debianSources(home), `${line}deb http://b.example trixie main\n`);
});

test("a host without a Debian mirror is told what to add, and where", async () => {
  const home = etc("bare", { "os-release": "VERSION_CODENAME=bookworm\n" });
  await assert.rejects(debianSources(home), {
    code: "not-found",
    message: `no Debian mirror for bookworm in ${home}/apt: add one to sources.list (see sources.list(5)) and try again`,
  });
});
