import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import {
  deb822Sources,
  debianSources,
  guessedSecurity,
  hostSuite,
  oneLineSources,
} from "../../initramfs/debian-sources.ts";

const directory = mkdtempSync(join(tmpdir(), "baton-sources-"));
after(() => rmSync(directory, { recursive: true, force: true }));

test("of one-line sources, those of binary packages with main are read; the architecture is not theirs to say", () => {
  const text = `# deb http://old.example/debian bookworm main
deb [arch=amd64 signed-by=/usr/share/keyrings/k.gpg] http://mirror.example/debian bookworm main contrib # near
deb-src http://mirror.example/debian bookworm main
deb http://security.example/debian-security bookworm-security main
deb http://mirror.example/debian bookworm non-free-firmware
`;
  assert.deepEqual(oneLineSources(text), [
    { options: "signed-by=/usr/share/keyrings/k.gpg", uri: "http://mirror.example/debian", suite: "bookworm" },
    { options: "", uri: "http://security.example/debian-security", suite: "bookworm-security" },
  ]);
});

test("of sources in paragraphs, each address and suite is one; disabled ones aren't", () => {
  const text = `# Debian's own.
Types: deb deb-src
URIs: http://mirror.example/debian http://other.example/debian
Suites: bookworm bookworm-updates
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
  const signed = "signed-by=/usr/share/keyrings/debian-archive-keyring.gpg";
  assert.deepEqual(
    deb822Sources(text).map(({ options, uri, suite }) => `${options} ${uri} ${suite}`),
    [
      `${signed} http://mirror.example/debian bookworm`,
      `${signed} http://mirror.example/debian bookworm-updates`,
      `${signed} http://other.example/debian bookworm`,
      `${signed} http://other.example/debian bookworm-updates`,
      " http://inline.example/debian bookworm",
    ],
  );
});

function etc(name: string, files: Readonly<Record<string, string>>): string {
  const home = join(directory, name);
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(home, path)), { recursive: true });
    writeFileSync(join(home, path), text);
  }
  return home;
}

const TRIXIE = etc("trixie", {
  "os-release": 'ID=debian\nVERSION_CODENAME="trixie"\n',
  "apt/sources.list": "deb http://mirror.example/debian trixie main\n",
  "apt/sources.list.d/again.list":
    "deb http://mirror.example/debian trixie main\ndeb http://vendor.example/apt stable main\n",
  "apt/sources.list.d/debian.sources":
    "Types: deb\nURIs: http://sec.example/any\nSuites: trixie-security\nComponents: main\n",
  "apt/sources.list.d/ignored.save": "deb http://saved.example/debian trixie main\n",
});

test("a host's mirrors serve every suite of Debian's, whichever the host runs", async () => {
  const lines = async (suite: string) => (await debianSources({ suite, etc: TRIXIE })).trim().split("\n");
  const mirror = "deb http://mirror.example/debian";
  for (const base of ["bookworm", "trixie"]) {
    assert.deepEqual(await lines(base), [
      `${mirror} ${base} main`,
      `${mirror} ${base}-updates main`,
      `deb http://sec.example/any ${base}-security main`,
    ]);
  }
  assert.deepEqual(await lines("sid"), [`${mirror} sid main`]);
  // What backports don't have comes from the release.
  assert.deepEqual(await lines("trixie-backports"), [
    `${mirror} trixie main`,
    `${mirror} trixie-updates main`,
    `${mirror} trixie-backports main`,
    "deb http://sec.example/any trixie-security main",
  ]);
});

test("another component lies wherever main does", async () => {
  const text = await debianSources({ suite: "sid", component: "non-free-firmware", etc: TRIXIE });
  assert.equal(text, "deb http://mirror.example/debian sid non-free-firmware\n");
});

test("a host that follows unstable has its mirror under that name, whatever release it will become", async () => {
  const home = etc("sid", {
    "os-release": "ID=debian\nVERSION_CODENAME=forky\n",
    "apt/sources.list": "deb http://mirror.example/debian unstable main\n",
  });
  assert.equal(await hostSuite(home), "unstable");
  assert.equal(await hostSuite(TRIXIE), "trixie");
  assert.match(
    await debianSources({ suite: "trixie", etc: home }),
    /^deb http:\/\/mirror\.example\/debian trixie main$/m,
  );
});

test("a host that has no security updates itself looks for a release's beside the mirror, and only then", async () => {
  const sid = etc("sid-alone", {
    "os-release": "ID=debian\nVERSION_CODENAME=forky\n",
    "apt/sources.list": "deb [signed-by=/k] http://mirror.example/debian/ sid main\n",
  });
  const line = "deb [signed-by=/k] http://mirror.example/debian-security trixie-security main\n";
  assert.equal(await guessedSecurity({ suite: "trixie", etc: sid }), line);
  assert.equal(await guessedSecurity({ suite: "trixie-backports", etc: sid }), line);
  assert.equal(await guessedSecurity({ suite: "sid", etc: sid }), "");
  assert.equal(await guessedSecurity({ suite: "trixie", etc: TRIXIE }), "", "its own sources name one");
  assert.equal(await guessedSecurity({ suite: "trixie", mirrors: ["http://own.example/debian"], etc: sid }), "");
});

test("another vendor's release is none of Debian's, also where it calls its suites alike", async () => {
  const home = etc("ubuntu", {
    "os-release": "ID=ubuntu\nID_LIKE=debian\nVERSION_CODENAME=noble\n",
    "apt/sources.list": "deb http://archive.example/ubuntu noble main\ndeb http://vendor.example/apt stable main\n",
  });
  await assert.rejects(debianSources({ suite: "trixie", etc: home }), {
    code: "not-found",
    message: `no Debian mirror in ${home}/apt: add one to sources.list (see sources.list(5)) and try again, or name one under mirrors: of the board profile`,
  });
  await assert.rejects(hostSuite(home), { code: "not-found" });
});

test("mirrors that are named take the place of the host's, checked with Debian's own keys", {
  skip: !existsSync("/usr/share/keyrings/debian-archive-keyring.gpg") && "no debian-archive-keyring here",
}, async () => {
  const mirrors = ["http://own.example/debian", "http://own.example/debian-security/"];
  const lines = (await debianSources({ suite: "trixie", mirrors, etc: TRIXIE })).trim().split("\n");
  assert.deepEqual(
    lines.map((line) => line.replace(/signed-by=\S+debian-archive-keyring\.\w+\]/, "keys]")),
    [
      "deb [keys] http://own.example/debian trixie main",
      "deb [keys] http://own.example/debian trixie-updates main",
      "deb [keys] http://own.example/debian-security/ trixie-security main",
    ],
  );
});
