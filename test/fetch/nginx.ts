/** nginx as people run it, and a bad line in front of it. */

import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { debianPackages } from "../../initramfs/debian.ts";
import { eventually } from "../eventually.ts";
import type { Pair } from "./certificates.ts";

export interface Nginx {
  /** What is served; test files go here. */
  readonly root: string;
  /** The port of each server, in their order. */
  readonly ports: readonly number[];
}

export interface NginxServer {
  /** Directives in the server's block; `$ROOT` is the folder. */
  readonly lines?: readonly string[];
  readonly tls?: Pair;
  /** The clients' authority, where they have to have certificates. */
  readonly clients?: string;
  readonly host?: string;
  /** A free one unless given. */
  readonly port?: number;
}

export async function freePort(host = "127.0.0.1"): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Starts a program: here, unless it is to run elsewhere. */
export type Start = (program: string, words: readonly string[]) => ChildProcess;

const here: Start = (program, words) => spawn(program, words, { stdio: ["ignore", "ignore", "inherit"] });

/** Runs until the test ends. */
export function startNginx(t: TestContext, ...servers: readonly NginxServer[]): Promise<Nginx> {
  return startNginxIn(t, here, servers);
}

export async function startNginxIn(t: TestContext, start: Start, servers: readonly NginxServer[]): Promise<Nginx> {
  const { root: installed } = await debianPackages(["nginx"]);
  const directory = mkdtempSync(join(tmpdir(), "baton-nginx-"));
  const root = join(directory, "root");
  mkdirSync(root);
  const file = (name: string, text: string): string => {
    writeFileSync(join(directory, name), text);
    return join(directory, name);
  };
  const ports: number[] = [];
  const blocks: string[] = [];
  for (const [index, { lines = [], tls, clients, host = "127.0.0.1", port: fixed }] of servers.entries()) {
    const port = fixed ?? (await freePort(host));
    ports.push(port);
    const listen = `${host.includes(":") ? `[${host}]` : host}:${port}`;
    const secrets = tls
      ? [
          `ssl_certificate ${file(`cert${index}`, tls.cert)};`,
          `ssl_certificate_key ${file(`key${index}`, tls.key)};`,
          ...(clients ? [`ssl_client_certificate ${file(`ca${index}`, clients)};`, "ssl_verify_client on;"] : []),
        ]
      : [];
    const words = [`listen ${listen}${tls ? " ssl" : ""};`, `root ${root};`, ...secrets, ...lines];
    blocks.push(`server { ${words.join("\n").replaceAll("$ROOT", root)} }`);
  }
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
    (name) => `${name}_temp_path ${join(directory, name)};`,
  );
  const conf = [
    ...(process.getuid?.() === 0 ? ["user root;"] : []),
    // One process, which leaves nothing behind.
    ...["daemon off;", "master_process off;", `pid ${directory}/pid;`, "error_log stderr crit;", "events {}"],
    `http { access_log off; sendfile on; ${temporary.join(" ")} ${blocks.join("\n")} }`,
  ];
  const words = ["-p", directory, "-e", "stderr", "-c", file("conf", conf.join("\n"))];
  const child = start(join(installed, "usr/sbin/nginx"), words);
  t.after(() => {
    child.kill("SIGKILL");
    rmSync(directory, { recursive: true, force: true });
  });
  // Written when it listens.
  await eventually(() => assert.ok(existsSync(join(directory, "pid")), "nginx does not start"));
  return { root, ports };
}

export interface BadLine {
  readonly port: number;
  /** Connections so far. */
  readonly count: () => number;
}

/**
 * A line to `port` of this machine on which every connection comes to an end of its own.
 * @param limit bytes of the answer that pass, by the connection's number from 0
 * @param end what happens then
 */
export async function badLine(
  t: TestContext,
  port: number,
  limit: (connection: number) => number,
  end: "breaks" | "stalls" = "breaks",
): Promise<BadLine> {
  const sockets = new Set<Socket>();
  let count = 0;
  const server = createServer((near) => {
    let left = limit(count++);
    const far = connect(port, "127.0.0.1");
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on("error", () => {});
    }
    near.pipe(far);
    far.on("data", (piece) => {
      const passed = piece.subarray(0, Math.max(0, left));
      left -= piece.length;
      if (passed.length > 0) near.write(passed);
      if (left <= 0 && end === "breaks") near.end(() => near.destroy());
      if (left <= 0) far.destroy();
    });
    far.on("end", () => near.end());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, count: () => count };
}
