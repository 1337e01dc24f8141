/**
 * Manifests: what `baton sign` has written about the entries of a disk, and whether an entry is one of them. Pure.
 *
 * A manifest is JSON, `{"baton-manifest": 1, "version": N, "entries": [...]}`; beside it lies a file of signatures, a
 * line each: an Ed25519 public key and its signature of the manifest's bytes (RFC 8032), both in base64.
 */

import { createPublicKey, type KeyObject, sign, verify } from "node:crypto";
import { BatonError } from "../errors.ts";
import type { Verdict } from "./gate.ts";
import type { TrustPolicy } from "./policy.ts";

/** In the folder of the kernel, or in one above it. */
export const MANIFEST = "baton.manifest";
export const SIGNATURES = "baton.manifest.sig";
/** A thousand entries with long command lines have less. Bytes. */
export const MAX_MANIFEST_SIZE = 4 << 20;
export const MAX_SIGNATURES_SIZE = 64 << 10;
const MAX_ENTRIES = 10_000;
const MAX_SIGNATURES = 100;

export type FileRole = "kernel" | "initrd" | "addon" | "devicetree" | "overlay" | "module";

export interface SignedFile {
  readonly role: FileRole;
  /** Lower-case hexadecimal. */
  readonly sha256: string;
  /** For people: where it was when it was signed. */
  readonly path: string;
  /** Where an initrd that isn't unpacked is put; a module's arguments. */
  readonly as?: string;
}

/** All that decides what an entry boots: its files in the order in which they are loaded, and its words. */
export interface SignedEntry {
  /** For people. */
  readonly title: string;
  readonly kind: string;
  readonly options: string;
  /** Which part of a unified kernel image or a FIT image. */
  readonly part?: string;
  readonly files: readonly SignedFile[];
}

export interface Manifest {
  readonly version: number;
  readonly entries: readonly SignedEntry[];
}

/** Ends with a newline. */
export function manifestText({ version, entries }: Manifest): string {
  return `${JSON.stringify({ "baton-manifest": 1, version, entries }, null, 1)}\n`;
}

/** The line of a signature file. @param key an Ed25519 private key */
export function signatureLine(text: string, key: KeyObject): string {
  return `${publicText(key)} ${sign(null, Buffer.from(text), key).toString("base64")}`;
}

/** An Ed25519 key's public half, 32 bytes in base64. @throws BatonError `usage` for another kind of key */
export function publicText(key: KeyObject): string {
  if (key.asymmetricKeyType !== "ed25519") {
    throw new BatonError("usage", "it is no Ed25519 key; openssl genpkey -algorithm ed25519 makes one");
  }
  const { x } = (key.type === "private" ? createPublicKey(key) : key).export({ format: "jwk" });
  return Buffer.from(x!, "base64url").toString("base64");
}

const publicKey = (text: string): KeyObject =>
  createPublicKey({
    key: { kty: "OKP", crv: "Ed25519", x: Buffer.from(text, "base64").toString("base64url") },
    format: "jwk",
  });

/** @throws BatonError `bad-format` */
export function parseManifest(text: string): Manifest {
  const bad = (what: string): BatonError => new BatonError("bad-format", `the manifest is none of Baton's: ${what}`);
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw bad("it is no JSON");
  }
  const { "baton-manifest": format, version, entries } = (json ?? {}) as Record<string, unknown>;
  if (format !== 1) throw bad("its format isn't 1");
  if (!Number.isSafeInteger(version) || (version as number) < 0) throw bad("its version is no whole number");
  if (!Array.isArray(entries) || entries.length > MAX_ENTRIES) throw bad("its entries are no list, or too many");
  if (!entries.every(isEntry)) throw bad("an entry lacks its kind, options or files");
  return { version: version as number, entries };
}

function isEntry(entry: unknown): entry is SignedEntry {
  const { title, kind, options, part, files } = (entry ?? {}) as Record<string, unknown>;
  const isText = (value: unknown): boolean => typeof value === "string";
  if (![title, kind, options].every(isText) || !(part === undefined || isText(part))) return false;
  return Array.isArray(files) && files.length > 0 && files.every(isFile);
}

