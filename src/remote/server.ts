/** The server: HTTP or HTTPS, and the limits by which no stranger takes the machine's time or memory. */

import { createServer as createPlain, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createSecure } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import { describeError } from "../errors.ts";
import { log } from "../log.ts";
import { VERSION } from "../version.ts";
import { TokenCheck } from "./access.ts";
import type { Credentials } from "./certificate.ts";
import { Deeds, type DeedsContext } from "./deeds.ts";
import { Events } from "./events.ts";
import { makePage } from "./page.ts";
import { type Deed, type Look, openApi, ROUTES, readBody } from "./routes.ts";
import { type ListOf, stateJson } from "./state.ts";

/** Connections at a time, in all and from one address. */
const MAX_CONNECTIONS = 48;
const MAX_OF_ADDRESS = 24;
/** Connections that are taken in a second; more are closed at once. */
const MAX_A_SECOND = 100;
const MAX_HEADER_SIZE = 8 * 1024;
const MAX_BODY_SIZE = 16 * 1024;
/** A whole request, its head, and silence. Milliseconds. */
const REQUEST_MS = 10_000;
const HEAD_MS = 5000;
const IDLE_MS = 60_000;
/** Between two looks at who is too slow. */
const CHECK_MS = 1000;
/** Between two lines in the log about wrong tokens. */
const QUIET_MS = 5000;

export interface ServerContext extends DeedsContext {
  readonly list: ListOf;
  readonly token: string;
  /** Null: without TLS. */
  readonly credentials: Credentials | null;
  readonly host: string;
  /** 0: any, for tests. */
  readonly port: number;
}

export class RemoteServer {
  readonly #context: ServerContext;
  readonly #deeds: Deeds;
  readonly #events: Events;
  readonly #token: TokenCheck;
  readonly #sockets = new Map<Socket, string>();
  #server: Server | null = null;
  #quietUntil = 0;
  #second = 0;
  #taken = 0;
  #stateFor: { readonly key: readonly unknown[]; readonly text: string } | null = null;

  constructor(context: ServerContext) {
    this.#context = context;
    this.#deeds = new Deeds(context);
    this.#events = new Events(context.store);
    this.#token = new TokenCheck(context.token);
  }

