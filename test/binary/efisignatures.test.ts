import assert from "node:assert/strict";
import { test } from "node:test";
import {
  certificateList,
  contentOf,
  digestList,
  guidInMemory,
  parseSignatureLists,
  signedPart,
  signedValue,
} from "../../src/binary/efisignatures.ts";

const OWNER = "77fa9abd-0359-4d32-bd60-28f4e78f784b";
const DIGEST = Buffer.alloc(32, 0xab);
const CERTIFICATE = Buffer.from("3003020105", "hex");
const DATE = new Date(Date.UTC(2026, 11, 1, 12, 34, 56));

test("a GUID's first three fields are little-endian in memory", () => {
  assert.equal(
    guidInMemory("00112233-4455-6677-8899-aabbccddeeff").toString("hex"),
    "33221100554477668899aabbccddeeff",
  );
});

test("what lists name is found again, one list behind the other; other kinds are passed over", () => {
  const other = Buffer.from(digestList(OWNER, Buffer.alloc(20)));
  other.fill(0x11, 0, 16);
  const all = Buffer.concat([digestList(OWNER, DIGEST), other, certificateList(OWNER, CERTIFICATE)]);
  const { programs, certificates } = parseSignatureLists(all);
  assert.deepEqual([...programs], [`sha256:${DIGEST.toString("hex")}`]);
  assert.deepEqual(
    certificates.map((one) => Buffer.from(one)),
    [CERTIFICATE],
  );
});

test("a certificate's digest comes with the time since which it is revoked (UEFI 2.10, 32.4.1)", () => {
  const list = Buffer.from(digestList(OWNER, Buffer.concat([DIGEST, Buffer.alloc(16)])));
  guidInMemory("3bd2a492-96c0-4079-b420-fcf98ef103ed").copy(list);
  assert.deepEqual([...parseSignatureLists(list).certificateDigests], [`sha256:${DIGEST.toString("hex")}`]);
});

test("one list may have several entries", () => {
  const two = Buffer.concat([digestList(OWNER, DIGEST), guidInMemory(OWNER), Buffer.alloc(32, 1)]);
  two.writeUInt32LE(two.length, 16);
  assert.equal(parseSignatureLists(two).programs.size, 2);
});

test("a list that is cut short, or lies about its sizes, is never half read", () => {
  const list = digestList(OWNER, DIGEST);
  for (let length = 1; length < list.length; length++) {
    assert.throws(() => parseSignatureLists(list.subarray(0, length)), /broken at byte 0/, `${length} bytes`);
  }
  for (const [at, value] of [
    [16, 0],
    [16, 27],
    [16, 0xffffffff],
    [20, 0xffffffff],
    [24, 0],
    [24, 16],
    [24, 47],
  ] as const) {
    const wrong = Buffer.from(list);
    wrong.writeUInt32LE(value, at);
    assert.throws(() => parseSignatureLists(wrong), /broken at byte 0/, `${value} at ${at}`);
  }
  assert.deepEqual([...parseSignatureLists(Buffer.alloc(0)).programs], []);
});

test("what is signed is name, GUID, attributes, time and value (UEFI 2.10, 8.2.2)", () => {
  const part = signedPart({ name: "db", guid: OWNER }, DATE, Buffer.from("value"));
  assert.equal(part.subarray(0, 4).toString("utf16le"), "db");
  assert.deepEqual(part.subarray(4, 20), guidInMemory(OWNER));
  assert.equal(part.readUInt32LE(20), 0x27);
  assert.equal(part.subarray(24, 40).toString("hex"), "ea070c010c2238000000000000000000");
  assert.equal(part.subarray(40).toString(), "value");
});

test("a signed value has the inner SignedData alone, and its content behind it", () => {
  const inner = Buffer.from("30050201010400", "hex");
  const oid = Buffer.from("06092a864886f70d010702", "hex");
  const wrapped = Buffer.concat([
    Buffer.from([0x30, oid.length + 2 + inner.length]),
    oid,
    Buffer.from([0xa0, inner.length]),
    inner,
  ]);
  const content = Buffer.from("a list");
  for (const pkcs7 of [inner, wrapped]) {
    const value = signedValue(DATE, pkcs7, content);
    assert.equal(value.readUInt32LE(16), 24 + inner.length);
    assert.equal(value.readUInt16LE(22), 0x0ef1);
    assert.deepEqual(value.subarray(40, 40 + inner.length), inner);
    assert.deepEqual(contentOf(value), content);
  }
});
