import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { findSection, looksLikePe, readPe, readSection } from "../../src/binary/pe.ts";
import { readAtOfBytes } from "../../src/binary/readat.ts";
import { makePe } from "./pefile.ts";

const UKI = makePe([
  [".text", "code"],
  [".osrel", "ID=debian\n"],
  [".profile", "one"],
  [".profile", "two"],
  [".linux", Buffer.alloc(1500, 7)],
]);

const read = (bytes: Uint8Array) => readPe(readAtOfBytes(bytes), bytes.length);
const text = (bytes: Uint8Array) => Buffer.from(bytes).toString();

test("reads the headers and the section table", async () => {
  const pe = await read(UKI);
  assert.ok(pe);
  assert.deepEqual(
    { ...pe, sections: pe.sections.map(({ name, size }) => [name, size]) },
    {
      machine: "x86_64",
      imageSize: 0x200000,
      certificates: null,
      sections: [
        [".text", 4],
        [".osrel", 10],
        [".profile", 3],
        [".profile", 3],
        [".linux", 1500],
      ],
    },
  );
});

test("gives a section's exact content, without the file's padding", async () => {
  const pe = (await read(UKI))!;
  assert.equal(text(await readSection(readAtOfBytes(UKI), findSection(pe, ".osrel")!, 100)), "ID=debian\n");
  const linux = await readSection(readAtOfBytes(UKI), findSection(pe, ".linux")!, 10_000);
  assert.deepEqual(Uint8Array.from(linux), new Uint8Array(1500).fill(7));
  assert.equal(findSection(pe, ".initrd"), null);
});

test("a section without a size in memory has the size that it has in the file", async () => {
  const bytes = Buffer.from(UKI);
  const header = bytes.indexOf(".osrel");
  bytes.writeUInt32LE(0, header + 8);
  assert.equal(findSection((await read(bytes))!, ".osrel")?.size, 512);
});

test("a section larger in memory than in the file ends where the file's part does", async () => {
  const bytes = Buffer.from(UKI);
  bytes.writeUInt32LE(100_000, bytes.indexOf(".osrel") + 8);
  assert.equal(findSection((await read(bytes))!, ".osrel")?.size, 512);
});

test("names the machine", async () => {
  for (const [number, name] of [
    [0xaa64, "aarch64"],
    [0x5064, "riscv64"],
    [0x14c, "i386"],
    [0x1234, "0x1234"],
  ] as const) {
    assert.equal((await read(makePe([], { machine: number })))?.machine, name);
  }
});

test("tells what is no PE at all from one that is broken", async () => {
  assert.equal(await read(Buffer.alloc(200)), null);
  assert.equal(await read(Buffer.from("MZ")), null);
  const dos = Buffer.alloc(512);
  dos.write("MZ");
  assert.ok(looksLikePe(dos));
  assert.equal(await read(dos), null);
  dos.writeUInt32LE(0xfffffff0, 60);
  assert.equal(await read(dos), null);
  await assert.rejects(read(UKI.subarray(0, 400)), { code: "bad-format", message: /ends within its headers/ });
  const odd = Buffer.from(UKI);
  odd.writeUInt16LE(0x107, 152);
  await assert.rejects(read(odd), { code: "bad-format", message: /unknown kind 0x107/ });
  const many = Buffer.from(UKI);
  many.writeUInt16LE(60_000, 134);
  await assert.rejects(read(many), { code: "bad-format", message: /60000 sections/ });
});

test("a section that is too large or cut short is refused by name", async () => {
  const section = findSection((await read(UKI))!, ".linux")!;
  await assert.rejects(readSection(readAtOfBytes(UKI), section, 1000), {
    code: "too-large",
    message: /\.linux has 1500 bytes/,
  });
  await assert.rejects(readSection(readAtOfBytes(UKI.subarray(0, UKI.length - 1200)), section, 10_000), {
    code: "bad-format",
    message: /\.linux .* cut short/,
  });
});

test("a signature table outside of the file is no signature", async () => {
  const bytes = Buffer.from(UKI);
  bytes.writeUInt32LE(1024, 152 + 144);
  bytes.writeUInt32LE(256, 152 + 148);
  assert.deepEqual((await read(bytes))?.certificates, { offset: 1024, size: 256 });
  bytes.writeUInt32LE(0xffffff00, 152 + 148);
  assert.equal((await read(bytes))?.certificates, null);
});

test("whatever bytes come, reading ends with headers, with none, or with a bad-format error", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.nat(600), fc.nat(255)), { maxLength: 8 }),
      fc.nat(UKI.length),
      async (changes, length) => {
        const bytes = Uint8Array.from(UKI).subarray(0, length);
        for (const [at, value] of changes) if (at < length) bytes[at] = value;
        try {
          const pe = await read(bytes);
          for (const section of pe?.sections ?? []) await readSection(readAtOfBytes(bytes), section, 1 << 20);
        } catch (error) {
          assert.match((error as { code: string }).code, /^(bad-format|too-large)$/);
        }
      },
    ),
    { numRuns: 500 },
  );
});
