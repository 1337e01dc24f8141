/**
 * Hashes of passwords as bootloaders keep them: crypt(3)'s MD5 (`$1$`), SHA-256 (`$5$`) and SHA-512 (`$6$`; Ulrich Drepper,
 * "Unix crypt using SHA-256 and SHA-512"), and SYSLINUX's own SHA-1 (`$4$`, utils/sha1pass). Pure.
 */

import { createHash, timingSafeEqual } from "node:crypto";

/** A second or two on a PC; crypt(3) itself makes 5,000 unless told otherwise. */
const MAX_ROUNDS = 200_000;
const MIN_ROUNDS = 1000;
const DEFAULT_ROUNDS = 5000;
/** Rounds without a pause. */
const AT_ONCE = 500;

const FORM =
  /^\$(?:(1)\$([^$]{0,8})|(4)\$([^$]{0,64})|([56])\$(?:rounds=([1-9]\d{0,8})\$)?([^$]{0,16}))\$([A-Za-z0-9./+]+)[$=]*$/;
/** Characters of the hash itself. */
const LENGTHS: Readonly<Record<string, number>> = { 1: 22, 4: 27, 5: 43, 6: 86 };

interface Hash {
  readonly kind: "1" | "4" | "5" | "6";
  readonly salt: string;
  readonly rounds: number;
  readonly hash: string;
}

/** @returns what it asks for, or why no password can be compared with it */
export function readCryptHash(text: string): Hash | string {
  const [, one, saltOne, four, saltFour, sha, rounds, saltSha, hash = ""] = FORM.exec(text) ?? [];
  const kind = (one ?? four ?? sha) as Hash["kind"] | undefined;
  if (kind === undefined || hash.length !== LENGTHS[kind]) return "its hash is none of the forms $1$, $4$, $5$ and $6$";
  const asked = rounds === undefined ? DEFAULT_ROUNDS : Math.max(MIN_ROUNDS, Number(rounds));
  if (asked > MAX_ROUNDS) return `its hash asks for ${asked} rounds, and Baton computes ${MAX_ROUNDS} at most`;
  return { kind, salt: saltOne ?? saltFour ?? saltSha ?? "", rounds: asked, hash };
}

/** Whether a password has that hash; never, where it can't be read. */
export async function isCryptOf(text: string, typed: string): Promise<boolean> {
  const known = readCryptHash(text);
  if (typeof known === "string") return false;
  const { kind, salt, rounds, hash } = known;
  const password = Buffer.from(typed, "utf8");
  const found =
    kind === "4"
      ? createHash("sha1").update(salt).update(password).digest("base64").replace(/=+$/, "")
      : kind === "1"
        ? await md5Crypt(password, Buffer.from(salt, "utf8"))
        : await shaCrypt(kind === "5" ? SHA256 : SHA512, password, Buffer.from(salt, "utf8"), rounds);
  return found.length === hash.length && timingSafeEqual(Buffer.from(found), Buffer.from(hash));
}

const digest = (algorithm: string, ...parts: readonly Uint8Array[]): Buffer => {
  const hash = createHash(algorithm);
  for (const part of parts) hash.update(part);
  return hash.digest();
};

/** The bytes again and again, until there are so many. */
const repeated = (bytes: Buffer, length: number): Buffer => Buffer.alloc(length, bytes);

/** What all three do, over and over: which parts go into a round depends on its number. */
async function stretched(
  algorithm: string,
  { first, password, salt, rounds }: { first: Buffer; password: Buffer; salt: Buffer; rounds: number },
): Promise<Buffer> {
  let last = first;
  for (let round = 0; round < rounds; round++) {
    const isOdd = round % 2 === 1;
    const parts = [isOdd ? password : last];
    if (round % 3 !== 0) parts.push(salt);
    if (round % 7 !== 0) parts.push(password);
    parts.push(isOdd ? last : password);
    last = digest(algorithm, ...parts);
    if (round % AT_ONCE === AT_ONCE - 1) await new Promise(setImmediate);
  }
  return last;
}

async function md5Crypt(password: Buffer, salt: Buffer): Promise<string> {
  const inner = digest("md5", password, salt, password);
  const parts = [password, Buffer.from("$1$"), salt, repeated(inner, password.length)];
  for (let bits = password.length; bits > 0; bits >>= 1) {
    parts.push(bits % 2 === 1 ? Buffer.alloc(1) : password.subarray(0, 1));
  }
  const final = await stretched("md5", { first: digest("md5", ...parts), password, salt, rounds: 1000 });
  let text = "";
  for (let at = 0; at < 5; at++) text += encode(final[at]!, final[at + 6]!, final[at === 4 ? 5 : at + 12]!, 4);
  return text + encode(0, 0, final[11]!, 2);
}

/** A SHA's name, its bytes, and how the places of three bytes follow from those before. */
interface Sha {
  readonly name: string;
  readonly bytes: number;
  readonly next: (places: readonly [number, number, number]) => readonly [number, number, number];
}
const SHA256: Sha = { name: "sha256", bytes: 32, next: ([a, b, c]) => [c + 1, a + 1, b + 1] };
const SHA512: Sha = { name: "sha512", bytes: 64, next: ([a, b, c]) => [b + 1, c + 1, a + 1] };

async function shaCrypt({ name, bytes, next }: Sha, password: Buffer, salt: Buffer, rounds: number): Promise<string> {
  const inner = digest(name, password, salt, password);
  const parts = [password, salt, repeated(inner, password.length)];
  for (let bits = password.length; bits > 0; bits >>= 1) parts.push(bits % 2 === 1 ? inner : password);
  const first = digest(name, ...parts);
  const ofPassword = digest(name, ...Array<Buffer>(password.length).fill(password));
  const ofSalt = digest(name, ...Array<Buffer>(16 + first[0]!).fill(salt));
  const final = await stretched(name, {
    ...{ first, rounds },
    password: repeated(ofPassword, password.length),
    salt: repeated(ofSalt, salt.length),
  });
  let text = "";
  const third = Math.floor(bytes / 3);
  let places: readonly [number, number, number] = [0, third, 2 * third];
  for (let count = 0; count < third; count++, places = next(places)) {
    text += encode(final[places[0]]!, final[places[1]]!, final[places[2]]!, 4);
  }
  return text + (bytes === 32 ? encode(0, final[31]!, final[30]!, 3) : encode(0, 0, final[63]!, 2));
}

const DIGITS = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/** Three bytes as so many digits of six bits, the lowest first. */
function encode(high: number, middle: number, low: number, digits: number): string {
  let value = (high << 16) | (middle << 8) | low;
  let text = "";
  for (let at = 0; at < digits; at++, value >>= 6) text += DIGITS[value & 63];
  return text;
}
