/** `baton keys`: the owner's keys for Secure Boot, made, extended and given to firmware; and the key of `baton sign`. */

import { execFileSync } from "node:child_process";
import { createHash, generateKeyPairSync, X509Certificate } from "node:crypto";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { authenticodeDigest, signerCertificates } from "../binary/authenticode.ts";
import {
  certificateList,
  contentOf,
  digestList,
  type SignatureVariable,
  signedPart,
  signedValue,
} from "../binary/efisignatures.ts";
import { readAtOfBytes } from "../binary/readat.ts";
import { BatonError, describeError } from "../errors.ts";
import { readVariable, withVariableWrites, writeSignedVariable } from "../state/efivars.ts";
import { GLOBAL_GUID, SECURITY_GUID } from "../state/guids.ts";
import { printable } from "../text.ts";
import { publicText } from "../trust/manifest.ts";
import { fileError } from "../volumes/files.ts";
import { KEYS_OPTIONS } from "./shared/manual.ts";
import { readArgs } from "./shared/options.ts";

/** What firmware knows each by, whose key signs its changes, and what its certificate is called. */
const VARIABLES = {
  PK: { name: "PK", guid: GLOBAL_GUID, by: "PK", title: "platform key" },
  KEK: { name: "KEK", guid: GLOBAL_GUID, by: "PK", title: "key exchange key" },
  db: { name: "db", guid: SECURITY_GUID, by: "KEK", title: "signing key" },
  dbx: { name: "dbx", guid: SECURITY_GUID, by: "KEK", title: null },
} as const satisfies Readonly<Record<string, SignatureVariable & { by: string; title: string | null }>>;

type Name = keyof typeof VARIABLES;
const KEYS = ["PK", "KEK", "db"] as const;
/** With the platform's key firmware leaves Setup Mode: it comes last. */
const ENROLLED: readonly Name[] = ["db", "dbx", "KEK", "PK"];
const OWNER_KEY = "owner.pem";
/** Of an EFI program or a certificate that is named. Bytes. */
const MAX_PROGRAM = 1 << 30;

const say = (line: string): void => {
  process.stdout.write(`${printable(line)}\n`);
};

/** @returns the exit code */
export async function keys(args: string[]): Promise<number> {
  const { values, positionals } = readArgs({ args, allowPositionals: true, options: KEYS_OPTIONS });
  const [folder] = positionals;
  if (folder === undefined || positionals.length > 1) throw new BatonError("usage", "name one DIR, the keys' folder");
  const [added, revoked] = [values.add ?? [], values.revoke ?? []];
  const isChange = added.length + revoked.length > 0;
  if ((isChange || values.enrol) && (values.name !== undefined || values.days !== undefined)) {
    throw new BatonError("usage", "--name and --days are for new keys");
  }
  if (isChange) await extend(folder, added, revoked);
  if (values.enrol) await enrol(folder);
  if (!isChange && !values.enrol) make(folder, nameOf(values.name), daysOf(values.days));
  return 0;
}

function nameOf(name = "Baton"): string {
  if (/^[\p{L}\p{N}][\p{L}\p{N} ._-]{0,39}$/u.test(name)) return name;
  throw new BatonError("usage", `--name ${name}: letters, digits, blanks, dots and dashes, 40 at most`);
}

function daysOf(days = "3650"): string {
  if (/^[1-9]\d{0,4}$/.test(days)) return days;
  throw new BatonError("usage", `--days ${days} is no number of days from 1 to 99999`);
}

/** All keys and what is made of them; the folder is there whole, or not at all. */
function make(folder: string, name: string, days: string): void {
  if (existsSync(folder) && readdirSync(folder).length > 0) {
    throw new BatonError("refused", `${folder} has files already: keys are never overwritten`);
  }
  const work = `${folder.replace(/\/+$/, "")}.new`;
  if (existsSync(work))
    throw new BatonError("refused", `${work} is there, of an attempt that broke off: remove it first`);
  mkdirSync(work, { recursive: true, mode: 0o700 });
  try {
    for (const key of KEYS) {
      const [file, certificate] = [join(work, `${key}.key`), join(work, `${key}.crt`)];
      const subject = ["-utf8", "-subj", `/CN=${name} ${VARIABLES[key].title}`, "-days", days];
      const words = ["-x509", "-newkey", "rsa:2048", "-sha256", "-noenc", "-keyout", file, "-out", certificate];
      openssl(["req", ...words, ...subject]);
      chmodSync(file, 0o600);
      const { raw } = new X509Certificate(readFileSync(certificate));
      writeFileSync(join(work, `${key}.cer`), raw);
      writeFileSync(join(work, `${key}.esl`), certificateList(ownerOf(work), raw));
    }
    for (const key of KEYS) signList(work, key);
    const owner = generateKeyPairSync("ed25519").privateKey;
    writeFileSync(join(work, OWNER_KEY), owner.export({ type: "pkcs8", format: "pem" }), { mode: 0o600 });
    if (existsSync(folder)) rmSync(folder, { recursive: true });
    renameSync(work, folder);
    say(
      `${folder}: PK, KEK and db for Secure Boot, and ${OWNER_KEY} for baton sign; keep the folder safe, and a copy of it.`,
    );
    say(`trustkeys: ["${publicText(owner)}"]`);
    say(`Sign an image:         npm run image -- --sign ${folder}/db.key --cert ${folder}/db.crt`);
    say(
      `Give them to firmware: baton keys --enrol ${folder}, on the machine, in Setup Mode; or its setup takes the .auth or .cer files`,
    );
  } catch (error) {
    rmSync(work, { recursive: true, force: true });
    throw error;
  }
}

