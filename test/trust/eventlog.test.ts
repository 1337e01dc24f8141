/** Event logs: both forms are read and replayed, and nothing in hostile bytes does more than end the list. */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import { BatonError } from "../../src/errors.ts";
import { BANKS, differences, parseEventLog, replay, uncovered } from "../../src/trust/eventlog.ts";
import { eventText, typeName, wrongDigests } from "../../src/trust/eventwords.ts";
import { activeBanks, readPcrs } from "../../src/trust/tpm2.ts";

const [SHA1, SHA256] = BANKS as [(typeof BANKS)[0], (typeof BANKS)[0]];
const EV_IPL = 13;
const EV_ACTION = 5;

const u16 = (value: number): Buffer => Buffer.of(value & 0xff, value >> 8);
const u32 = (value: number): Buffer => Buffer.from(Uint32Array.of(value).buffer);
const hash = (bank: string, data: Uint8Array): Buffer => createHash(bank).update(data).digest();
const sized = (data: Uint8Array): Buffer => Buffer.concat([u32(data.length), data]);

const oldEvent = (pcr: number, type: number, digest: Uint8Array, data: Uint8Array): Buffer =>
  Buffer.concat([u32(pcr), u32(type), digest, sized(data)]);

/** The header that OVMF writes, for SHA-1 and SHA-256. */
const header = oldEvent(
  0,
  3,
  Buffer.alloc(20),
  Buffer.concat([
    Buffer.from("Spec ID Event03\0"),
    Buffer.of(0, 0, 0, 0, 0, 2, 0, 2),
    u32(2),
    ...[u16(4), u16(20), u16(11), u16(32)],
    Buffer.of(0),
  ]),
);

const event = (pcr: number, type: number, data: Uint8Array, measured = data): Buffer =>
  Buffer.concat([
    ...[u32(pcr), u32(type), u32(2)],
    ...[u16(4), hash("sha1", measured), u16(11), hash("sha256", measured), sized(data)],
  ]);

const text = (value: string): Buffer => Buffer.from(value);
const LOG = Buffer.concat([
  header,
  event(0, 3, Buffer.concat([text("StartupLocality\0"), Buffer.of(3)])),
  event(0, EV_ACTION, text("Calling EFI Application from Boot Option")),
  event(8, EV_IPL, text("grub_cmd: linux /vmlinuz\0"), text("linux /vmlinuz")),
  event(8, EV_IPL, text("kernel_cmdline: /vmlinuz quiet\0"), text("/vmlinuz quiet")),
]);

function extended(bank: string, start: Uint8Array, ...measured: string[]): string {
  let value = start;
  for (const one of measured) value = hash(bank, Buffer.concat([value, hash(bank, text(one))]));
  return Buffer.from(value).toString("hex");
}

test("a crypto-agile log leads to the values that extending its digests gives, from the locality of the start", () => {
  const log = parseEventLog(LOG);
  assert.equal(log.problem, null);
  assert.deepEqual(log.banks, [SHA1, SHA256]);
  for (const bank of log.banks) {
    const zero = Buffer.alloc(bank.size);
    const three = Buffer.concat([Buffer.alloc(bank.size - 1), Buffer.of(3)]);
    const values = replay(log, bank);
    assert.equal(values.get(0)!.at(-1)!.value, extended(bank.name, three, "Calling EFI Application from Boot Option"));
    assert.equal(values.get(8)!.at(-1)!.value, extended(bank.name, zero, "linux /vmlinuz", "/vmlinuz quiet"));
    assert.deepEqual([...values.keys()].sort(), [0, 8]);
  }
});

test("a log with SHA-1 alone is read too", () => {
  const log = parseEventLog(oldEvent(4, EV_ACTION, hash("sha1", text("a")), text("a")));
  assert.deepEqual([log.problem, log.events.length, log.banks.map(({ name }) => name)], [null, 1, ["sha1"]]);
  assert.equal(replay(log, SHA1).get(4)!.at(-1)!.value, extended("sha1", Buffer.alloc(20), "a"));
});

test("a register that lacks the last events is told from one to which no event leads", () => {
  const replayed = replay(parseEventLog(LOG), SHA256);
  const early = extended("sha256", Buffer.alloc(32), "linux /vmlinuz");
  const [missing] = differences(replayed, SHA256, new Map([[8, early]]));
  assert.deepEqual([missing!.pcr, missing!.after, missing!.actual], [8, 3, early]);
  const [other] = differences(replayed, SHA256, new Map([[8, "00".repeat(32)]]));
  assert.equal(other!.after, null);
  const right = extended("sha256", Buffer.alloc(32), "linux /vmlinuz", "/vmlinuz quiet");
  assert.deepEqual(differences(replayed, SHA256, new Map([[8, right]])), []);
});

