/** Manifests: which entry is one that was signed, and what is said of every other. */

import assert from "node:assert/strict";
import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { test } from "node:test";
import {
  judge,
  manifestText,
  parseManifest,
  publicText,
  type SignedEntry,
  type SignedFile,
  signatureLine,
} from "../../src/trust/manifest.ts";
import { TrustPolicy } from "../../src/trust/policy.ts";

const newKey = (): KeyObject => generateKeyPairSync("ed25519").privateKey;
const owner = newKey();
const second = newKey();
const stranger = newKey();
const file = (role: SignedFile["role"], path: string, sha256: string, as?: string): SignedFile => ({
  ...{ role, path, sha256 },
  ...(as === undefined ? {} : { as }),
});
const KERNEL = file("kernel", "/vmlinuz", "aa");
const INITRD = file("initrd", "/initrd.img", "bb");
const DEBIAN: SignedEntry = { title: "Debian", kind: "linux", options: "root=/dev/vda1 ro", files: [KERNEL, INITRD] };
const OLD: SignedEntry = {
  ...DEBIAN,
  title: "Old",
  files: [file("kernel", "/vmlinuz.old", "cc"), file("initrd", "/old", "dd")],
};
const TEXT = manifestText({ version: 3, entries: [DEBIAN, OLD] });

const policy = (more: Partial<Parameters<typeof TrustPolicy.from>[0]> = {}): TrustPolicy =>
  TrustPolicy.from({
    ...{ trust: "require", trustthreshold: 1, trustversion: 0, trustkeys: [`${publicText(owner)} owner`] },
    ...more,
  });
const judged = (
  entry: SignedEntry,
  { by = policy(), text = TEXT, signatures = signatureLine(TEXT, owner) as string | null } = {},
): string => {
  const { state, by: who, reason } = judge(by, entry, [{ name: "vda1:/baton.manifest", manifest: text, signatures }]);
  return `${state}: ${who ?? reason}`;
};

test("an entry whose files and words are signed is verified by the key's name, wherever its files lie", () => {
  assert.equal(judged(DEBIAN), "verified: owner");
  const moved = { ...DEBIAN, title: "Another name", files: [{ ...KERNEL, path: "/boot/k" }, INITRD] };
  assert.equal(judged(moved), "verified: owner");
});

test("each change to what boots makes it bad, and the reason names it", () => {
  const bad = (change: Partial<SignedEntry>): string => judged({ ...DEBIAN, ...change });
  const at = "bad: vda1:/baton.manifest:";
  assert.equal(
    bad({ options: "root=/dev/vda1 ro init=/bin/sh" }),
    `${at} its command line is not one that is signed: root=/dev/vda1 ro init=/bin/sh`,
  );
  assert.equal(
    bad({ files: [KERNEL, { ...INITRD, sha256: "ee" }] }),
    `${at} /initrd.img is not what was signed: it was changed since`,
  );
  assert.equal(
    bad({ files: [KERNEL, INITRD, file("initrd", "/more", "ff")] }),
    `${at} /more is not among what was signed`,
  );
  // Each of these is signed, but for something else.
  const together = `${at} its files are signed, but not to be booted together`;
  assert.equal(bad({ files: [KERNEL, OLD.files[1]!] }), together);
  assert.equal(bad({ files: [KERNEL] }), together);
  assert.equal(bad({ files: [INITRD, KERNEL] }), together);
  assert.equal(bad({ files: [KERNEL, { ...INITRD, role: "module" }] }), together);
  assert.equal(bad({ files: [KERNEL, { ...INITRD, as: "/etc/passwd" }] }), together);
  assert.equal(bad({ part: "profile 1" }), `${at} its files are signed for another kind of entry`);
  assert.equal(bad({ kind: "multiboot2" }), `${at} its files are signed for another kind of entry`);
});

test("a manifest counts only with enough signatures of the owner's keys", () => {
  const none = "bad: vda1:/baton.manifest: no key of this machine's has signed it; 1 of 1 must";
  assert.equal(
    judged(DEBIAN, { signatures: null }),
    "bad: vda1:/baton.manifest: there is no baton.manifest.sig beside it",
  );
  for (const signatures of [
    "",
    "nonsense",
    signatureLine(TEXT, stranger),
    // A stranger's signature under the owner's name, a cut one, one of another text.
    `${publicText(owner)} ${signatureLine(TEXT, stranger).split(" ")[1]}`,
    signatureLine(TEXT, owner).slice(0, -8),
    publicText(owner),
    signatureLine(`${TEXT} `, owner),
  ]) {
    assert.equal(judged(DEBIAN, { signatures }), none, signatures);
  }
  assert.equal(judged(DEBIAN, { text: TEXT.replace('"aa"', '"ab"') }), none);
});

test("k of n keys: each counts once", () => {
  const trustkeys = [`${publicText(owner)} owner`, `${publicText(second)} second`];
  const by = policy({ trustkeys, trustthreshold: 2 });
  const one = signatureLine(TEXT, owner);
  assert.equal(
    judged(DEBIAN, { by, signatures: `${one}\n${one}\n` }),
    "bad: vda1:/baton.manifest: only owner has signed it; 2 of 2 must",
  );
  assert.equal(
    judged(DEBIAN, { by, signatures: `${one}\n${signatureLine(TEXT, second)}\n` }),
    "verified: owner, second",
  );
});

test("a manifest older than the policy's least version counts no more", () => {
  assert.equal(judged(DEBIAN, { by: policy({ trustversion: 3 }) }), "verified: owner");
  assert.match(judged(DEBIAN, { by: policy({ trustversion: 4 }) }), /^bad: .*its version 3 is older than 4/);
});

test("of several manifests one that holds is enough; where none is, nothing was signed", () => {
  const good = { name: "vda1:/baton.manifest", manifest: TEXT, signatures: signatureLine(TEXT, owner) };
  const stale = { ...good, name: "vda1:/boot/baton.manifest", signatures: "" };
  assert.equal(judge(policy(), DEBIAN, [stale, good]).state, "verified");
  assert.equal(judge(policy(), DEBIAN, [stale]).state, "bad");
  assert.deepEqual(judge(policy(), DEBIAN, []), {
    ...{ state: "unsigned", by: null, reason: "there is no baton.manifest beside its kernel or above it" },
  });
  assert.equal(judge(policy({ trustkeys: [] }), DEBIAN, [good]).reason, "trustkeys names no key");
});

test("a signed text that is no manifest is told, and verifies nothing", () => {
  const texts = ["", "{", "[]", "null", '{"baton-manifest": 2}', '{"baton-manifest": 1, "version": -1, "entries": []}'];
  for (const text of [...texts, '{"baton-manifest": 1, "version": 1, "entries": [{}]}']) {
    assert.match(judged(DEBIAN, { text, signatures: signatureLine(text, owner) }), /^bad: .*none of Baton's/, text);
    assert.throws(() => parseManifest(text), { code: "bad-format" });
  }
});
