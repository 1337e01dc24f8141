/** HTTP proxies: which one, and tunnels through it for HTTPS (RFC 9110, CONNECT). */

import { request as httpRequest } from "node:http";
import { isIP } from "node:net";
import { type ConnectionOptions, connect, type TLSSocket } from "node:tls";
import { BatonError } from "../errors.ts";
import { explainHttpError } from "./httperrors.ts";
import { decoded, shownUrl } from "./url.ts";

/** What CONNECT must say where the URL leaves it out. */
const HTTPS_PORT = 443;

export interface ProxySettings {
  /** For `http:` and `https:` URLs; null for none whatever the environment says. */
  readonly http?: string | null;
  readonly https?: string | null;
  /** Hosts that are asked directly: `localhost`, `.example`, `10.0.0.0`, `*`. */
  readonly no?: readonly string[];
}

/** By configuration, else by the environment's `http_proxy`, `https_proxy`, `all_proxy` and `no_proxy`. */
export function proxyFor(url: URL, settings: ProxySettings = {}): URL | null {
  const { env } = process;
  const scheme = url.protocol === "https:" ? "https" : "http";
  const byEnvironment =
    env[`${scheme}_proxy`] ?? env[`${scheme.toUpperCase()}_PROXY`] ?? env.all_proxy ?? env.ALL_PROXY ?? null;
  const text = settings[scheme] === undefined ? byEnvironment : settings[scheme];
  if (text === null || text === "") return null;
  const direct = settings.no ?? (env.no_proxy ?? env.NO_PROXY ?? "").split(/[\s,]+/);
  if (direct.some((pattern) => isDirect(url, pattern))) return null;
  let proxy: URL;
  try {
    proxy = new URL(/:\/\//.test(text) ? text : `http://${text}`);
  } catch {
    throw new BatonError("usage", `${text}: the proxy is no URL; it is http://HOST:PORT`);
  }
  if (proxy.protocol === "http:") return proxy;
  throw new BatonError("unsupported", `${text}: proxies are reached by http only`);
}

function isDirect(url: URL, pattern: string): boolean {
  if (pattern === "*") return true;
  if (pattern === "") return false;
  const [, name = "", port] = /^\*?\.?(.*?)(?::(\d+))?$/.exec(pattern.toLowerCase()) ?? [];
  // A URL that names its scheme's own port is written without it.
  if (port !== undefined && new URL(`${url.protocol}//h:${port}`).port !== url.port) return false;
  const host = url.hostname.replace(/^\[|\]$/g, "");
  return host === name || host.endsWith(`.${name}`);
}

/** The credentials that a proxy asks for. */
export function proxyHeaders(proxy: URL): Record<string, string> {
  if (proxy.username === "") return {};
  const words = `${decoded(proxy.username)}:${decoded(proxy.password)}`;
  return { "Proxy-Authorization": `Basic ${Buffer.from(words).toString("base64")}` };
}

/**
 * A TLS connection to `url`'s host through the proxy, its certificate checked.
 * @param secrets certificate authorities, client certificate
 */
export async function tunnel(
  proxy: URL,
  url: URL,
  secrets: ConnectionOptions,
  timeoutMs: number,
  signal?: AbortSignal,
): Promise<TLSSocket> {
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const target = `${url.hostname}:${url.port || HTTPS_PORT}`;
  const proxyName = `${proxy.protocol}//${proxy.host}`;
  const name = shownUrl(url);
  return new Promise((resolve, reject) => {
    const request = httpRequest({
      host: proxy.hostname.replace(/^\[|\]$/g, ""),
      port: proxy.port || null,
      method: "CONNECT",
      path: target,
      headers: { Host: target, ...proxyHeaders(proxy) },
      agent: false,
      ...(signal ? { signal } : {}),
    });
    const timer = setTimeout(() => {
      const message = `${name} by the proxy ${proxyName}: no connection within ${timeoutMs / 1000} s`;
      request.destroy(new BatonError("timeout", message));
    }, timeoutMs);
    const fail = (error: Error, through: string | null): void => {
      clearTimeout(timer);
      reject(explainHttpError(error, name, through));
    };
    request.on("error", (error) => fail(error, proxyName));
    request.on("connect", (response, socket) => {
      if (response.statusCode !== 200) {
        socket.destroy();
        const status = `${response.statusCode} ${response.statusMessage}`;
        return fail(new BatonError("io", `${name}: the proxy ${proxyName} makes no connection: ${status}`), proxyName);
      }
      const { ca, cert, key } = secrets;
      const words = { ...(ca ? { ca } : {}), ...(cert ? { cert } : {}), ...(key ? { key } : {}) };
      const tls = connect({ socket, host, ...(isIP(host) ? {} : { servername: host }), ...words });
      tls.once("secureConnect", () => {
        clearTimeout(timer);
        resolve(tls);
      });
      tls.once("error", (error) => fail(error, null));
    });
    request.end();
  });
}
