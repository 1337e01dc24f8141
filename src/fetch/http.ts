/**
 * HTTP and HTTPS by Node's own client (RFC 9110): redirects, ranges, proxies, basic authentication, certificates that
 * are always checked, and a time for each thing that may never come.
 */

import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest, type RequestOptions } from "node:https";
import { isIP } from "node:net";
import { shownAddress } from "../entry.ts";
import { BatonError } from "../errors.ts";
import { log } from "../log.ts";
import { VERSION } from "../version.ts";
import { formOf } from "./form.ts";
import { type BodyTimes, packingOf, piecesOf, unpacked } from "./httpbody.ts";
import { explainHttpError, statusError } from "./httperrors.ts";
import { type ProxySettings, proxyFor, proxyHeaders, tunnel } from "./proxy.ts";
import type { Opened, OpenOptions, Transport } from "./transport.ts";
import { decoded, shownUrl } from "./url.ts";

export interface HttpOptions {
  /** Certificates (PEM) that are trusted; in place of Node's own list where any is given. */
  readonly ca?: readonly string[];
  /** This machine's own certificate and key (PEM), for servers that ask for one. */
  readonly cert?: string;
  readonly key?: string;
  readonly proxy?: ProxySettings;
  /** Names and passwords, each for one server. */
  readonly logins?: readonly Login[];
  /**
   * What is fetched goes back to what a lease says: no password goes out in plain text, to servers that anybody on the
   * network may have named.
   */
  readonly isByLease?: boolean;
  readonly times?: Partial<HttpTimes>;
}

/** A name and password, and the one server that they are meant for. */
export interface Login {
  /** `https://boot.example:8443`: scheme, host, and port where it isn't the scheme's own. */
  readonly origin: string;
  /** It was written without a scheme, as older configurations have it: they meant http as well. */
  readonly isBare: boolean;
  readonly user: string;
  readonly password: string;
}

/** Milliseconds. */
interface HttpTimes extends BodyTimes {
  /** Name, connection and TLS. */
  readonly connect: number;
  /** From the request to the first line of the answer. */
  readonly firstByte: number;
}

/** @property body of a POST, null where nothing is sent */
type Request = RequestOptions & { readonly body: string | null };

const TIMES: HttpTimes = { connect: 15_000, firstByte: 30_000, stall: 20_000, drip: 60_000 };
/** Bytes of a redirect's own page that are read past, for the connection to be used again. */
const SMALL_PAGE = 64 * 1024;
const MAX_REDIRECTS = 10;
/** Interim answers (RFC 9110, 15.2): early hints, progress. */
const MAX_INTERIM = 20;

export function httpTransport(options: HttpOptions): Transport {
  const client = new Client(options);
  return {
    ranges: true,
    open: (url, open) => client.open(url, open),
    stat: (url, signal) => client.stat(url, signal),
  };
}

class Client {
  readonly #options: HttpOptions;
  readonly #times: HttpTimes;
  readonly #told = new Set<string>();
  readonly #agents: { readonly http: HttpAgent; readonly https: HttpsAgent };

