/** `baton keys`, beside the tools that others make such lists with: sbsigntool's, and openssl. */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { authenticodeDigest } from "../../src/binary/authenticode.ts";
import { contentOf, signedPart } from "../../src/binary/efisignatures.ts";
import { readAtOfBytes } from "../../src/binary/readat.ts";
import { GLOBAL_GUID, SECURITY_GUID } from "../../src/state/guids.ts";
import { KERNEL } from "../vm/payload.ts";
import { baton } from "./program.ts";

const folder = mkdtempSync(join(tmpdir(), "baton-keys-"));
after(() => rmSync(folder, { recursive: true }));
const at = (name: string): string => join(folder, name);
const keys = at("keys");
const read = (name: string): Buffer => readFileSync(join(keys, name));
const openssl = (...args: string[]): string =>
  execFileSync("openssl", args, { stdio: ["ignore", "pipe", "pipe"] }).toString();

let made = { code: -1, stdout: "", stderr: "" };
before(async () => {
  made = await baton("keys", "--name", "Example Ltd", "--days", "30", keys);
});

test("makes certificates of three keys, private ones for their owner alone, and says what comes next", async () => {
  assert.equal(made.code, 0, made.stderr);
  const names = ["KEK", "PK", "db"].flatMap((name) =>
    ["auth", "cer", "crt", "esl", "key"].map((kind) => `${name}.${kind}`),
  );
  assert.deepEqual(readdirSync(keys).sort(), [...names, "owner.pem"].sort());
  for (const name of ["PK.key", "KEK.key", "db.key", "owner.pem"])
    assert.equal(statSync(join(keys, name)).mode & 0o777, 0o600);
  assert.match(openssl("x509", "-in", join(keys, "db.crt"), "-noout", "-subject"), /CN = Example Ltd signing key/);
  assert.equal(openssl("x509", "-in", join(keys, "KEK.crt"), "-outform", "DER").length > 0, true);
  const { stdout } = await baton("sign", "--key", join(keys, "owner.pem"));
  assert.match(made.stdout, new RegExp(`trustkeys: \\["${stdout.trim().replace(/[+/]/g, "\\$&")}"\\]`));
  assert.match(made.stdout, /npm run image -- --sign .*\/db\.key --cert .*\/db\.crt/);
});

test("lists are those that sbsiglist makes, and openssl verifies each signature by the key above", () => {
  const owner = read("db.esl").subarray(28, 44);
  const hex = owner.toString("hex");
  const guid = [
    hex.slice(6, 8) + hex.slice(4, 6) + hex.slice(2, 4) + hex.slice(0, 2),
    hex.slice(10, 12) + hex.slice(8, 10),
  ];
  guid.push(hex.slice(14, 16) + hex.slice(12, 14), hex.slice(16, 20), hex.slice(20));
  for (const [name, by, variable] of [
    ["PK", "PK", GLOBAL_GUID],
    ["KEK", "PK", GLOBAL_GUID],
    ["db", "KEK", SECURITY_GUID],
  ] as const) {
    execFileSync("sbsiglist", [
      "--owner",
      guid.join("-"),
      "--type",
      "x509",
      "--output",
      at("list"),
      join(keys, `${name}.cer`),
    ]);
    assert.deepEqual(read(`${name}.esl`), readFileSync(at("list")), name);
    const auth = read(`${name}.auth`);
    assert.deepEqual(contentOf(auth), read(`${name}.esl`), name);
    const [year, month, day, hour, minute, second] = [auth.readUInt16LE(0), ...auth.subarray(2, 7)] as number[];
    const date = new Date(Date.UTC(year!, month! - 1, day, hour, minute, second));
    assert.ok(Math.abs(Date.now() - date.getTime()) < 600_000, `${date}`);
    writeFileSync(at("signed"), signedPart({ name, guid: variable }, date, read(`${name}.esl`)));
    // openssl wants the ContentInfo around it: an object identifier, and the content in an explicit tag.
    const inner = auth.subarray(40, 16 + auth.readUInt32LE(16));
    const tagged = (tag: number, ...parts: Uint8Array[]): Buffer => {
      const content = Buffer.concat(parts);
      return Buffer.concat([Buffer.from([tag, 0x82, content.length >> 8, content.length & 255]), content]);
    };
    writeFileSync(at("p7"), tagged(0x30, Buffer.from("06092a864886f70d010702", "hex"), tagged(0xa0, inner)));
    const words = [
      "-verify",
      "-binary",
      "-inform",
      "DER",
      "-in",
      at("p7"),
      "-content",
      at("signed"),
      "-out",
      "/dev/null",
    ];
    openssl("smime", ...words, "-CAfile", join(keys, `${by}.crt`), "-purpose", "any");
  }
});

test("keys that are there are never overwritten", async () => {
  const before = readdirSync(keys).map((name) => read(name).toString("hex"));
  const again = await baton("keys", keys);
  assert.equal(again.code, 1);
  assert.match(again.stderr, /has files already: keys are never overwritten/);
  assert.deepEqual(
    readdirSync(keys).map((name) => read(name).toString("hex")),
    before,
  );
  mkdirSync(at("half.new"));
  assert.match((await baton("keys", at("half"))).stderr, /half\.new is there, of an attempt that broke off/);
});

test("--add takes a certificate, or a program for its signer's; --revoke a program's digest; each once", async () => {
  for (const _ of ["once", "twice"]) {
    const added = await baton("keys", "--add", join(keys, "KEK.crt"), "--add", KERNEL, "--revoke", KERNEL, keys);
    assert.equal(added.code, 0, added.stderr);
    assert.match(added.stdout, /vmlinuz: CN=Debian Secure Boot Signer[^\n]*, sha256 [0-9A-F:]{95}, may start programs/);
  }
  const list = read("db.esl");
  assert.ok(list.includes(read("KEK.cer")));
  assert.equal(list.toString("latin1").split("Debian Secure Boot Signer").length, 2);
  assert.deepEqual(contentOf(read("db.auth")), list);
  const digest = await authenticodeDigest(readAtOfBytes(readFileSync(KERNEL)), readFileSync(KERNEL).length);
  assert.equal(read("dbx.esl").subarray(44).toString("hex"), digest.toString("hex"));
  assert.deepEqual(contentOf(read("dbx.auth")), read("dbx.esl"));
});

test("what can't be done is said, and changes nothing", async () => {
  const before = read("db.esl");
  for (const [words, why] of [
    [["--add", at("nothing"), keys], /nothing.*no such file/i],
    [["--add", join(keys, "db.key"), keys], /neither an X\.509 certificate nor an EFI program/],
    [["--revoke", join(keys, "db.key"), keys], /db\.key is no certificate, and it is no EFI program/],
    [["--add", KERNEL, at("elsewhere")], /elsewhere has no KEK\.key/],
    [["--days", "0", at("elsewhere")], /--days 0 is no number of days/],
    [["--name", "a/CN=b", at("elsewhere")], /--name a\/CN=b: letters/],
    [["--name", "x", "--add", KERNEL, keys], /--name and --days are for new keys/],
    [[], /name one DIR/],
  ] as const) {
    const { code, stderr } = await baton("keys", ...words);
    assert.notEqual(code, 0, words.join(" "));
    assert.match(stderr, why);
  }
  assert.deepEqual(read("db.esl"), before);
});
