/** `remote:` of the configuration: the menu over the network (src/remote/). Pure. */

import type { RawValue, ValueKind } from "./valuekinds.ts";
import { numberFrom, YES_NO } from "./valuekinds.ts";

export interface RemoteSettings {
  /** Where it listens. */
  readonly host: string;
  readonly port: number;
  /** At least {@link MIN_TOKEN} characters, or `sha256:` and the digest of such a text in hexadecimal digits. */
  readonly token: string;
  /** Files in the image, in PEM; null: a certificate is made at each start. */
  readonly certificate: string | null;
  readonly key: string | null;
  /** Without TLS, although others than this machine can listen to it. */
  readonly plain: boolean;
  /** Seconds that a controller has to say what boots; 0: none is waited for. */
  readonly hold: number;
  /** The controller that is asked; null: none is. */
  readonly ask: string | null;
}

const MIN_TOKEN = 16;
const MAX_TOKEN = 256;
/** Seconds that a controller which is asked has, where `hold` says nothing. */
const ASK_SECONDS = 30;

const FIELDS = ["listen", "token", "certificate", "key", "plain", "hold", "ask"] as const;
type Field = (typeof FIELDS)[number];

const EXPECTS =
  "keys and values: listen (PORT or ADDRESS:PORT) and token (16 to 256 characters, or sha256:DIGEST), certificate and key " +
  "(both: /path), plain (yes or no), hold (seconds), ask (an http or https URL)";

export const REMOTE: ValueKind<RemoteSettings> = {
  expects: EXPECTS,
  get schema() {
    return {
      type: "object",
      properties: {
        listen: { type: ["string", "integer"] },
        token: { type: "string", minLength: MIN_TOKEN, maxLength: MAX_TOKEN },
        certificate: { type: "string", pattern: "^/" },
        key: { type: "string", pattern: "^/" },
        plain: YES_NO.schema,
        hold: numberFrom(0, 86400).schema,
        ask: { type: "string", format: "uri" },
      },
      required: ["listen", "token"],
      additionalProperties: false,
    };
  },
  read: (value) => readRemote(value),
};

/** @returns undefined where any of it is not as it must be: half of what keeps people out is nothing */
function readRemote({ fields }: RawValue): RemoteSettings | undefined {
  if (fields === null) return undefined;
  const texts = new Map<Field, string>();
  for (const { key, texts: values } of fields) {
    const name = FIELDS.find((field) => field === key);
    if (name === undefined || values.length !== 1 || texts.has(name)) return undefined;
    texts.set(name, values[0]!.trim());
  }
  const place = readPlace(texts.get("listen") ?? "");
  const token = texts.get("token") ?? "";
  const certificate = texts.get("certificate") ?? null;
  const key = texts.get("key") ?? null;
  const ask = texts.get("ask") ?? null;
  const plain = readField(YES_NO, texts.get("plain"), false);
  const said = readField(numberFrom(0, 86400), texts.get("hold"), 0);
  const hold = said === 0 && ask !== null ? ASK_SECONDS : said;
  const arePaths = [certificate, key].every((path) => path === null || path.startsWith("/"));
  if (place === null || !isToken(token) || !arePaths || (certificate === null) !== (key === null)) return undefined;
  if (plain === undefined || hold === undefined || (ask !== null && !isWebUrl(ask))) return undefined;
  return { ...place, token, certificate, key, plain, hold, ask };
}

function readField<T>(kind: ValueKind<T>, text: string | undefined, otherwise: T): T | undefined {
  return text === undefined ? otherwise : kind.read({ texts: [text], fields: null });
}

/** `8443`, `10.0.0.7:8443` or `[::1]:8443`. */
function readPlace(text: string): { host: string; port: number } | null {
  const [, six, four, digits] = /^(?:(?:\[([0-9a-fA-F:.]+)\]|([0-9.]+)):)?(\d{1,5})$/.exec(text) ?? [];
  const port = Number(digits ?? 0);
  if (port < 1 || port > 65535) return null;
  return { host: six ?? four ?? "::", port };
}

/** Visible ASCII: it stands in a header. */
function isToken(text: string): boolean {
  if (text.startsWith("sha256:")) return /^sha256:[0-9a-f]{64}$/.test(text);
  return text.length >= MIN_TOKEN && text.length <= MAX_TOKEN && /^[\x21-\x7e]+$/.test(text);
}

const isWebUrl = (text: string): boolean => /^https?:\/\/\S+$/i.test(text) && URL.canParse(text);