  constructor(options: HttpOptions) {
    this.#options = options;
    this.#times = { ...TIMES, ...options.times };
    const { ca, cert, key } = options;
    const shared = { keepAlive: true, keepAliveMsecs: 5000, maxFreeSockets: 4 };
    this.#agents = {
      http: new HttpAgent(shared),
      https: new HttpsAgent({
        ...shared,
        ...(ca && ca.length > 0 ? { ca: [...ca] } : {}),
        ...(cert === undefined ? {} : { cert }),
        ...(key === undefined ? {} : { key }),
      }),
    };
  }

  async open(url: URL, { offset = 0, length, validator = null, signal }: OpenOptions): Promise<Opened> {
    const headers: Record<string, string> = {};
    if (offset > 0 || length !== undefined) {
      headers.Range = `bytes=${offset}-${length === undefined ? "" : offset + length - 1}`;
      // What has changed meanwhile is sent from its beginning.
      if (validator !== null && offset > 0) headers["If-Range"] = validator;
    }
    const { response, at } = await this.#follow(url, "GET", headers, signal);
    const name = shownUrl(at);
    const packing = packingOf(response, at.pathname);
    const isPacked = packing !== null;
    const range = /^bytes (\d+)-\d*\/(\d+|\*)$/.exec(response.headers["content-range"] ?? "");
    if (response.statusCode === 416) {
      // There is nothing after the file's end.
      response.destroy();
      const whole = /^bytes \*\/(\d+)$/.exec(response.headers["content-range"] ?? "")?.[1];
      const size = whole === undefined ? null : Number(whole);
      return { url: at.href, size, offset, validator, body: nothing(), close: () => {} };
    }
    if (response.statusCode === 206 && (range === null || isPacked)) {
      response.destroy();
      throw new BatonError("io", `${name}: the server sent a part of the file without saying which`);
    }
    const begins = response.statusCode === 206 ? Number(range![1]) : 0;
    const declared = response.headers["content-length"];
    const size =
      response.statusCode === 206
        ? range![2] === "*"
          ? null
          : Number(range![2])
        : declared === undefined || isPacked
          ? null
          : Number(declared);
    if (declared === undefined && !isPacked && response.headers["transfer-encoding"] === undefined) {
      log.warn(
        `${name}: the server does not say how long it is; without a digest nobody knows whether all of it comes`,
      );
    }
    const body = piecesOf(response, name, size === null ? null : size - begins, this.#times, signal);
    return {
      url: at.href,
      size,
      offset: begins,
      validator: validatorOf(response),
      body: isPacked ? unpacked(body, packing, name) : body,
      close: () => response.destroy(),
    };
  }

  async stat(url: URL, signal?: AbortSignal): Promise<{ size: number | null }> {
    let answer: Awaited<ReturnType<Client["open"]>> | null = null;
    try {
      const { response } = await this.#follow(url, "HEAD", {}, signal);
      response.resume();
      const length = response.headers["content-length"];
      const isPacked = packingOf(response, url.pathname) !== null;
      return { size: length === undefined || isPacked ? null : Number(length) };
    } catch (error) {
      // Some servers' programs know GET only.
      if (!(error instanceof BatonError) || !/: (400|403|405|501) /.test(error.message)) throw error;
      answer = await this.open(url, signal ? { signal } : {});
      return { size: answer.size };
    } finally {
      answer?.close();
    }
  }

  /** Goes where redirects lead. */
  async #follow(
    url: URL,
    method: string,
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal | undefined,
  ): Promise<{ response: IncomingMessage; at: URL }> {
    let at = url;
    const seen = new Set<string>();
    for (let hop = 0; ; hop++) {
      seen.add(at.href);
      const response = await this.#request(at, method, headers, signal, url);
      const status = response.statusCode ?? 0;
      const location = response.headers.location;
      if (![301, 302, 303, 307, 308].includes(status) || location === undefined) {
        if ((status >= 200 && status < 300) || status === 416) return { response, at };
        response.destroy();
        throw statusError(shownUrl(at), status, response.statusMessage ?? "");
      }
      passOver(response, this.#times.stall);
      const next = redirected(at, location);
      if (seen.has(next.href)) {
        throw new BatonError("loop", `${shownUrl(url)}: the server redirects in a circle (back to ${shownUrl(next)})`);
      }
      if (hop >= MAX_REDIRECTS) {
        throw new BatonError(
          "loop",
          `${shownUrl(url)}: more than ${MAX_REDIRECTS} redirects, the last to ${shownUrl(next)}`,
        );
      }
      at = next;
    }
  }

  async #request(
    url: URL,
    method: string,
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal | undefined,
    first: URL,
  ): Promise<IncomingMessage> {
    const proxy = proxyFor(url, this.#options.proxy);
    const isTls = url.protocol === "https:";
    const sent: Record<string, string> = {
      Host: url.host,
      "User-Agent": `Baton/${VERSION}`,
      Accept: "*/*",
      "Accept-Encoding": "identity",
      ...headers,
    };
    // A redirect's target has no fragment: a form is sent once, and what comes after is fetched.
    const form = method === "GET" ? formOf(url) : null;
    const body = form?.body ?? null;
    Object.assign(sent, form?.headers);
    if (body !== null) {
      sent["Content-Type"] = "application/x-www-form-urlencoded";
      sent["Content-Length"] = String(Buffer.byteLength(body));
    }
    const authorization = this.#authorization(url, first);
    if (authorization !== null) sent.Authorization = authorization;
    const host = url.hostname.replace(/^\[|\]$/g, "");
    const base: Request = {
      ...{ method: body === null ? method : "POST", headers: sent, body },
      ...(signal ? { signal } : {}),
    };
    const target = `${url.pathname}${url.search}`;
    const name = shownUrl(url);
    if (proxy === null) {
      const agent = isTls ? this.#agents.https : this.#agents.http;
      const servername = isTls && isIP(host) === 0 ? { servername: host } : {};
      const words = { ...base, host, port: url.port || null, path: target, agent, ...servername };
      return this.#send(isTls, words, name, null);
    }
    const proxyName = `${proxy.protocol}//${proxy.host}`;
    if (!isTls) {
      const words = {
        ...base,
        host: proxy.hostname.replace(/^\[|\]$/g, ""),
        port: proxy.port || null,
        path: url.href.replace(/#.*$/s, ""),
      };
      Object.assign(sent, proxyHeaders(proxy));
      return this.#send(false, { ...words, agent: this.#agents.http }, name, proxyName);
    }
    const secrets = this.#agents.https.options;
    const socket = await tunnel(proxy, url, secrets, this.#times.connect, signal);
    return this.#send(true, { ...base, host, path: target, createConnection: () => socket }, name, null);
  }

  #authorization(url: URL, first: URL): string | null {
    const encode = (user: string, password: string): string =>
      `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`;
    const login = url === first ? this.#login(url) : null;
    if (login !== null) return encode(login.user, login.password);
    // What stands in a URL is meant for its own server and none that it redirects to.
    const source =
      url.username !== "" ? url : url.host === first.host && url.protocol === first.protocol ? first : null;
    if (source === null || source.username === "") return null;
    return encode(decoded(source.username), decoded(source.password));
  }

  /** The login that was written for this very server. */
  #login(url: URL): Login | null {
    const { logins = [], isByLease = false } = this.#options;
    const isPlain = url.protocol === "http:";
    const login = logins.find(({ origin }) => origin === url.origin);
    if (login !== undefined) {
      if (!isPlain || !isByLease) return login;
      this.#tell(
        `${url.origin}: the password for it is kept back: a lease named this URL, and plain http shows it to all`,
      );
      return null;
    }
    const isMeant = ({ origin, isBare }: Login): boolean =>
      isBare && (new URL(origin).host === url.host || new URL(origin).hostname === url.hostname);
    if (isPlain && logins.some(isMeant)) {
      this.#tell(
        `${url.origin}: the password for ${url.hostname} is kept back: 'machine ${url.host}' in netrc means https; ` +
          `for plain http write 'machine ${url.origin}'`,
      );
    }
    return null;
  }

  /** Once. */
  #tell(message: string): void {
    if (this.#told.has(message)) return;
    this.#told.add(message);
    log.warn(message);
  }

  #send(isTls: boolean, words: Request, name: string, proxy: string | null, again = false): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const request = (isTls ? httpsRequest : httpRequest)(words);
      const hasAddress = words.createConnection !== undefined || isIP(words.host ?? "") !== 0;
      let phase: "name" | "connect" | "answer" = hasAddress ? "connect" : "name";
      const where = proxy === null ? name : `${name} by the proxy ${proxy}`;
      const giveUp = (): void => {
        const ms = phase === "answer" ? this.#times.firstByte : this.#times.connect;
        const what = {
          name: `no DNS server has answered for ${words.host}`,
          connect: "no connection",
          answer: "no answer to the request",
        }[phase];
        request.destroy(new BatonError("timeout", `${where}: ${what} within ${ms / 1000} s`));
      };
      let timer = setTimeout(giveUp, this.#times.connect);
      const connected = (): void => {
        phase = "answer";
        clearTimeout(timer);
        timer = setTimeout(giveUp, this.#times.firstByte);
      };
      request.on("socket", (socket) => {
        socket.once("lookup", () => {
          if (phase === "name") phase = "connect";
        });
        if (!socket.connecting && (!isTls || request.reusedSocket || "authorized" in socket)) {
          if (request.reusedSocket || words.createConnection !== undefined) return connected();
        }
        socket.once(isTls ? "secureConnect" : "connect", connected);
      });
      let interim = 0;
      let isSentAgain = false;
      request.on("information", () => {
        if (++interim <= MAX_INTERIM) return;
        const what = `more than ${MAX_INTERIM} interim answers (1xx), and no answer to the request`;
        request.destroy(new BatonError("bad-format", `${where}: ${what}`));
      });
      // Without a listener Node closes the connection and says nothing at all.
      request.on("upgrade", (response, socket) => {
        socket.destroy();
        const status = `${response.statusCode} ${response.statusMessage ?? ""}`.trimEnd();
        const what = "the server switches to another protocol, which nobody asked for";
        reject(new BatonError("bad-format", `${where}: ${status}: ${what}`));
      });
      request.on("response", (response) => {
        clearTimeout(timer);
        resolve(response);
      });
      // Whatever has ended it: something is said.
      request.on("close", () => {
        clearTimeout(timer);
        if (!isSentAgain)
          reject(new BatonError("io", `${where}: the connection was closed before the server answered`));
      });
      request.on("error", (error: NodeJS.ErrnoException) => {
        clearTimeout(timer);
        // A connection that was kept for the next request may have been closed meanwhile by the server.
        // What a form has done it may have done already.
        if (request.reusedSocket && error.code === "ECONNRESET" && !again && words.body === null) {
          isSentAgain = true;
          this.#send(isTls, { ...words, agent: false }, name, proxy, true).then(resolve, reject);
        } else reject(explainHttpError(error, name, proxy));
      });
      request.end(words.body ?? undefined);
    });
  }
}