  /** @returns the port. @throws where it can't listen: the address is another machine's, the port is taken */
  async start(): Promise<number> {
    const { credentials, host, port } = this.#context;
    const limits = {
      ...{ maxHeaderSize: MAX_HEADER_SIZE, requestTimeout: REQUEST_MS, headersTimeout: HEAD_MS },
      ...{ keepAliveTimeout: HEAD_MS, connectionsCheckingInterval: CHECK_MS },
    };
    const answer = (request: IncomingMessage, response: ServerResponse): void => void this.#answer(request, response);
    const server: Server =
      credentials === null
        ? createPlain(limits, answer)
        : createSecure({ ...limits, ...credentials, handshakeTimeout: HEAD_MS, minVersion: "TLSv1.2" }, answer);
    server.maxConnections = MAX_CONNECTIONS;
    server.maxHeadersCount = 64;
    server.on("connection", (socket: Socket) => this.#take(socket));
    server.on("clientError", (_, socket) => socket.destroy());
    // A body that nobody has asked about is not waited for.
    server.on("checkContinue", answer);
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      // Without an address: IPv6 and IPv4, or what there is of them.
      server.listen({ ...(host !== "::" && { host }), port, backlog: 64 }, resolve);
    });
    server.on("error", (error) => log.warn(`remote: ${describeError(error)}`));
    this.#server = server;
    return (server.address() as AddressInfo).port;
  }

  /** Ends every connection. */
  async close(): Promise<void> {
    this.#events.close();
    const server = this.#server;
    this.#server = null;
    if (server === null) return;
    const closed = new Promise((resolve) => server.close(resolve));
    // What was said last still goes out.
    setTimeout(() => {
      for (const socket of this.#sockets.keys()) socket.destroy();
    }, 100);
    await closed;
  }

  /** Before the handshake, which costs most. */
  #take(socket: Socket): void {
    const address = socket.remoteAddress ?? "";
    const second = Math.floor(performance.now() / 1000);
    if (second !== this.#second) this.#taken = 0;
    this.#second = second;
    let ofAddress = 0;
    for (const other of this.#sockets.values()) if (other === address) ofAddress++;
    if (++this.#taken > MAX_A_SECOND || ofAddress >= MAX_OF_ADDRESS) {
      socket.destroy();
      return;
    }
    this.#sockets.set(socket, address);
    socket.setTimeout(IDLE_MS, () => socket.destroy());
    socket.on("error", () => socket.destroy());
    socket.on("close", () => this.#sockets.delete(socket));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.on("error", () => response.destroy());
    try {
      await this.#route(request, response);
    } catch (error) {
      log.warn(`remote: ${request.method} from ${request.socket.remoteAddress}: ${describeError(error)}`);
      if (response.headersSent) response.destroy();
      else say(response, 500, "It failed; the log says why.");
    }
  }

  async #route(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = (request.url ?? "").split("?")[0]!;
    const here = ROUTES.filter((route) => route.path === path);
    const route = here.find(({ method }) => method === request.method);
    const isOpen = route?.method === "GET" && route.isOpen === true;
    const address = request.socket.remoteAddress ?? "?";
    // Who has no token learns nothing, not even what there is.
    const access = isOpen ? "yes" : this.#token.check(request.headers.authorization, address);
    if (access === "wait") return say(response, 429, "Too many wrong tokens: wait a minute.", { "Retry-After": "60" });
    if (access === "no") {
      if (request.headers.authorization !== undefined) this.#sayWrong(address);
      return say(response, 401, "Authorization: Bearer TOKEN is missing or wrong.", { "WWW-Authenticate": "Bearer" });
    }
    if (route === undefined) {
      const allow = here.map(({ method }) => method).join(", ");
      return here.length === 0
        ? say(response, 404, "There is no such path.")
        : say(response, 405, `It takes ${allow}.`, { Allow: allow });
    }
    if (route.method === "GET") return this.#look(route, response);
    await this.#do(route, request, response, `API from ${address.replace(/^::ffff:/, "")}`);
  }

  /** Wrong tokens from many addresses leave room in the log for what else happens. */
  #sayWrong(address: string): void {
    const now = performance.now();
    if (now < this.#quietUntil) return;
    this.#quietUntil = now + QUIET_MS;
    log.warn(`remote: a wrong token from ${address}`);
  }

  #look({ gives }: Look, response: ServerResponse): void {
    const { store, actions, list } = this.#context;
    if (gives === "page") {
      const { html, policy } = makePage();
      send(response, 200, "text/html; charset=utf-8", html, { "Content-Security-Policy": policy });
    } else if (gives === "description") send(response, 200, "application/json", JSON.stringify(openApi(VERSION)));
    else if (gives === "events") {
      if (this.#events.isFull) say(response, 503, "Too many listen already.", { "Retry-After": "10" });
      else {
        response.writeHead(200, { ...COMMON, "Content-Type": "text/event-stream" });
        this.#events.add(response);
      }
    } else {
      const { state } = store;
      const key = [state, actions.log().at(-1)];
      if (this.#stateFor === null || key.some((one, at) => one !== this.#stateFor?.key[at]))
        this.#stateFor = { key, text: JSON.stringify(stateJson(state, list, actions)) };
      send(response, 200, "application/json", this.#stateFor.text);
    }
  }

  async #do(route: Deed, request: IncomingMessage, response: ServerResponse, by: string): Promise<void> {
    // A page of another site can send a form, and no JSON: the token is what keeps it out, and this beside it.
    const type = request.headers["content-type"];
    if (type !== undefined && !/^application\/json\b/i.test(type)) return say(response, 415, "The body must be JSON.");
    const text = await readText(request, response);
    if (text === null) return say(response, 413, `A body has at most ${MAX_BODY_SIZE} bytes.`);
    const body = readBody(route, text);
    if (typeof body === "string") return say(response, 400, body);
    const { status, message } = await route.run(this.#deeds, body, by);
    if (message === "") send(response, status, "application/json", "{}");
    else say(response, status, message);
  }
}

/** @returns null where it is too long, which is known before it is read where the head says it */
async function readText(request: IncomingMessage, response: ServerResponse): Promise<string | null> {
  if (Number(request.headers["content-length"] ?? 0) > MAX_BODY_SIZE) return null;
  if (request.headers.expect !== undefined) response.writeContinue();
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of request.iterator({ destroyOnReturn: false })) {
    size += (part as Buffer).length;
    if (size > MAX_BODY_SIZE) return null;
    parts.push(part as Buffer);
  }
  return Buffer.concat(parts).toString("utf8");
}

const COMMON = {
  "Cache-Control": "no-store",
  "X-Content-Type-Options": "nosniff",
  "X-Frame-Options": "DENY",
  "Referrer-Policy": "no-referrer",
};

type Headers = Readonly<Record<string, string>>;

function send(response: ServerResponse, status: number, type: string, text: string, headers: Headers = {}): void {
  response.writeHead(status, {
    ...COMMON,
    "Content-Type": type,
    "Content-Length": String(Buffer.byteLength(text)),
    ...headers,
  });
  response.end(text);
  // What is sent after a refusal is not read.
  if (status >= 400) response.once("finish", () => response.socket?.destroySoon());
}

function say(response: ServerResponse, status: number, error: string, headers: Headers = {}): void {
  send(response, status, "application/json", JSON.stringify({ error }), { Connection: "close", ...headers });
}