/** Who put an entry into a list: a GUID that stands for the platform's certificate (UEFI 2.10, 32.4.1, SignatureOwner). */
function ownerOf(folder: string): string {
  const digest = createHash("sha256")
    .update(readFileSync(join(folder, "PK.crt")))
    .digest("hex");
  return digest.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12}).*/, "$1-$2-$3-$4-$5");
}

/** `NAME.auth` of `NAME.esl`, signed now. */
function signList(folder: string, name: Name): void {
  const variable = VARIABLES[name];
  const list = read(join(folder, `${name}.esl`));
  const date = new Date();
  const by = (kind: string): string => join(folder, `${variable.by}.${kind}`);
  const words = ["-binary", "-noattr", "-md", "sha256", "-outform", "DER", "-signer", by("crt"), "-inkey", by("key")];
  const signature = openssl(["smime", "-sign", ...words], signedPart(variable, date, list));
  writeFileSync(join(folder, `${name}.auth`), signedValue(date, signature, list));
}

async function extend(folder: string, added: readonly string[], revoked: readonly string[]): Promise<void> {
  if (!existsSync(join(folder, "KEK.key"))) {
    throw new BatonError("not-found", `${folder} has no KEK.key, which signs changes: baton keys ${folder} makes keys`);
  }
  const owner = ownerOf(folder);
  const certificates: Buffer[] = [];
  for (const file of added) {
    const bytes = read(file);
    const certificate = asCertificate(bytes) ?? (await signerOf(bytes));
    if (certificate === null) {
      throw new BatonError(
        "bad-format",
        `${file} is neither an X.509 certificate nor an EFI program that somebody has signed`,
      );
    }
    say(
      `${file}: ${certificate.subject.replaceAll("\n", ", ")}, sha256 ${certificate.fingerprint256}, may start programs`,
    );
    certificates.push(certificateList(owner, certificate.raw));
  }
  const refusals: Buffer[] = [];
  for (const file of revoked) {
    const bytes = read(file);
    const certificate = asCertificate(bytes);
    if (certificate !== null) {
      refusals.push(certificateList(owner, certificate.raw));
      continue;
    }
    try {
      refusals.push(digestList(owner, await authenticodeDigest(readAtOfBytes(bytes), bytes.length)));
    } catch (error) {
      throw new BatonError("bad-format", `${file} is no certificate, and ${describeError(error)}`, { cause: error });
    }
  }
  for (const [name, lists] of [
    ["db", certificates],
    ["dbx", refusals],
  ] as const) {
    if (lists.length === 0) continue;
    const file = join(folder, `${name}.esl`);
    let list = existsSync(file) ? read(file) : Buffer.alloc(0);
    for (const one of lists) if (!list.includes(one)) list = Buffer.concat([list, one]);
    writeFileSync(file, list);
    signList(folder, name);
    say(`${join(folder, `${name}.auth`)}: written; baton keys --enrol ${folder} gives it to a machine`);
  }
}

function asCertificate(bytes: Buffer): X509Certificate | null {
  try {
    return new X509Certificate(bytes);
  } catch {
    return null;
  }
}

/** Whose key has signed an EFI program: of the certificates in its signature the one that is no other's issuer. */
async function signerOf(program: Buffer): Promise<X509Certificate | null> {
  const all = (await signerCertificates(readAtOfBytes(program), program.length)).map((der) => new X509Certificate(der));
  return all.find((one) => !all.some((other) => other !== one && other.checkIssued(one))) ?? null;
}

async function enrol(folder: string): Promise<void> {
  const setupMode = readVariable(`SetupMode-${GLOBAL_GUID}`)?.[0];
  if (setupMode === undefined) {
    throw new BatonError(
      "unsupported",
      "this machine shows no Secure Boot: it did not start by UEFI, or its firmware has none",
    );
  }
  const names = ENROLLED.filter((name) => (setupMode === 1 ? true : VARIABLES[name].by === "KEK"));
  const values = names.flatMap((name) => {
    const file = join(folder, `${name}.auth`);
    return name === "dbx" && !existsSync(file) ? [] : [{ name, value: read(file) }];
  });
  await withVariableWrites(() => {
    for (const { name, value } of values) {
      const variable = `${name}-${VARIABLES[name].guid}`;
      // Firmware takes nothing twice that isn't newer.
      if (setupMode !== 1 && readVariable(variable)?.equals(contentOf(value))) {
        say(`${name}: as the firmware has it`);
        continue;
      }
      try {
        writeSignedVariable(variable, value);
      } catch (error) {
        const why =
          setupMode === 1
            ? ""
            : "; it is not in Setup Mode, so that it takes only what its own key exchange key has signed, and nothing older than what it has";
        throw new BatonError("refused", `${describeError(error)}${why}`, { cause: error });
      }
      say(`${name}: taken by the firmware`);
    }
  });
  say(setupMode === 1 ? "Secure Boot is on from the next start." : "It holds from the next start.");
}

function read(file: string): Buffer {
  try {
    const bytes = readFileSync(file);
    if (bytes.length > MAX_PROGRAM) throw new BatonError("too-large", `${file} is larger than 1 GiB`);
    return bytes;
  } catch (error) {
    throw error instanceof BatonError ? error : fileError(file, error);
  }
}

/** @returns its standard output */
function openssl(args: readonly string[], input: Uint8Array = new Uint8Array()): Buffer {
  try {
    return execFileSync("openssl", args, { input, stdio: ["pipe", "pipe", "pipe"], timeout: 60_000 });
  } catch (error) {
    const { code, stderr } = error as NodeJS.ErrnoException & { stderr?: Buffer };
    const last = stderr?.toString().trim().split("\n").at(-1);
    const why = code === "ENOENT" ? "it is not installed (apt install openssl)" : last || describeError(error);
    throw new BatonError("io", `openssl ${args[0]}: ${why}`, { cause: error });
  }
}
