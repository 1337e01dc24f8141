import assert from "node:assert/strict";
import { test } from "node:test";
import { hashPassword, lockoutMs, verifyPassword } from "../../src/policy/password.ts";
import { PASSWORD_FORM } from "../../src/policy/settingkinds.ts";

test("a password opens its own hash and no other does, whatever way its letters are composed", async () => {
  const hash = await hashPassword("Zugb\u00fccke", 10);
  assert.match(hash, PASSWORD_FORM);
  assert.equal(await verifyPassword("Zugbu\u0308cke", hash), true);
  assert.equal(await verifyPassword("zugb\u00fccke", hash), false);
  assert.equal(await verifyPassword("", hash), false);
});

test("RFC 7914's second vector is understood", async () => {
  const hash = Buffer.from(
    "fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b3731622eaf30d92e22a3886ff109279d9830dac727afb94a83ee6d8360cbdfa2cc0640",
    "hex",
  );
  const phc = `$scrypt$ln=10,r=8,p=16$${Buffer.from("NaCl").toString("base64").replace(/=+$/, "")}$${hash.toString("base64").replace(/=+$/, "")}`;
  assert.equal(await verifyPassword("password", phc), true);
});

test("a hash that asks for more memory than there is opens for nobody", async () => {
  assert.equal(await verifyPassword("x", `$scrypt$ln=40,r=8,p=1$c2FsdA$${"A".repeat(43)}`), false);
  assert.equal(await verifyPassword("x", "no hash"), false);
});

test("the wait after wrong passwords doubles and ends at five minutes", () => {
  assert.deepEqual([0, 1, 2, 3, 4, 5, 30].map(lockoutMs), [0, 0, 0, 2000, 4000, 8000, 300_000]);
});
