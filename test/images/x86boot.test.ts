import assert from "node:assert/strict";
import { test } from "node:test";
import { E820, firmwareTables } from "../../src/images/x86boot.ts";

test("firmware's tables are ACPI's memory and EFI's, not its devices nor other memory", () => {
  const e820 = [E820.ram, E820.acpi, E820.nvs, E820.reserved].map((type, index) => ({
    start: BigInt(index) << 20n,
    size: 4096n,
    type,
  }));
  const ranges = [5, 6, 11, 12].map((type) => ({
    type,
    physical: BigInt(type) << 32n,
    virtual: 0n,
    pages: 2n,
    attribute: 0n,
  }));
  const efi = { ranges, fwVendor: 0n, configTable: 0n, smbios: 0n };
  assert.deepEqual(firmwareTables({ e820, bootParams: null, rsdp: 0n, efi, framebufferKept: true }), [
    { start: 1n << 20n, size: 4096n },
    { start: 2n << 20n, size: 4096n },
    { start: 5n << 32n, size: 8192n },
    { start: 6n << 32n, size: 8192n },
  ]);
});
