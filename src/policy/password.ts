/**
 * The password of the configuration: a scrypt hash (RFC 7914) in the PHC string format, never the password itself.
 * Pure.
 */

import { randomBytes, scrypt, timingSafeEqual } from "node:crypto";
import { PASSWORD_FORM } from "./settingkinds.ts";

/** 2^15, as OWASP's list has it: 32 MiB and a fraction of a second on a PC. */
const LOG2_COST = 15;
const BLOCK = 8;
const KEY_BYTES = 32;
/** A configuration must not be able to use up the memory: 2^20 with r=8 is 1 GiB. */
const MAX_MEMORY = 1024 * 1024 * 1024;

/** `$scrypt$ln=15,r=8,p=1$SALT$HASH`, with base64 without padding. */
export async function hashPassword(password: string, cost = LOG2_COST): Promise<string> {
  const salt = randomBytes(16);
  const hash = await derive(password, salt, { cost, block: BLOCK, parallel: 1, length: KEY_BYTES });
  return `$scrypt$ln=${cost},r=${BLOCK},p=1$${encode(salt)}$${encode(hash)}`;
}

/** False also where the hash itself can't be used. */
export async function verifyPassword(password: string, hash: string): Promise<boolean> {
  const [, cost, block, parallel, salt = "", wanted = ""] = PASSWORD_FORM.exec(hash) ?? [];
  if (cost === undefined) return false;
  const expected = Buffer.from(wanted, "base64");
  if (expected.length < 16) return false;
  try {
    const found = await derive(password, Buffer.from(salt, "base64"), {
      cost: Number(cost),
      block: Number(block),
      parallel: Number(parallel),
      length: expected.length,
    });
    return timingSafeEqual(found, expected);
  } catch {
    return false;
  }
}

interface Parameters {
  /** As a power of two. */
  readonly cost: number;
  readonly block: number;
  readonly parallel: number;
  /** Bytes. */
  readonly length: number;
}

function derive(password: string, salt: Uint8Array, { cost, block, parallel, length }: Parameters): Promise<Buffer> {
  const maxmem = 128 * block * (2 ** cost + parallel + 2);
  if (maxmem > MAX_MEMORY) return Promise.reject(new Error("the password's hash asks for too much memory"));
  return new Promise((resolve, reject) => {
    // As typed on any keyboard: the same letters in whatever way they are composed.
    scrypt(password.normalize("NFKC"), salt, length, { N: 2 ** cost, r: block, p: parallel, maxmem }, (error, key) =>
      error === null ? resolve(key) : reject(error),
    );
  });
}

const encode = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64").replace(/=+$/, "");

/**
 * How long nobody may try again after so many wrong passwords in a row, in milliseconds: nothing for the first two,
 * then 2, 4, 8 … seconds, five minutes at most.
 */
export function lockoutMs(wrong: number): number {
  return wrong < 3 ? 0 : Math.min(300_000, 1000 * 2 ** (wrong - 2));
}
