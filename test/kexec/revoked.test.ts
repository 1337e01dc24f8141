import assert from "node:assert/strict";
import { test } from "node:test";
import { authenticodeDigest } from "../../src/binary/authenticode.ts";
import { certificateList, digestList } from "../../src/binary/efisignatures.ts";
import { refuseRevoked } from "../../src/kexec/revoked.ts";
import { makePe } from "../binary/pefile.ts";

const OWNER = "77fa9abd-0359-4d32-bd60-28f4e78f784b";
const CERTIFICATE = Buffer.from("a certificate's bytes");

/** A program with something where its signature stands. */
function signed(signature = CERTIFICATE): Buffer {
  const bare = Buffer.from(makePe([[".text", "code"]]));
  bare.writeUInt32LE(512, 152 + 60);
  const program = Buffer.concat([bare, signature]);
  program.writeUInt32LE(bare.length, 152 + 144);
  program.writeUInt32LE(signature.length, 152 + 148);
  return program;
}

test("a program's digest is of all but its checksum and its signature", () => {
  const digest = authenticodeDigest(signed()).toString("hex");
  assert.equal(authenticodeDigest(signed(Buffer.alloc(4000))).toString("hex"), digest);
  const checked = signed();
  checked.writeUInt32LE(0x1234, 152 + 64);
  assert.equal(authenticodeDigest(checked).toString("hex"), digest);
  for (const at of [0x10, 152 + 70, 512]) {
    const changed = signed();
    changed[at]! ^= 1;
    assert.notEqual(authenticodeDigest(changed).toString("hex"), digest, `byte ${at}`);
  }
});

test("headers that lie end in a message", () => {
  for (const [at, value] of [
    [60, 0xfffffff0],
    [152 + 60, 0xffffffff],
    [152 + 60, 0],
    [152 + 148, 0xffffffff],
    [152 + 240 + 16, 0xffffffff],
  ] as const) {
    const wrong = signed();
    wrong.writeUInt32LE(value, at);
    assert.throws(() => authenticodeDigest(wrong), /no EFI program that could be signed/, `${value} at ${at}`);
  }
  for (let length = 0; length < 700; length += 7) {
    assert.throws(() => authenticodeDigest(signed().subarray(0, length)), /no EFI program/);
  }
});

test("a kernel is refused where dbx names its digest, or the certificate that it is signed with", () => {
  const kernel = signed();
  assert.doesNotThrow(() => refuseRevoked(kernel, "vmlinuz", digestList(OWNER, Buffer.alloc(32))));
  assert.throws(
    () => refuseRevoked(kernel, "vmlinuz", digestList(OWNER, authenticodeDigest(kernel))),
    /^BatonError: vmlinuz is revoked: this machine's firmware lists its digest in dbx\. Boot a newer kernel\.$/,
  );
  assert.throws(
    () => refuseRevoked(kernel, "vmlinuz", certificateList(OWNER, CERTIFICATE)),
    /is revoked: .* certificate/,
  );
});

test("a list that can't be read lets nothing pass, and what is no program is left to the kernel", () => {
  assert.throws(() => refuseRevoked(signed(), "vmlinuz", Buffer.alloc(27)), /list of signatures is broken/);
  assert.doesNotThrow(() => refuseRevoked(Buffer.from("\x7fELF"), "vmlinux", digestList(OWNER, Buffer.alloc(32))));
});
