import assert from "node:assert/strict";
import { test } from "node:test";
import { architectureNumber, machineOfArchitecture } from "../../src/net/clientfacts.ts";

test("a client architecture's number stands for the machine that asks with it, by either class", () => {
  for (const arch of ["x86_64", "i386", "aarch64", "riscv64"]) {
    for (const kind of ["PXEClient", "HTTPClient"] as const) {
      const machine = { firmware: "efi", arch } as const;
      assert.deepEqual(machineOfArchitecture(architectureNumber(machine, kind)), machine);
    }
  }
});

test("the numbers are IANA's", () => {
  assert.equal(architectureNumber({ firmware: "pc", arch: "x86_64" }), 0);
  assert.equal(architectureNumber({ firmware: "pc", arch: "x86_64" }, "HTTPClient"), 20);
  assert.equal(architectureNumber({ firmware: "efi", arch: "x86_64" }), 7);
  assert.equal(architectureNumber({ firmware: "efi", arch: "i686" }), 6);
  assert.equal(architectureNumber({ firmware: "efi", arch: "aarch64" }, "HTTPClient"), 19);
  assert.deepEqual(machineOfArchitecture(9), { firmware: "efi", arch: "x86_64" });
  // Which of the two processors is not said by the number of a PC's BIOS.
  assert.deepEqual(machineOfArchitecture(0), { firmware: "pc" });
  assert.equal(machineOfArchitecture(3), null);
});
