/** EFI programs signed with the owner's key, and what is said of keys that can't. */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { projectRoot } from "../../initramfs/cache.ts";
import { readProfile } from "../../initramfs/profile.ts";
import { describeSigner, readSigner, signProgram } from "../../initramfs/signer.ts";
import { authenticodeDigest } from "../../src/binary/authenticode.ts";
import { readAtOfBytes } from "../../src/binary/readat.ts";
import { KERNEL } from "../vm/payload.ts";
import { withoutSignature } from "../vm/signing.ts";

const folder = mkdtempSync(join(tmpdir(), "baton-signer-"));
after(() => rmSync(folder, { recursive: true }));
const at = (name: string): string => join(folder, name);

before(() => {
  const request = ["req", "-x509", "-noenc", "-days", "30", "-newkey"];
  for (const [name, kind] of [
    ["owner", ["rsa:2048"]],
    ["other", ["rsa:2048"]],
    ["curve", ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"]],
  ] as const) {
    const files = ["-keyout", at(`${name}.key`), "-out", at(`${name}.crt`), "-subj", `/CN=The ${name}`];
    execFileSync("openssl", [...request, ...kind, ...files], { stdio: "ignore" });
  }
  execFileSync("openssl", ["pkey", "-in", at("owner.key"), "-aes256", "-passout", "pass:x", "-out", at("locked.key")]);
  execFileSync("openssl", ["x509", "-in", at("owner.crt"), "-outform", "DER", "-out", at("owner.cer")]);
});

test("the same program and key give the same bytes, which sbverify verifies, and which name the program's digest", async () => {
  const { suite, mirrors } = await readProfile(join(projectRoot, "configs", "pc.yaml"));
  const program = withoutSignature(readFileSync(KERNEL));
  const signer = await readSigner(at("owner.key"), at("owner.cer"));
  const signed = await signProgram(program, signer, { suite, mirrors });
  assert.deepEqual(await signProgram(program, signer, { suite, mirrors }), signed);
  writeFileSync(at("signed"), signed);
  execFileSync("sbverify", ["--cert", at("owner.crt"), at("signed")], { stdio: "pipe" });
  assert.throws(() => execFileSync("sbverify", ["--cert", at("other.crt"), at("signed")], { stdio: "pipe" }));
  // SpcIndirectDataContent has it as an octet string.
  execFileSync("sbattach", ["--detach", at("p7"), at("signed")]);
  const tree = execFileSync("openssl", ["asn1parse", "-inform", "DER", "-in", at("p7")])
    .toString()
    .toLowerCase();
  const digest = async (file: Uint8Array) =>
    (await authenticodeDigest(readAtOfBytes(file), file.length)).toString("hex");
  assert.ok(tree.includes(await digest(signed)));
  assert.equal(await digest(signed), await digest(program));
  assert.deepEqual(describeSigner(signer).subject, "CN=The owner");
});

test("keys that can't sign, or aren't the certificate's, are named before anything is made", async () => {
  for (const [key, certificate, why] of [
    ["owner.key", "other.crt", /other\.crt is the certificate of another key than --sign .*owner\.key/],
    ["locked.key", "owner.crt", /locked\.key: it is encrypted; openssl pkey writes it without a passphrase/],
    ["owner.crt", "owner.crt", /no private key in PEM/],
    ["owner.key", "owner.key", /no X\.509 certificate/],
    ["curve.key", "curve.crt", /firmware checks RSA keys, and this is ec/],
    ["nothing", "owner.crt", /--sign .*nothing: .*no such file/],
    ["owner.key", "nothing", /--cert .*nothing: .*no such file/],
  ] as const) {
    await assert.rejects(readSigner(at(key), at(certificate)), why);
  }
});
