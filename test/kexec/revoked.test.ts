import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { authenticodeDigest, signerCertificates } from "../../src/binary/authenticode.ts";
import { certificateList, digestList, guidInMemory, parseSignatureLists } from "../../src/binary/efisignatures.ts";
import { readAtOfBytes } from "../../src/binary/readat.ts";
import { BatonError } from "../../src/errors.ts";
import { readRevoked, refuseRevoked } from "../../src/kexec/revoked.ts";
import { makePe } from "../binary/pefile.ts";

const OWNER = "77fa9abd-0359-4d32-bd60-28f4e78f784b";

const der = (tag: number, ...parts: Uint8Array[]): Buffer => {
  const content = Buffer.concat(parts);
  return Buffer.concat([Buffer.from([tag, 0x82, content.length >> 8, content.length & 255]), content]);
};
const TO_BE_SIGNED = der(0x30, Buffer.from("what its issuer has signed"));
const CERTIFICATE = der(0x30, TO_BE_SIGNED, der(0x03, Buffer.alloc(9)));
/** PKCS #7's frame with one certificate. */
const PKCS7 = der(
  0x30,
  Buffer.from("06092a864886f70d010702", "hex"),
  der(0xa0, der(0x30, Buffer.from("020101", "hex"), der(0x31), der(0x30), der(0xa0, CERTIFICATE), der(0x31))),
);

/** A program with this behind it as its signature. */
function signed(pkcs7: Buffer = PKCS7): Buffer {
  const bare = Buffer.from(makePe([[".text", "code"]]));
  bare.writeUInt32LE(512, 152 + 60);
  const head = Buffer.from([0, 0, 0, 0, 0, 2, 2, 0]);
  head.writeUInt32LE(8 + pkcs7.length);
  const program = Buffer.concat([bare, head, pkcs7]);
  program.writeUInt32LE(bare.length, 152 + 144);
  program.writeUInt32LE(8 + pkcs7.length, 152 + 148);
  return program;
}

const digestOf = (file: Uint8Array, algorithm?: string) =>
  authenticodeDigest(readAtOfBytes(file), file.length, algorithm);
const refuse = (list: Uint8Array, kernel = signed()) =>
  refuseRevoked(readAtOfBytes(kernel), kernel.length, "vmlinuz", list);

test("a program's digest is of all but its checksum and its signature", async () => {
  const digest = (await digestOf(signed())).toString("hex");
  assert.equal((await digestOf(signed(Buffer.alloc(4000)))).toString("hex"), digest);
  const checked = signed();
  checked.writeUInt32LE(0x1234, 152 + 64);
  assert.equal((await digestOf(checked)).toString("hex"), digest);
  for (const at of [0x10, 152 + 70, 512]) {
    const changed = signed();
    changed[at]! ^= 1;
    assert.notEqual((await digestOf(changed)).toString("hex"), digest, `byte ${at}`);
  }
});

test("headers that lie end in a message", async () => {
  for (const [at, value] of [
    [60, 0xfffffff0],
    [152 + 60, 0xffffffff],
    [152 + 60, 0],
    [152 + 148, 0xffffffff],
    [152 + 240 + 16, 0xffffffff],
  ] as const) {
    const wrong = signed();
    wrong.writeUInt32LE(value, at);
    await assert.rejects(digestOf(wrong), /no EFI program that could be signed/, `${value} at ${at}`);
  }
  for (let length = 0; length < 700; length += 7) {
    await assert.rejects(digestOf(signed().subarray(0, length)), /no EFI program/);
  }
});

test("sections that lie over one another are refused before more is read than the file has", async () => {
  const sections = Array.from({ length: 60 }, () => [".text", Buffer.alloc(8192)] as const);
  const file = Buffer.from(makePe(sections));
  const first = file.readUInt32LE(152 + 240 + 20);
  file.writeUInt32LE(first, 152 + 60);
  for (let index = 0; index < 60; index++) {
    file.writeUInt32LE(file.length - first, 152 + 240 + index * 40 + 16);
    file.writeUInt32LE(first, 152 + 240 + index * 40 + 20);
  }
  let read = 0;
  const readAt = async (offset: number, length: number) => {
    read += length;
    return file.subarray(offset, offset + length);
  };
  await assert.rejects(authenticodeDigest(readAt, file.length), /its sections overlap/);
  assert.ok(read <= 2 * file.length, `${read} bytes of ${file.length}`);
});

