import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { clipRam, readX86Machine } from "../../src/kexec/x86machine.ts";

test("memory is clipped to what a kernel that jumps back may use; what isn't RAM stays", () => {
  const entries = [
    { start: 0n, size: 0x9fc00n, type: 1 },
    { start: 0xf0000n, size: 0x10000n, type: 2 },
    { start: 0x100000n, size: 0x7ff00000n, type: 1 },
    { start: 0x1_0000_0000n, size: 0x1000n, type: 1 },
  ];
  assert.deepEqual(clipRam(entries, { minimum: 0x1000n, maximum: 0x7ffffffn }), [
    { start: 0x1000n, size: 0x9ec00n, type: 1 },
    { start: 0xf0000n, size: 0x10000n, type: 2 },
    { start: 0x100000n, size: 0x7f00000n, type: 1 },
  ]);
});

test("the firmware's map is read in its own order, with the kernel's names for its types", async () => {
  const sys = mkdtempSync(join(tmpdir(), "baton-sys-"));
  try {
    const rows = [
      ["0x0", "0x9fbff", "System RAM"],
      ["0x100000", "0x7fffffff", "System RAM"],
      ["0x80000000", "0x8000ffff", "ACPI Tables"],
      ["0xfeffc000", "0xfeffffff", "something new"],
    ] as const;
    for (const [index, [start, end, type]] of rows.entries()) {
      const folder = join(sys, "firmware/memmap", String(index));
      mkdirSync(folder, { recursive: true });
      for (const [name, text] of Object.entries({ start, end, type })) writeFileSync(join(folder, name), `${text}\n`);
    }
    const { e820, bootParams, efi } = await readX86Machine({ sys });
    assert.deepEqual(
      e820.map(({ start, size, type }) => [start, size, type]),
      [
        [0n, 0x9fc00n, 1],
        [0x100000n, 0x7ff00000n, 1],
        [0x80000000n, 0x10000n, 3],
        [0xfeffc000n, 0x4000n, 2],
      ],
    );
    assert.deepEqual([bootParams, efi], [null, null]);
    rmSync(join(sys, "firmware"), { recursive: true });
    await assert.rejects(readX86Machine({ sys }), /doesn't show the firmware's memory map/);
  } finally {
    rmSync(sys, { recursive: true });
  }
});
