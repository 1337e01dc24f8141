import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { test } from "node:test";
import { TokenCheck } from "../../src/remote/access.ts";
import { fingerprint, makeCertificate } from "../../src/remote/certificate.ts";

test("a certificate that is made is signed by its own key, and counts whatever the clock says", () => {
  const { cert } = makeCertificate();
  const made = new X509Certificate(cert);
  assert.ok(made.verify(made.publicKey));
  assert.equal(made.subject, "CN=Baton");
  assert.deepEqual([made.validFrom, made.validTo], ["Jan  1 00:00:00 2000 GMT", "Dec 31 23:59:59 9999 GMT"]);
  assert.equal(fingerprint(cert), made.fingerprint256);
  assert.notEqual(makeCertificate().cert, cert);
});

test("a token is known by itself or by its digest; who has failed waits, and others don't", () => {
  let now = 0;
  // printf 0123456789abcdef | sha256sum
  const digest = "sha256:9f9f5111f7b27a781f1f1ddde5ebc2dd2b796bfc7365c9c28b548e564176929f";
  for (const said of ["0123456789abcdef", digest]) {
    const tokens = new TokenCheck(said, () => now);
    assert.equal(tokens.check("Bearer 0123456789abcdef", "a"), "yes");
    assert.equal(tokens.check(`Bearer ${digest}`, "a"), "no");
    for (let left = 4; left > 0; left--) assert.equal(tokens.check("Bearer nothing", "a"), "no");
    assert.equal(tokens.check("Bearer 0123456789abcdef", "a"), "wait");
    assert.equal(tokens.check("Bearer 0123456789abcdef", "b"), "yes");
    now += 60_000;
    assert.equal(tokens.check("Bearer 0123456789abcdef", "a"), "yes");
  }
});
