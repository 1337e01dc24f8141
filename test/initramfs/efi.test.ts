import assert from "node:assert/strict";
import { test } from "node:test";
import { appendSections, withSbat } from "../../initramfs/efi.ts";
import { readPe } from "../../src/binary/pe.ts";
import { makePe } from "../binary/pefile.ts";

const OPTIONAL = 152;
const MEMORY_ALIGN = 4096;
const FILE_ALIGN = 512;

/** A stub with headers that say how it wants to be aligned, and room for some more sections. */
function makeStub(sections: number): Buffer {
  const names = Array.from(
    { length: sections },
    (_, index) => [`.own${index}`, `content ${index}`.repeat(100)] as const,
  );
  const stub = Buffer.from(makePe(names));
  stub.writeUInt32LE(MEMORY_ALIGN, OPTIONAL + 32);
  stub.writeUInt32LE(FILE_ALIGN, OPTIONAL + 36);
  stub.writeUInt32LE(Math.ceil((OPTIONAL + 240 + sections * 40) / 512) * 512, OPTIONAL + 60);
  stub.writeUInt32LE(0xabcdef, OPTIONAL + 64); // a checksum, which will no longer be right
  return stub;
}

const ADDED = [
  { name: ".osrel", data: Buffer.from("ID=baton\n") },
  { name: ".cmdline", data: Buffer.from("quiet\0") },
  { name: ".initrd", data: Buffer.alloc(3 * 4096 + 1, 7) },
  { name: ".linux", data: Buffer.alloc(5000, 9) },
];

function reader(bytes: Uint8Array) {
  return async (offset: number, length: number) => bytes.subarray(offset, offset + length);
}

test("sections are appended behind the stub's own, which stay as they were", async () => {
  const stub = makeStub(8);
  const made = appendSections(stub, ADDED);
  const before = (await readPe(reader(stub), stub.length))!;
  const pe = (await readPe(reader(made), made.length))!;
  assert.deepEqual(pe.sections.slice(0, 8), before.sections);
  assert.deepEqual(
    pe.sections.slice(8).map(({ name, size }) => [name, size]),
    ADDED.map(({ name, data }) => [name, data.length]),
  );
  for (const [index, { data }] of ADDED.entries()) {
    const { offset, size } = pe.sections[8 + index]!;
    assert.deepEqual(Buffer.from(made.subarray(offset, offset + size)), data);
  }
  const contents = Math.min(...before.sections.map((one) => one.offset));
  assert.deepEqual(Buffer.from(made.subarray(contents, stub.length)), stub.subarray(contents));
});

test("no two sections overlap, in memory or in the file, and each is aligned as the stub wants", async () => {
  const made = appendSections(makeStub(8), ADDED);
  const { sections, imageSize } = (await readPe(reader(made), made.length))!;
  let address = 0;
  let offset = 0;
  for (const one of sections) {
    assert.equal(one.virtualAddress % MEMORY_ALIGN, 0, `${one.name} in memory`);
    assert.equal(one.offset % FILE_ALIGN, 0, `${one.name} in the file`);
    assert.ok(one.virtualAddress >= address, `${one.name} lies on the one before it in memory`);
    assert.ok(one.offset >= offset, `${one.name} lies on the one before it in the file`);
    address = one.virtualAddress + one.virtualSize;
    offset = one.offset + one.fileSize;
  }
  assert.equal(imageSize, Math.ceil(address / MEMORY_ALIGN) * MEMORY_ALIGN);
  assert.equal(made.length, offset);
});

test("the stub's checksum, which is no longer right, is taken out", () => {
  const made = Buffer.from(appendSections(makeStub(8), ADDED));
  assert.equal(made.readUInt32LE(OPTIONAL + 64), 0);
});

test("a stub without room for so many sections is refused", () => {
  assert.throws(() => appendSections(makeStub(1), ADDED), /headers have no room for 4 more sections/);
});

test("a section's name is eight characters at most", () => {
  assert.throws(() => appendSections(makeStub(8), [{ name: ".somewhat", data: Buffer.alloc(1) }]), /too long/);
});

test("what is no PE32+ executable is refused", () => {
  assert.throws(() => appendSections(Buffer.alloc(1024), ADDED), /no PE32\+ executable/);
  assert.throws(() => appendSections(Buffer.from("\x7fELF".padEnd(1024)), ADDED), /no PE32\+ executable/);
});

/** A stub with a line of SBAT, as systemd's has. */
const withLine = (length: number): Buffer => {
  const stub = Buffer.from(makePe([[".sbat", "x,1,X,x,1,\n".padEnd(length, "y")]]));
  stub.writeUInt32LE(MEMORY_ALIGN, OPTIONAL + 32);
  stub.writeUInt32LE(FILE_ALIGN, OPTIONAL + 36);
  return stub;
};

test("lines of SBAT stand behind the stub's own, in the room that its section has", async () => {
  const made = withSbat(withLine(11), "baton,1,Baton,baton,0.1.0,\n");
  const pe = (await readPe(reader(made), made.length))!;
  const { offset, size } = pe.sections[0]!;
  assert.equal(
    Buffer.from(made.subarray(offset, offset + size)).toString(),
    "x,1,X,x,1,\nbaton,1,Baton,baton,0.1.0,\n",
  );
  assert.equal(made.length, withLine(11).length);
});

test("a stub without such a section, or with a full one, is refused", () => {
  assert.throws(
    () => withSbat(withLine(500), "baton,1,Baton,baton,0.1.0,\n"),
    /\.sbat section has no room for 27 more/,
  );
  assert.throws(() => withSbat(makeStub(1), "baton,1\n"), /no \.sbat section/);
});
