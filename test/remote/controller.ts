/**
 * An example controller: says what each machine boots, by its hardware address.
 * `npx tsx test/remote/controller.ts PORT MAC=ENTRY…`; `MAC=URL#sha256=DIGEST` names what stands at a URL. On the machines:
 * `remote: {…, ask: "http://CONTROLLER:PORT/ask"}` in the image's configuration (docs/manual.md, "The menu over the network").
 * URLs count over https alone: for them a web server with a certificate stands in front.
 */

import { createServer, type Server } from "node:http";
import { pathToFileURL } from "node:url";

export interface Asked {
  readonly mac: string;
  readonly answer: object;
}

/** @returns what the machine is told: an entry's id, or a URL with its digest */
export function answerOf(word: string | undefined): object {
  if (word === undefined) return {};
  const [, url, sha256] = /^(https?:\/\/[^#]+)#sha256=([0-9a-f]{64})$/.exec(word) ?? [];
  return url === undefined ? { id: word } : { url, sha256 };
}

/** @param words what each machine boots, by its hardware address in lower case */
export function controller(words: ReadonlyMap<string, string>, onAsked: (asked: Asked) => void): Server {
  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? "/", "http://controller");
    if (request.method !== "GET" || pathname !== "/ask") {
      response.writeHead(404).end();
      return;
    }
    const mac = (searchParams.get("mac") ?? "").toLowerCase();
    const answer = answerOf(words.get(mac));
    onAsked({ mac, answer });
    response.writeHead(200, { "Content-Type": "application/json" }).end(JSON.stringify(answer));
  });
  server.requestTimeout = 10_000;
  server.maxConnections = 256;
  return server;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const [port, ...machines] = process.argv.slice(2);
  const words = new Map(
    machines.map((text) => {
      const at = text.indexOf("=");
      return [text.slice(0, at).toLowerCase(), text.slice(at + 1)];
    }),
  );
  const server = controller(words, ({ mac, answer }) => console.log(`${mac}: ${JSON.stringify(answer)}`));
  server.listen(Number(port), () => console.log(`${words.size} machines are known`));
}
