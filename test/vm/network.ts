/** What machines under test boot from over QEMU's own network (slirp): it is 10.0.2.2, and reaches this host's loopback. */

import { createReadStream, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { TestContext } from "node:test";
import type { Pair } from "../fetch/certificates.ts";

/** A text, or a file of this host. */
export type Served = Readonly<Record<string, string | { readonly host: string }>>;

export interface WebServer {
  /** As the machine sees it: `http://10.0.2.2:1234`. */
  readonly url: string;
  readonly port: number;
  /** Paths in the order in which they were asked for, with the method where it isn't GET. */
  readonly requests: readonly string[];
}

/** Serves files over HTTP, or HTTPS with a certificate. */
export async function serveWeb(t: TestContext, files: Served, tls?: Pair, host = "127.0.0.1"): Promise<WebServer> {
  const requests: string[] = [];
  const answer: Parameters<typeof createServer>[1] = (request, response) => {
    const path = decodeURIComponent(request.url!.replace(/\?.*$/, ""));
    requests.push(request.method === "GET" ? path : `${request.method} ${path}`);
    const file = files[path];
    if (file === undefined) return void response.writeHead(404).end();
    const size = typeof file === "string" ? Buffer.byteLength(file) : statSync(file.host).size;
    const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? "");
    const start = range ? Number(range[1]) : 0;
    const end = range?.[2] ? Math.min(Number(range[2]), size - 1) : size - 1;
    const headers = { "content-length": Math.max(0, end - start + 1) };
    if (range) response.writeHead(206, { ...headers, "content-range": `bytes ${start}-${end}/${size}` });
    else response.writeHead(200, headers);
    if (request.method === "HEAD") return void response.end();
    if (typeof file === "string") response.end(Buffer.from(file).subarray(start, end + 1));
    else createReadStream(file.host, { start, end }).pipe(response);
  };
  const server: Server = tls ? (createTlsServer(tls, answer) as unknown as Server) : createServer(answer);
  await new Promise<void>((resolve, reject) => server.once("error", reject).listen(0, host, resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { url: `${tls ? "https" : "http"}://10.0.2.2:${port}`, port, requests };
}

/** A folder with these files, for QEMU's or dnsmasq's TFTP server. */
export function tftpFolder(t: TestContext, files: Served): string {
  const directory = mkdtempSync(join(tmpdir(), "baton-tftp-"));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  for (const [path, file] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, path)), { recursive: true });
    if (typeof file === "string") writeFileSync(join(directory, path), file);
    else symlinkSync(file.host, join(directory, path));
  }
  return directory;
}

/** QEMU's words for a network card. @param backend `user,tftp=DIR,bootfile=FILE`. */
export function networkCard(device: string, backend = "user", id = "net0"): string[] {
  return ["-netdev", `${backend},id=${id}`, "-device", `${device},netdev=${id},mac=52:54:00:00:00:0${id.at(-1)}`];
}
