/** Hashes that `openssl passwd` and SYSLINUX's sha1pass have made. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { isCryptOf, readCryptHash } from "../../src/policy/unixcrypt.ts";

const LONG =
  "a password that is longer than the block of any of the digests, which is 64 bytes for two of them and 128 for the last: grüße";

for (const [hash, password] of [
  ["$1$abcdefgh$5XhrJpGu.bBXAZh4lT8oY/", "sesame"],
  ["$1$x$3imQODiItWj4eruAEMzHW/", LONG],
  ["$4$abcd$ZaIjC7myKUDxVAtQBrBI+1v30oY$", "sesame"],
  ["$5$abcdefgh$4PbtPZdUc33o7LmNsM4HTsjYbIhyCeh4aCe.rEbHkq1", "sesame"],
  ["$5$0123456789abcdef$.Ps3c7dYtE37zFswUVwhihTJ3gucKLaV0.9TSDz4JE/", LONG],
  ["$6$abcdefgh$Bk2D4uYVcw0FbFPsWa0iJZ1DNfy8v6OjKcRcuBfMkWD1KdADPVnmQf5cr0O8HfAYpq1XrrjdgIRINkwgSKJ8/1", "sesame"],
  ["$6$q$2Lc1UPlRuzCOfoI3zhcwz1j8wJazv6X.uVuWNTbqXc596kUKFiqexPROCRXfJmRmDwUzciHy7oDfW43sxm4KQ1", LONG],
  [
    "$6$rounds=10000$saltstringsaltst$OW1/O6BYHV6BcXZu8QVeXbDWra3Oeqh0sbHbbMCVNSnCM/UrjmM0Dp8vOuZeHBy/YTBmSK6H9qs/y3RnOaw5v.",
    "Hello world!",
  ],
] as const) {
  test(`${hash.slice(0, 12)}… is the hash of '${password.slice(0, 12)}' and of nothing else`, async () => {
    assert.equal(await isCryptOf(hash, password), true);
    for (const other of ["", `${password} `, password.toUpperCase(), hash]) {
      assert.equal(await isCryptOf(hash, other), false, other);
    }
  });
}

test("a hash of another form, or of more rounds than are computed, is no password's", async () => {
  for (const [text, why] of [
    ["$2b$10$abcdefghijklmnopqrstuv", /none of the forms/],
    ["$1$abcdefgh$short", /none of the forms/],
    ["$1$abcdefgh", /none of the forms/],
    ["$6$ab$", /none of the forms/],
    ["", /none of the forms/],
    [`$5$rounds=999999999$ab$${"a".repeat(43)}`, /999999999 rounds/],
  ] as const) {
    assert.match(String(readCryptHash(text)), why, text);
    assert.equal(await isCryptOf(text, ""), false);
  }
});
