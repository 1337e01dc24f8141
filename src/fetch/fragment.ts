/**
 * What may stand behind `#` in a URL of a file: what the file must be, and where else it is. A word that isn't known is
 * an error: a digest with a slip of the pen must not become no digest.
 */

import { createHash } from "node:crypto";
import { shownAddress } from "../entry.ts";
import { BatonError } from "../errors.ts";
import { FORM_KEYS } from "./form.ts";
import { localRefusal } from "./localfiles.ts";
import { parseFetchUrl } from "./transports.ts";
import { decoded, shownUrl } from "./url.ts";

const ALGORITHMS = { sha256: 64, sha384: 96, sha512: 128 } as const;
export type Algorithm = keyof typeof ALGORITHMS;

export interface Digest {
  readonly algorithm: Algorithm;
  /** Lower-case hexadecimal. */
  readonly value: string;
}

interface Fragment {
  /** All of them must fit. */
  readonly digests: readonly Digest[];
  /** Other URLs of the same file, in the order in which they are tried. */
  readonly mirrors: readonly string[];
}

const NOTHING: Fragment = { digests: [], mirrors: [] };

/**
 * `#sha256=HEX` (also sha384 and sha512) and `#mirror=URL` (as often as there are mirrors; percent-encoded where the URL
 * has `&` or `#` in it), joined by `&`; and what form.ts reads.
 * @throws BatonError `usage` for anything else, `refused` for a mirror that may not be named
 */
export function fragmentOf(url: URL): Fragment {
  if (url.hash === "") return NOTHING;
  const name = shownUrl(url);
  const digests: Digest[] = [];
  const mirrors: string[] = [];
  for (const part of url.hash.slice(1).split("&").filter(Boolean)) {
    const [, word = "", value = ""] = /^([^=]*)=?(.*)$/s.exec(part)!;
    const key = word.toLowerCase();
    if (key === "mirror") mirrors.push(mirrorOf(url, value));
    else if (FORM_KEYS.includes(key)) continue;
    else if (Object.hasOwn(ALGORITHMS, key)) digests.push(digestOf(name, key as Algorithm, value));
    else {
      throw new BatonError(
        "usage",
        `${name}: '#${part}' says nothing that Baton knows. Behind # stand sha256=, sha384= or sha512= with a digest, ` +
          "or mirror= with a URL",
      );
    }
  }
  return { digests, mirrors };
}

function digestOf(name: string, algorithm: Algorithm, value: string): Digest {
  const digits = ALGORITHMS[algorithm];
  if (value.length === digits && /^[0-9a-f]+$/i.test(value)) return { algorithm, value: value.toLowerCase() };
  const title = titleOf(algorithm);
  throw new BatonError(
    "usage",
    `${name}: #${algorithm}=${value} is no ${title}, which has ${digits} hexadecimal digits`,
  );
}

function mirrorOf(url: URL, value: string): string {
  const text = decoded(value);
  if (!URL.canParse(text, url.href))
    throw new BatonError("usage", `${shownUrl(url)}: #mirror=${shownAddress(value)} is no URL`);
  const mirror = parseFetchUrl(new URL(text, url).href);
  const refusal = localRefusal(mirror, url.href);
  if (refusal !== null) throw new BatonError("refused", `${shownUrl(mirror)}: ${refusal}`);
  return mirror.href;
}

/** `SHA-256` */
export const titleOf = (algorithm: Algorithm): string => algorithm.toUpperCase().replace("SHA", "SHA-");

/** A URL, and after it each of its mirrors with the same digests behind it. @throws as {@link fragmentOf} */
export function withMirrors(text: string): string[] {
  if (!/#(.*&)?mirror=/i.test(text)) return [text];
  const url = parseFetchUrl(text);
  const rest = url.hash
    .slice(1)
    .split("&")
    .filter((part) => !/^mirror=/i.test(part))
    .join("&");
  return [text, ...fragmentOf(url).mirrors.map((mirror) => (rest === "" ? mirror : `${mirror}#${rest}`))];
}

/** @throws BatonError `bad-format` where bytes are not the ones that are meant */
export function checkDigests(name: string, bytes: Uint8Array, digests: readonly Digest[]): void {
  for (const digest of digests) checkDigest(name, createHash(digest.algorithm).update(bytes).digest("hex"), digest);
}

/** @param found lower-case hexadecimal. @throws BatonError `bad-format` */
export function checkDigest(name: string, found: string, { algorithm, value }: Digest): void {
  if (found === value) return;
  throw new BatonError(
    "bad-format",
    `${name}: its ${titleOf(algorithm)} is ${found} and must be ${value}: it is not the file that is meant, or was ` +
      "changed on its way; nothing of it is used",
  );
}
