import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import fc from "fast-check";
import { BatonError } from "../../src/errors.ts";
import { MAX_LOG_SIZE, parseEventLog, replay } from "../../src/trust/eventlog.ts";
import { eventText, wrongDigests } from "../../src/trust/eventwords.ts";
import { fuzz } from "./campaign.ts";

const number = fc.oneof(fc.nat(40), fc.constantFrom(0xffffffff, 0x80000001, 0x800000e0, MAX_LOG_SIZE));
const u32 = number.map((value) => Buffer.from(Uint32Array.of(value).buffer));
const u16 = fc
  .constantFrom(4, 11, 12, 13, 20, 32, 48, 0xffff)
  .map((value) => Buffer.from(Uint16Array.of(value).buffer));
const raw = fc.uint8Array({ maxLength: 80 }).map((bytes) => Buffer.from(bytes));
const words = fc
  .constantFrom("Spec ID Event03\0", "StartupLocality\0", "grub_cmd: a\0", "S\0B\0")
  .map((text) => Buffer.from(text));
/** The header with SHA-1 and SHA-256, so that what follows is read as events with several digests. */
const header = Buffer.concat([
  Buffer.from(Uint32Array.of(0, 3).buffer),
  Buffer.alloc(20),
  Buffer.from(Uint32Array.of(37).buffer),
  Buffer.from("Spec ID Event03\0\0\0\0\0\0\x02\0\x02\x02\0\0\0\x04\0\x14\0\x0b\0\x20\0\0", "latin1"),
]);
const event = fc.tuple(u32, u32, fc.oneof(u32, raw), u16, raw, u32, fc.oneof(raw, words));
const log = fc
  .tuple(fc.boolean(), fc.array(fc.oneof(event, fc.tuple(raw)), { maxLength: 30 }))
  .map(([agile, events]) => Buffer.concat([agile ? header : Buffer.alloc(0), ...events.flat()]));

await fuzz({
  name: "eventlog",
  input: log,
  check: async (bytes) => {
    try {
      const read = parseEventLog(bytes);
      for (const bank of read.banks) replay(read, bank);
      for (const one of read.events) assert.ok(eventText(one).length <= 300 && wrongDigests(one).length <= 4);
    } catch (error) {
      if (!(error instanceof BatonError)) throw error;
    }
  },
});
