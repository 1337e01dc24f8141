/** How fast files come over HTTP and TFTP on loopback, hashed as they come, against curl and atftp in the same run. */

import { type ChildProcess, execFile, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { createSocket } from "node:dgram";
import { chmodSync, closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { debianPackages } from "../../initramfs/debian.ts";
import { download } from "../../src/fetch/download.ts";
import { Fetcher } from "../../src/fetch/fetcher.ts";
import { tftpTransport } from "../../src/fetch/tftp.ts";
import { type Figure, type Group, median, ratio } from "./figures.ts";

const run = promisify(execFile);
const HTTP_MIB = 512;
const TFTP_MIB = 32;
const ROUNDS = 3;
const BLKSIZE = 1428;
const MIN_SECONDS = 0.8;

async function measure(wanted: (name: string) => boolean): Promise<Figure[]> {
  const directory = mkdtempSync(join(tmpdir(), "baton-bench-"));
  try {
    const figures: Figure[] = [];
    if (wanted("net.httpRatio") || wanted("net.httpExtraMiB")) figures.push(...(await httpFigures(directory)));
    if (wanted("net.tftpRatio")) figures.push(await tftpFigure(directory));
    return figures;
  } finally {
    rmSync(directory, { recursive: true });
  }
}

export const netGroup: Group = { prefixes: ["net."], measure };

/** Not zeros: nothing on the way shall have it easy. */
function writeNoise(file: string, mib: number): void {
  const piece = randomBytes(2 ** 20);
  const fd = openSync(file, "w");
  for (let i = 0; i < mib; i++) writeSync(fd, piece);
  closeSync(fd);
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return performance.now() - began;
}

async function httpFigures(directory: string): Promise<Figure[]> {
  const { root } = await debianPackages(["nginx"]);
  writeNoise(join(directory, "file"), HTTP_MIB);
  const port = await freePort();
  const conf = [
    ...(process.getuid?.() === 0 ? ["user root;"] : []),
    ...["daemon off;", "worker_processes 1;", `pid ${directory}/pid;`, "error_log stderr crit;", "events {}"],
    `http { access_log off; sendfile on; server { listen 127.0.0.1:${port}; root ${directory}; } }`,
  ];
  writeFileSync(join(directory, "conf"), conf.join("\n"));
  const server = spawn(join(root, "usr/sbin/nginx"), ["-p", directory, "-e", "stderr", "-c", join(directory, "conf")]);
  const url = `http://127.0.0.1:${port}/file`;
  try {
    await until(() => run("curl", ["-sfI", url]));
    const own: number[] = [];
    const theirs: number[] = [];
    let most = 0;
    const rss = (): number => Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync("/proc/self/status", "utf8"))![1]) / 1024;
    const before = rss();
    for (let round = 0; round < ROUNDS; round++) {
      theirs.push(await timed(() => run("sh", ["-c", 'curl -s "$1" | sha256sum', "sh", url])));
      own.push(
        await timed(async () => {
          const onProgress = (done: number): void => {
            if (done % (16 * 2 ** 20) < 65_536) most = Math.max(most, rss());
          };
          const { handle } = await download(new Fetcher({ http: { proxy: { http: null } } }), url, { onProgress });
          await handle.close();
        }),
      );
    }
    const rate = (ms: number): string => `${Math.round((HTTP_MIB * 1000) / ms)} MiB/s`;
    return [
      {
        name: "net.httpRatio",
        ...ratio(theirs, own),
        meaning: `rate of ${HTTP_MIB} MiB over HTTP with SHA-256, ${rate(median(own))}, to curl | sha256sum, ${rate(median(theirs))} (at least ${MIN_SECONDS})`,
        target: null,
      },
      {
        name: "net.httpExtraMiB",
        value: Math.max(0, most - before),
        meaning: `memory above the file itself while ${HTTP_MIB} MiB are fetched`,
        target: 64,
      },
    ];
  } finally {
    // Killed outright it would leave its workers behind.
    server.kill("SIGTERM");
  }
}

/** One way of fetching by TFTP, and what it is compared with. */
interface TftpCase {
  readonly server: "atftpd" | "tftpd-hpa";
  readonly blksize: number;
  readonly windowsize: number;
  readonly peer: "atftp" | "curl" | "tftp-hpa";
}

