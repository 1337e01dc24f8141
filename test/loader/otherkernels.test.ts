import assert from "node:assert/strict";
import { test } from "node:test";
import { rsdpOf } from "../../src/loader/otherkernels.ts";

test("ACPI's root pointer is made of what the kernel has said, with both its checksums", () => {
  const said =
    "6,1,0,-;ACPI: RSDP 0x000000007F77E014 000024 (v02 BOCHS )\n6,2,0,-;ACPI: XSDT 0x000000007F77D0E8 00004C (v01)\n";
  const rsdp = rsdpOf(said)!;
  assert.equal(rsdp.toString("latin1", 0, 8), "RSD PTR ");
  assert.equal(rsdp.readBigUInt64LE(24), 0x7f77d0e8n);
  for (const end of [20, 36]) assert.equal(rsdp.subarray(0, end).reduce((sum, byte) => sum + byte, 0) & 0xff, 0);
  assert.equal(rsdpOf("6,1,0,-;ACPI: RSDT 0x1 000024"), null);
});