test("a kernel is refused where dbx names its digest, by whatever algorithm", async () => {
  await refuse(digestList(OWNER, Buffer.alloc(32)));
  for (const [algorithm, guid] of [
    ["sha256", null],
    ["sha384", "ff3e5307-9fd0-48c9-85f1-8ad56c701e01"],
    ["sha512", "093e0fae-a6c4-4f50-9f1b-d41e2b89c19a"],
  ] as const) {
    const list = digestList(OWNER, await digestOf(signed(), algorithm));
    if (guid !== null) guidInMemory(guid).copy(list);
    const says =
      /^BatonError: vmlinuz is revoked: this machine's firmware lists its digest in dbx\. Boot a newer kernel\.$/;
    await assert.rejects(refuse(list), says, algorithm);
  }
});

test("a kernel is refused where dbx names a certificate that its signature comes with, or that one's digest", async () => {
  const says = /is revoked: this machine's firmware lists a certificate in dbx that its signature comes with/;
  assert.deepEqual(await signerCertificates(readAtOfBytes(signed()), signed().length), [CERTIFICATE]);
  await assert.rejects(refuse(certificateList(OWNER, CERTIFICATE)), says);
  const list = digestList(OWNER, Buffer.concat([createHash("sha256").update(TO_BE_SIGNED).digest(), Buffer.alloc(16)]));
  guidInMemory("3bd2a492-96c0-4079-b420-fcf98ef103ed").copy(list);
  await assert.rejects(refuse(list), says);
  await refuse(certificateList(OWNER, Buffer.from("another")));
});

test("a list or a signature that can't be read lets nothing pass; what is no program is left to the kernel", async () => {
  await assert.rejects(refuse(Buffer.alloc(27)), /list of signatures is broken/);
  await assert.rejects(
    refuse(certificateList(OWNER, CERTIFICATE), signed(PKCS7.subarray(0, 40))),
    /broken|ends behind/,
  );
  await refuse(digestList(OWNER, Buffer.alloc(32)), Buffer.from("\x7fELF"));
});

test("no list of the firmware's is none; one that can't be read is said, and nothing boots", async () => {
  const folder = mkdtempSync(join(tmpdir(), "baton-dbx-"));
  try {
    assert.equal(await readRevoked(join(folder, "none")), null);
    writeFileSync(join(folder, "empty"), Buffer.alloc(4));
    assert.equal(await readRevoked(join(folder, "empty")), null);
    writeFileSync(join(folder, "list"), Buffer.concat([Buffer.alloc(4), Buffer.from("list")]));
    assert.equal(Buffer.from((await readRevoked(join(folder, "list")))!).toString(), "list");
    await assert.rejects(
      readRevoked(folder),
      /Secure Boot is on, and the firmware's list .*dbx.* can't be read: EISDIR/,
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("bytes that are changed never make reading fail in another way than by saying so", async () => {
  const good = signed();
  const change = fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { minLength: 1, maxLength: 12 });
  const saysSo = async (work: Promise<unknown>): Promise<void> => {
    await work.catch((error) => assert.ok(error instanceof BatonError, String(error)));
  };
  await fc.assert(
    fc.asyncProperty(change, async (changes) => {
      const wrong = Buffer.from(good);
      for (const [at, value] of changes) wrong[at] = value;
      await saysSo(digestOf(wrong));
      await saysSo(signerCertificates(readAtOfBytes(wrong), wrong.length));
    }),
    { numRuns: 500 },
  );
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (bytes) => {
      await saysSo((async () => parseSignatureLists(bytes))());
    }),
  );
});
