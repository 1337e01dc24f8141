/**
 * Event logs of measured boots: what was extended into a TPM's registers (PCRs), one event after the other. Reads both
 * forms of the TCG PC Client Platform Firmware Profile: the crypto-agile one (section 10.4.5, "Spec ID Event03") and the
 * older one with SHA-1 alone (section 10.2.1). Pure. The bytes may come from anybody.
 */

import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { BatonError } from "../errors.ts";

/** A kind of digest, and so a bank of registers (TCG Algorithm Registry, table 3). */
export interface Bank {
  readonly name: string;
  /** TPM_ALG_ID. */
  readonly id: number;
  /** Of a digest. Bytes. */
  readonly size: number;
}

export const BANKS: readonly Bank[] = [
  { name: "sha1", id: 0x0004, size: 20 },
  { name: "sha256", id: 0x000b, size: 32 },
  { name: "sha384", id: 0x000c, size: 48 },
  { name: "sha512", id: 0x000d, size: 64 },
];

export interface LogEvent {
  /** In the log, from 1; the header that describes the log is not counted. */
  readonly number: number;
  readonly pcr: number;
  readonly type: number;
  /** Name of a bank → digest, in lower-case hex; without banks that are none of {@link BANKS}. */
  readonly digests: ReadonlyMap<string, string>;
  readonly data: Uint8Array;
}

export interface EventLog {
  /** Those whose digests the log has. */
  readonly banks: readonly Bank[];
  readonly events: readonly LogEvent[];
  /** Why the log could not be read to its end; null where it was. */
  readonly problem: string | null;
}

/** Of a log. Bytes. Firmware's are below 100 KB. */
export const MAX_LOG_SIZE = 16 * 1024 * 1024;
const MAX_EVENTS = 20_000;
/** Kinds of digests in one log. */
const MAX_ALGORITHMS = 16;
/** No digest is longer. Bytes. */
const MAX_DIGEST_SIZE = 64;
const PCR_COUNT = 24;
export const EV_NO_ACTION = 3;
/** TCG_PCR_EVENT: pcrIndex, eventType, a SHA-1, eventSize. */
const OLD_HEADER_SIZE = 32;
const SHA1_SIZE = 20;
const SIGNATURE = "Spec ID Event03\0";
/** Event data of the event by which a TPM was started by another locality (section 10.4.5.3). */
const STARTUP_LOCALITY = "StartupLocality\0";
/** Registers of a dynamic launch start as all ones (TCG PC Client Platform TPM Profile, section 4.6). */
const isDynamic = (pcr: number): boolean => pcr >= 17 && pcr <= 22;

/**
 * Reads a log. What is damaged in the middle ends the list of events there, and `problem` says where and why.
 * @throws BatonError `too-large`, and `bad-format` where not even the first event can be read
 */
export function parseEventLog(bytes: Uint8Array): EventLog {
  if (bytes.length > MAX_LOG_SIZE) {
    throw new BatonError("too-large", `the event log has ${bytes.length} bytes; at most ${MAX_LOG_SIZE} are read`);
  }
  const cursor = new Cursor(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length));
  const header = oldEvent(cursor, 0);
  const sizes = algorithmsOf(header);
  const banks = sizes ? BANKS.filter(({ id, size }) => sizes.get(id) === size) : BANKS.slice(0, 1);
  const events: LogEvent[] = sizes ? [] : [{ ...header, number: 1 }];
  let problem: string | null = null;
  while (problem === null && !cursor.atEnd) {
    const start = cursor.offset;
    try {
      if (events.length === MAX_EVENTS) throw new BatonError("too-large", `more than ${MAX_EVENTS} events`);
      const number = events.length + 1;
      events.push(sizes ? agileEvent(cursor, number, sizes) : oldEvent(cursor, number));
    } catch (error) {
      if (!(error instanceof BatonError)) throw error;
      problem = `event ${events.length + 1}, at byte ${start}: ${error.message}`;
    }
  }
  return { banks, events, problem };
}

/** TCG_PCClientPCREvent. */
function oldEvent(cursor: Cursor, number: number): LogEvent {
  if (cursor.left < OLD_HEADER_SIZE) {
    throw new BatonError("bad-format", `an event has ${OLD_HEADER_SIZE} bytes at least, and ${cursor.left} are left`);
  }
  const pcr = registerOf(cursor.u32());
  const type = cursor.u32();
  const digest = cursor.take(SHA1_SIZE, "the digest").toString("hex");
  return { number, pcr, type, digests: new Map([["sha1", digest]]), data: cursor.take(cursor.u32(), "the event") };
}

/** TCG_PCR_EVENT2. */
function agileEvent(cursor: Cursor, number: number, sizes: ReadonlyMap<number, number>): LogEvent {
  const pcr = registerOf(cursor.u32());
  const type = cursor.u32();
  const count = cursor.u32();
  if (count > sizes.size) {
    throw new BatonError("bad-format", `it has ${count} digests, and the log's header names ${sizes.size} kinds`);
  }
  const digests = new Map<string, string>();
  for (let index = 0; index < count; index++) {
    const id = cursor.u16();
    const size = sizes.get(id);
    if (size === undefined) {
      throw new BatonError(
        "bad-format",
        `it has a digest of the kind 0x${id.toString(16)}, which the header doesn't name`,
      );
    }
    const digest = cursor.take(size, "a digest").toString("hex");
    const bank = BANKS.find((known) => known.id === id && known.size === size);
    if (bank) digests.set(bank.name, digest);
  }
  return { number, pcr, type, digests, data: cursor.take(cursor.u32(), "the event") };
}