/** Each window with a peer and a server that have it; of the peers without windows all. */
const TFTP_CASES: readonly TftpCase[] = [
  ...[1, 16, 64].map((windowsize) => ({ server: "atftpd", blksize: BLKSIZE, windowsize, peer: "atftp" }) as const),
  { server: "tftpd-hpa", blksize: BLKSIZE, windowsize: 1, peer: "curl" },
  { server: "tftpd-hpa", blksize: 512, windowsize: 1, peer: "tftp-hpa" },
];

/** The least of all cases. */
async function tftpFigure(directory: string): Promise<Figure> {
  const { root } = await debianPackages(["atftpd", "atftp", "tftpd-hpa", "tftp-hpa"]);
  writeNoise(join(directory, "small"), TFTP_MIB);
  // For tftpd-hpa, which gives what everybody may read.
  chmodSync(directory, 0o755);
  const ports = { atftpd: await freeUdpPort(), "tftpd-hpa": await freeUdpPort() };
  const start = (program: string, ...words: readonly string[]): ChildProcess =>
    spawn(join(root, "usr/sbin", program), words, { stdio: "ignore" });
  const servers = [
    start(
      "atftpd",
      ...["--daemon", "--no-fork", "--port", `${ports.atftpd}`, "--bind-address", "127.0.0.1"],
      ...["--user", "root", "--logfile", "-", directory],
    ),
    start("in.tftpd", "-L", "-4", "-a", `127.0.0.1:${ports["tftpd-hpa"]}`, "-s", directory, "-u", "root"),
  ];
  try {
    await sleep(500);
    const cases: (ReturnType<typeof ratio> & { text: string })[] = [];
    for (const { server, blksize, windowsize, peer } of TFTP_CASES) {
      const port = ports[server];
      const url = `tftp://127.0.0.1:${port}/small`;
      const options = ["--option", `blksize ${blksize}`, "--option", `windowsize ${windowsize}`];
      const commands = {
        atftp: [
          join(root, "usr/bin/atftp"),
          ...options,
          "-g",
          "-r",
          "small",
          "-l",
          "/dev/null",
          "127.0.0.1",
          `${port}`,
        ],
        curl: ["curl", "-s", "--tftp-blksize", `${blksize}`, "-o", "/dev/null", url],
        "tftp-hpa": [
          join(root, "usr/bin/tftp"),
          "127.0.0.1",
          `${port}`,
          "-m",
          "binary",
          "-c",
          "get",
          "small",
          "/dev/null",
        ],
      };
      const [program = "", ...words] = commands[peer];
      const own: number[] = [];
      const theirs: number[] = [];
      for (let round = 0; round < ROUNDS; round++) {
        theirs.push(await timed(() => run(program, words)));
        own.push(
          await timed(async () => {
            const opened = await tftpTransport({ blksize, windowsize }).open(new URL(url), {});
            let size = 0;
            for await (const piece of opened.body) size += piece.length;
            if (size !== TFTP_MIB * 2 ** 20) throw new Error(`TFTP gave ${size} bytes`);
          }),
        );
      }
      const what = `${server} ${blksize}×${windowsize}`;
      cases.push({
        ...ratio(theirs, own),
        text: `${what}: ${median(own).toFixed(0)} ms, ${peer} ${median(theirs).toFixed(0)} ms`,
      });
    }
    const { value, range } = cases.reduce((least, next) => (next.value < least.value ? next : least));
    return {
      name: "net.tftpRatio",
      value,
      range,
      meaning: `rate of ${TFTP_MIB} MiB over TFTP to other clients', the least of: ${cases.map(({ text }) => text).join("; ")} (at least ${MIN_SECONDS})`,
      target: null,
    };
  } finally {
    for (const server of servers) server.kill("SIGKILL");
  }
}

async function freeUdpPort(): Promise<number> {
  const socket = createSocket("udp4");
  await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve));
  const { port } = socket.address();
  await new Promise<void>((resolve) => socket.close(() => resolve()));
  return port;
}

async function until(works: () => Promise<unknown>): Promise<void> {
  for (let tries = 0; ; tries++) {
    try {
      await works();
      return;
    } catch (error) {
      if (tries > 50) throw error;
      await sleep(100);
    }
  }
}