function isFile(file: unknown): boolean {
  const { role, sha256, path, as } = (file ?? {}) as Record<string, unknown>;
  return [role, sha256, path].every((one) => typeof one === "string") && (as === undefined || typeof as === "string");
}

/** What was found for an entry: the manifest's text, and that of its signatures, null where there are none. */
export interface Proof {
  /** For messages. */
  readonly name: string;
  readonly manifest: string;
  readonly signatures: string | null;
}

/**
 * @param entry as it would boot: its files' digests, and its command line, perhaps edited
 * @param proofs the nearest to the kernel first
 */
export function judge(policy: TrustPolicy, entry: SignedEntry, proofs: readonly Proof[]): Verdict {
  if (policy.problem !== null) return { state: "bad", by: null, reason: policy.problem };
  const none = {
    state: "unsigned",
    by: null,
    reason: `there is no ${MANIFEST} beside its kernel or above it`,
  } as const;
  let first: Verdict | null = null;
  for (const proof of proofs) {
    const verdict = judgeBy(policy, entry, proof);
    if (verdict.state === "verified") return verdict;
    first ??= verdict;
  }
  return first ?? none;
}

function judgeBy(policy: TrustPolicy, entry: SignedEntry, { name, manifest: text, signatures }: Proof): Verdict {
  const bad = (reason: string): Verdict => ({ state: "bad", by: null, reason: `${name}: ${reason}` });
  if (signatures === null) return bad(`there is no ${SIGNATURES} beside it`);
  // Nothing of it is believed before its signatures hold.
  const signers = signersOf(policy, text, signatures);
  if (signers.length < policy.threshold) {
    const have = signers.length === 0 ? "no key of this machine's" : `only ${signers.join(", ")}`;
    return bad(`${have} has signed it; ${policy.threshold} of ${policy.keys.length} must`);
  }
  let manifest: Manifest;
  try {
    manifest = parseManifest(text);
  } catch (error) {
    return bad((error as Error).message);
  }
  if (manifest.version < policy.leastVersion) {
    return bad(`its version ${manifest.version} is older than ${policy.leastVersion}, the least that counts`);
  }
  const wanted = essence(entry);
  if (manifest.entries.some((one) => essence(one) === wanted)) {
    return { state: "verified", by: signers.join(", "), reason: null };
  }
  return bad(difference(entry, manifest));
}

/** The names of the policy's keys that have signed it. */
function signersOf({ keys }: TrustPolicy, text: string, signatures: string): string[] {
  const lines = signatures.split("\n", MAX_SIGNATURES).map((line) => line.trim().split(/\s+/));
  const bytes = Buffer.from(text);
  return keys
    .filter((key) =>
      lines.some(([by, signature = ""]) => {
        if (by !== key.text) return false;
        return verify(null, bytes, publicKey(key.text), Buffer.from(signature, "base64"));
      }),
    )
    .map(({ name }) => name);
}

/** What must be equal. Where a file lies and what people call the entry decides nothing. */
function essence({ kind, options, part = "", files }: SignedEntry): string {
  return JSON.stringify([kind, options, part, files.map(({ role, sha256, as = "" }) => [role, sha256, as])]);
}

/** Why no entry of a manifest is this one, by the one that is most like it. */
function difference(entry: SignedEntry, { entries }: Manifest): string {
  const key = ({ role, as = "" }: SignedFile): string => `${role}\0${as}`;
  const digests = ({ files }: SignedEntry): string => JSON.stringify(files.map((file) => [key(file), file.sha256]));
  const alike = entries.filter((one) => digests(one) === digests(entry));
  if (alike.some(({ options }) => options === entry.options)) return "its files are signed for another kind of entry";
  if (alike.length > 0) return `its command line is not one that is signed: ${entry.options}`;
  const known = new Set(entries.flatMap(({ files }) => files.map(({ sha256 }) => sha256)));
  const changed = entry.files.find(({ sha256 }) => !known.has(sha256));
  if (changed === undefined) return "its files are signed, but not to be booted together";
  const listed = entries.some(({ files }) => files.some(({ path }) => path === changed.path));
  return `${changed.path} ${listed ? "is not what was signed: it was changed since" : "is not among what was signed"}`;
}