function registerOf(pcr: number): number {
  // Events that extend nothing may say that they belong to none (0xffffffff).
  if (pcr < PCR_COUNT || pcr === 0xffffffff) return pcr;
  throw new BatonError("bad-format", `it is for register ${pcr}; a TPM has 0 to ${PCR_COUNT - 1}`);
}

/** TPM_ALG_ID → bytes of a digest, as TCG_EfiSpecIDEvent says; null where the first event is no such header. */
function algorithmsOf({ type, data }: LogEvent): ReadonlyMap<number, number> | null {
  if (type !== EV_NO_ACTION) return null;
  const cursor = new Cursor(Buffer.from(data.buffer, data.byteOffset, data.length));
  if (cursor.left < SIGNATURE.length + 12) return null;
  if (cursor.take(SIGNATURE.length, "the signature").toString("latin1") !== SIGNATURE) return null;
  // platformClass, and four bytes of versions and the size of a UINTN.
  cursor.take(8, "the versions");
  const count = cursor.u32();
  if (count === 0 || count > MAX_ALGORITHMS) {
    throw new BatonError("bad-format", `the event log's header names ${count} kinds of digests`);
  }
  const sizes = new Map<number, number>();
  for (let index = 0; index < count; index++) {
    const id = cursor.u16();
    const size = cursor.u16();
    const known = BANKS.find((bank) => bank.id === id);
    if (size === 0 || size > MAX_DIGEST_SIZE || (known && known.size !== size)) {
      throw new BatonError(
        "bad-format",
        `the event log's header gives digests of kind 0x${id.toString(16)} ${size} bytes`,
      );
    }
    sizes.set(id, size);
  }
  return sizes;
}

/** Register → its value after each event that extended it, in order; lower-case hex. Without registers of no event. */
export type Replayed = ReadonlyMap<number, readonly { readonly after: number; readonly value: string }[]>;

/** What the log's events leave in a bank's registers, from the start of the machine. */
export function replay(log: EventLog, bank: Bank): Replayed {
  const steps = new Map<number, { after: number; value: string }[]>();
  let locality = 0;
  for (const { number, pcr, type, digests, data } of log.events) {
    if (type === EV_NO_ACTION) {
      const text = Buffer.from(data).toString("latin1");
      if (pcr === 0 && text.startsWith(STARTUP_LOCALITY)) locality = data[STARTUP_LOCALITY.length] ?? 0;
      continue;
    }
    const digest = digests.get(bank.name);
    if (digest === undefined || pcr >= PCR_COUNT) continue;
    const done = steps.get(pcr) ?? [];
    const before = done.at(-1)?.value ?? initial(bank, pcr, locality);
    done.push({
      after: number,
      value: createHash(bank.name)
        .update(before + digest, "hex")
        .digest("hex"),
    });
    steps.set(pcr, done);
  }
  return steps;
}

function initial({ size }: Bank, pcr: number, locality: number): string {
  if (isDynamic(pcr)) return "ff".repeat(size);
  return (pcr === 0 ? locality : 0).toString(16).padStart(size * 2, "0");
}

/** A register that isn't what the log leads to. */
export interface Difference {
  readonly bank: string;
  readonly pcr: number;
  /** Lower-case hex. */
  readonly expected: string;
  readonly actual: string;
  /** The last event after which the register had the actual value; null where no event of the log leads there. */
  readonly after: number | null;
}

/**
 * Compares a replayed bank with a TPM's registers.
 * @param values register → value in lower-case hex; registers that the log doesn't extend are not looked at
 */
export function differences(replayed: Replayed, bank: Bank, values: ReadonlyMap<number, string>): Difference[] {
  const found: Difference[] = [];
  for (const [pcr, steps] of [...replayed].sort(([one], [other]) => one - other)) {
    const actual = values.get(pcr);
    const expected = steps.at(-1)!.value;
    if (actual === undefined || actual === expected) continue;
    const after = steps.findLast(({ value }) => value === actual)?.after ?? null;
    found.push({ bank: bank.name, pcr, expected, actual, after });
  }
  return found;
}

/**
 * Registers that something has extended, and no event of the log has: what stands there, the log says nothing of.
 * @param values register → value in lower-case hex
 */
export function uncovered(replayed: Replayed, values: ReadonlyMap<number, string>): readonly number[] {
  // A register begins as zeros, one for a dynamic root of trust as ones (TCG PC Client Platform TPM Profile, 4.6).
  const hasBegun = (value: string): boolean => /[^0]/.test(value) && /[^f]/.test(value);
  return [...values].flatMap(([pcr, value]) => (!replayed.has(pcr) && hasBegun(value) ? [pcr] : []));
}

class Cursor {
  readonly #bytes: Buffer;
  offset = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get left(): number {
    return this.#bytes.length - this.offset;
  }

  get atEnd(): boolean {
    return this.left === 0;
  }

  u16(): number {
    return this.take(2, "a number").readUInt16LE(0);
  }

  u32(): number {
    return this.take(4, "a number").readUInt32LE(0);
  }

  take(size: number, what: string): Buffer {
    if (size > this.left) throw new BatonError("bad-format", `${what} has ${size} bytes, and ${this.left} are left`);
    this.offset += size;
    return this.#bytes.subarray(this.offset - size, this.offset);
  }
}
