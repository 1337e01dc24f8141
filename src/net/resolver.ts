/** /etc/resolv.conf: what getaddrinfo(3) asks. */

import { mkdirSync, writeFileSync } from "node:fs";
import { describeError } from "../errors.ts";
import { log } from "../log.ts";

const RESOLV_CONF = "/etc/resolv.conf";
/** resolv.conf(5), MAXNS and MAXDNSRCH. */
const MAX_SERVERS = 3;
const MAX_NAMES = 6;

export class Resolver {
  readonly #servers = new Set<string>();
  readonly #search = new Set<string>();

  /** @param link by which servers without a scope of their own (fe80::1) are reached */
  add(servers: readonly string[], search: readonly string[], link: string | null): void {
    for (const server of servers) {
      if (!/^[0-9a-f.:%\w]+$/i.test(server)) continue;
      const isLocal = /^fe[89ab]/i.test(server) && !server.includes("%") && link !== null;
      this.#servers.add(isLocal ? `${server}%${link}` : server);
    }
    for (const name of search) if (/^[A-Za-z0-9_.-]+$/.test(name)) this.#search.add(name);
    const lines = [...this.#servers].slice(0, MAX_SERVERS).map((server) => `nameserver ${server}\n`);
    if (this.#search.size > 0) lines.push(`search ${[...this.#search].slice(0, MAX_NAMES).join(" ")}\n`);
    try {
      mkdirSync("/etc", { recursive: true });
      writeFileSync(RESOLV_CONF, `${lines.join("")}options timeout:3 attempts:2\n`);
    } catch (error) {
      log.warn(describeError(error));
    }
  }
}