/** Reads past a small page, for the connection to be used again, if it comes in time. Nobody waits for it. */
function passOver(response: IncomingMessage, ms: number): void {
  if (Number(response.headers["content-length"] ?? Infinity) > SMALL_PAGE) return void response.destroy();
  const timer = setTimeout(() => response.destroy(), ms).unref();
  response.once("close", () => clearTimeout(timer));
  response.on("error", () => {});
  response.resume();
}

function redirected(from: URL, location: string): URL {
  let next: URL;
  try {
    next = new URL(location, from);
  } catch {
    throw new BatonError(
      "bad-format",
      `${shownUrl(from)}: the server redirects to '${shownAddress(location)}', which is no URL`,
    );
  }
  if (next.protocol !== "http:" && next.protocol !== "https:") {
    throw new BatonError(
      "refused",
      `${shownUrl(from)}: the server redirects to ${shownUrl(next)}; only http and https are followed`,
    );
  }
  if (from.protocol === "https:" && next.protocol === "http:") {
    throw new BatonError(
      "refused",
      `${shownUrl(from)}: the server redirects from https to ${shownUrl(next)}, which is not followed`,
    );
  }
  return next;
}

/**
 * What promises the same bytes as long as it is the same (RFC 9110, 13.1.5): a strong ETag, or a time of change that
 * was long enough ago for no other change to have the same. nginx and others make ETags of that time and the size.
 */
function validatorOf({ headers }: IncomingMessage): string | null {
  const { etag, date = "", "last-modified": changed = "" } = headers;
  const age = Date.parse(date) - Date.parse(changed);
  if (etag !== undefined && !etag.startsWith("W/")) return age < 2000 ? null : etag;
  return age >= 60_000 ? changed : null;
}

async function* nothing(): AsyncIterable<Uint8Array> {}