test("a register that was extended without an event is told; one that still has its first value is not", () => {
  const sha256 = BANKS.find(({ name }) => name === "sha256")!;
  const steps = replay(parseEventLog(Buffer.concat([header, event(8, 13, text("a"))])), sha256);
  const values = new Map([
    [7, "ab".repeat(32)],
    [8, "cd".repeat(32)],
    [9, "00".repeat(32)],
    [17, "ff".repeat(32)],
  ]);
  assert.deepEqual(uncovered(steps, values), [7]);
});

test("events are told in words, and a digest that isn't its data's is found", () => {
  const { events } = parseEventLog(LOG);
  assert.equal(typeName(events[2]!.type), "EV_IPL");
  assert.equal(eventText(events[2]!), "grub_cmd: linux /vmlinuz");
  assert.equal(typeName(0x1234), "0x00001234");
  assert.deepEqual(events.flatMap(wrongDigests), []);
  const changed = parseEventLog(Buffer.concat([header, event(1, EV_ACTION, text("a"), text("b"))]));
  assert.deepEqual(wrongDigests(changed.events[0]!), ["sha1", "sha256"]);
});

test("a variable's name is shown, and one that says it is longer than its event is none", () => {
  const variable = (characters: number, rest: Buffer) => {
    const data = Buffer.concat([Buffer.alloc(16), u32(characters), Buffer.alloc(12), rest]);
    return eventText(parseEventLog(Buffer.concat([header, event(7, 0x80000001, data)])).events[0]!);
  };
  assert.equal(variable(2, Buffer.from("db!", "utf16le")), "db");
  for (const length of [0, 1, 2, 3]) assert.equal(variable(2, Buffer.alloc(length, "a")), "");
  assert.equal(variable(0xffffffff, Buffer.from("db", "utf16le")), "");
});

test("what Linux' EFI stub has measured is shown without the tag in front", () => {
  const shown = (data: Buffer) => eventText(parseEventLog(Buffer.concat([header, event(9, 6, data)])).events[0]!);
  assert.equal(shown(Buffer.concat([u32(0x8f3b22ec), u32(13), text("Linux initrd\0")])), "Linux initrd");
  assert.equal(shown(u32(0x8f3b22ec)), "");
});

test("a log that breaks off gives the events before, and says where", () => {
  for (let size = header.length; size < LOG.length; size++) {
    const log = parseEventLog(LOG.subarray(0, size));
    assert.ok(log.events.length < 4);
    if (log.problem !== null) assert.match(log.problem, /^event \d, at byte \d+: .* are left$/);
  }
  for (let size = 0; size < header.length; size++) {
    assert.throws(() => parseEventLog(LOG.subarray(0, size)), BatonError);
  }
});

test("sizes and registers that no log has are refused in words", () => {
  const huge = Buffer.concat([header, u32(0), u32(5), u32(0), u32(0xffffffff)]);
  assert.match(parseEventLog(huge).problem!, /4294967295 bytes, and 0 are left/);
  assert.match(parseEventLog(Buffer.concat([header, u32(24), u32(5), u32(0), u32(0)])).problem!, /register 24/);
  assert.match(parseEventLog(Buffer.concat([header, u32(1), u32(5), u32(3), u32(0)])).problem!, /3 digests/);
  assert.throws(() => parseEventLog(new Uint8Array(16 * 1024 * 1024 + 1)), { code: "too-large" });
});

test("damaged logs never throw anything but a BatonError", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(LOG.length - 1), fc.nat(255)), { maxLength: 12 }), (changes) => {
      const bytes = Buffer.from(LOG);
      for (const [at, value] of changes) bytes[at] = value;
      try {
        const log = parseEventLog(bytes);
        for (const bank of log.banks) replay(log, bank);
        for (const one of log.events) assert.ok(eventText(one).length <= 300 && wrongDigests(one).length <= 4);
      } catch (error) {
        if (!(error instanceof BatonError)) throw error;
      }
    }),
    { numRuns: 3000 },
  );
});

const reply = (hex: string) => async (): Promise<Uint8Array> => Buffer.from(hex.replaceAll(" ", ""), "hex");

test("a TPM's banks are read, and one that is not active is none", async () => {
  const answer = "8001 0000001f 00000000 00 00000005 00000002 0004 03 000000 000b 03 ffffff";
  const banks = await activeBanks(reply(answer));
  assert.deepEqual(banks, [SHA256]);
});

test("a TPM that answers errors, too little or nonsense is named, and nothing hangs", async () => {
  await assert.rejects(
    activeBanks(reply("8001 0000000a 00000101")),
    /TPM2_GetCapability: the TPM answers with error 0x101/,
  );
  await assert.rejects(activeBanks(reply("")), /makes no sense: it ends after 0 bytes/);
  await assert.rejects(activeBanks(reply("8001 0000000f 00000000 00 00000005")), /it ends after 15|that say they are/);
  await assert.rejects(readPcrs(reply("8001 00000016 00000000 00000001 ffffffff 00000000"), SHA256), /banks/);
});
