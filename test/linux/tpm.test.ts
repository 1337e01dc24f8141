/** Devices that are no TPM. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { withTpm } from "../../src/linux/tpm.ts";
import { activeBanks } from "../../src/trust/tpm2.ts";

test("a TPM that isn't there, and a device that is none, are told in words", async () => {
  await assert.rejects(
    withTpm(activeBanks, "/dev/no-such-tpm"),
    /\/dev\/no-such-tpm is not there: this machine has no TPM/,
  );
  await assert.rejects(withTpm(activeBanks, "/dev"), /\/dev can't be opened \(EISDIR\)/);
  await assert.rejects(withTpm(activeBanks, "/dev/null"), /makes no sense: it ends after 0 bytes/);
});
