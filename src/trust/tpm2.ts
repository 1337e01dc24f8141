/**
 * The commands of a TPM 2.0 that Baton gives, as bytes (TCG Trusted Platform Module Library, part 3). Pure: how the bytes
 * come to a TPM is the caller's. Answers are not trusted: each length is checked.
 */

import { Buffer } from "node:buffer";
import { BatonError } from "../errors.ts";
import { BANKS, type Bank } from "./eventlog.ts";

/** Gives a TPM one command, and resolves to its whole answer. */
export type Exchange = (command: Uint8Array) => Promise<Uint8Array>;

const NO_SESSIONS = 0x8001;
const GET_CAPABILITY = 0x17a;
const PCR_READ = 0x17e;
const CAP_PCRS = 5;
/** tag, size, code. Bytes. */
const HEADER_SIZE = 10;
const SELECT_SIZE = 3;
const PCR_COUNT = 24;
const MAX_BANKS = 16;
/** TPML_DIGEST has room for no more (part 2, section 10.9.8). */
const MAX_DIGESTS = 8;

/**
 * The banks of registers that this TPM keeps (TPM2_GetCapability, section 30.2), without kinds that Baton doesn't know.
 * @throws BatonError `io` for an error of the TPM, `bad-format` for an answer that is none
 */
export async function activeBanks(exchange: Exchange): Promise<Bank[]> {
  const answer = await call(exchange, GET_CAPABILITY, [u32(CAP_PCRS), u32(0), u32(1)], "TPM2_GetCapability");
  // moreData and the capability that was asked for.
  answer.take(5);
  const found = selections(answer);
  return BANKS.filter(({ id }) => found.some((one) => one.id === id && one.pcrs.length > 0));
}

/**
 * A bank's registers (TPM2_PCR_Read, section 22.4): number → value in lower-case hex, without those that the TPM lacks.
 * @throws BatonError as {@link activeBanks}
 */
export async function readPcrs(exchange: Exchange, bank: Bank): Promise<Map<number, string>> {
  const values = new Map<number, string>();
  for (let from = 0; from < PCR_COUNT; from += MAX_DIGESTS) {
    const select = Buffer.alloc(SELECT_SIZE);
    select[from / MAX_DIGESTS] = 0xff;
    const parts = [u32(1), u16(bank.id), Buffer.of(SELECT_SIZE), select];
    const answer = await call(exchange, PCR_READ, parts, "TPM2_PCR_Read");
    // pcrUpdateCounter.
    answer.take(4);
    const pcrs = selections(answer).find(({ id }) => id === bank.id)?.pcrs ?? [];
    const count = answer.u32();
    if (count !== pcrs.length) throw malformed("TPM2_PCR_Read", `${count} digests for ${pcrs.length} registers`);
    for (const pcr of pcrs) {
      const size = answer.u16();
      if (size !== bank.size) throw malformed("TPM2_PCR_Read", `a ${bank.name} digest of ${size} bytes`);
      values.set(pcr, answer.take(size).toString("hex"));
    }
  }
  return values;
}

/** TPML_PCR_SELECTION (part 2, section 10.9.7). */
function selections(answer: Answer): { readonly id: number; readonly pcrs: readonly number[] }[] {
  const count = answer.u32();
  if (count > MAX_BANKS) throw malformed("the TPM", `${count} banks`);
  return Array.from({ length: count }, () => {
    const id = answer.u16();
    const bits = answer.take(answer.take(1)[0]!);
    const pcrs = [...Array(Math.min(PCR_COUNT, bits.length * 8)).keys()];
    return { id, pcrs: pcrs.filter((pcr) => bits[pcr >> 3]! & (1 << (pcr & 7))) };
  });
}

async function call(exchange: Exchange, code: number, parts: readonly Buffer[], name: string): Promise<Answer> {
  const body = Buffer.concat(parts);
  const bytes = await exchange(Buffer.concat([u16(NO_SESSIONS), u32(HEADER_SIZE + body.length), u32(code), body]));
  const answer = new Answer(Buffer.from(bytes), name);
  answer.take(2);
  const size = answer.u32();
  if (size !== bytes.length) throw malformed(name, `${bytes.length} bytes that say they are ${size}`);
  const result = answer.u32();
  if (result !== 0) {
    throw new BatonError("io", `${name}: the TPM answers with error 0x${result.toString(16)}`);
  }
  return answer;
}

const malformed = (name: string, what: string): BatonError =>
  new BatonError("bad-format", `${name}: the TPM's answer makes no sense: ${what}`);

function u16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value);
  return bytes;
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

class Answer {
  readonly #bytes: Buffer;
  readonly #name: string;
  #offset = 0;

  constructor(bytes: Buffer, name: string) {
    this.#bytes = bytes;
    this.#name = name;
  }

  u16(): number {
    return this.take(2).readUInt16BE(0);
  }

  u32(): number {
    return this.take(4).readUInt32BE(0);
  }

  take(size: number): Buffer {
    const end = this.#offset + size;
    if (end > this.#bytes.length) throw malformed(this.#name, `it ends after ${this.#bytes.length} bytes`);
    const taken = this.#bytes.subarray(this.#offset, end);
    this.#offset = end;
    return taken;
  }
}
