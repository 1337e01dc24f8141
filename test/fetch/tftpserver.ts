/** TFTP servers to fetch from: Debian's tftpd-hpa, and one that does what it is told, however wrong. */

import { type ChildProcess, spawn } from "node:child_process";
import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import { existsSync } from "node:fs";

/** Null where it isn't installed, or this is not root. */
export async function startTftpd(directory: string): Promise<{ port: number; close(): void } | null> {
  const program = "/usr/sbin/in.tftpd";
  if (!existsSync(program) || process.getuid?.() !== 0) return null;
  const port = await freeUdpPort();
  const child: ChildProcess = spawn(program, ["-L", "-4", "-a", `127.0.0.1:${port}`, "-s", directory, "-u", "root"], {
    stdio: "ignore",
  });
  // It listens a moment later; the client asks again.
  return { port, close: () => child.kill("SIGKILL") };
}

export async function freeUdpPort(host = "127.0.0.1"): Promise<number> {
  const socket = createSocket(host.includes(":") ? "udp6" : "udp4");
  await new Promise<void>((resolve) => socket.bind(0, host, resolve));
  const { port } = socket.address();
  await new Promise<void>((resolve) => socket.close(() => resolve()));
  return port;
}

export interface Asked {
  readonly path: string;
  readonly options: ReadonlyMap<string, string>;
  /** Sends from the transfer's own port. */
  send(packet: Buffer): void;
  /** Sends from another port. */
  sendFromElsewhere(packet: Buffer): void;
  /** The client's next packet; null after so long without one. */
  next(ms?: number): Promise<Buffer | null>;
}

export interface OwnServer {
  readonly port: number;
  readonly requests: readonly string[];
  close(): void;
}

/** Answers each request by `answer`. */
export async function startOwnServer(answer: (asked: Asked) => Promise<void> | void): Promise<OwnServer> {
  const sockets = new Set<Socket>();
  const requests: string[] = [];
  const front = createSocket("udp4");
  sockets.add(front);
  front.on("message", (message, from) => {
    const [path = "", , ...words] = message.toString("latin1", 2).split("\0");
    const options = new Map<string, string>();
    for (let at = 0; at + 1 < words.length; at += 2) options.set(words[at]!, words[at + 1]!);
    requests.push(path);
    const [own, elsewhere] = [createSocket("udp4"), createSocket("udp4")];
    sockets.add(own).add(elsewhere);
    const waiting: Buffer[] = [];
    let wake: (() => void) | null = null;
    own.on("message", (packet: Buffer, _: RemoteInfo) => {
      waiting.push(packet);
      wake?.();
    });
    const next = async (ms = 3000): Promise<Buffer | null> => {
      if (waiting.length === 0) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, ms);
          timer.unref();
          wake = () => {
            clearTimeout(timer);
            resolve();
          };
        });
      }
      return waiting.shift() ?? null;
    };
    const by =
      (socket: Socket) =>
      (packet: Buffer): void => {
        try {
          socket.send(packet, from.port, from.address, () => {});
        } catch {
          // The test is over.
        }
      };
    const [send, sendFromElsewhere] = [by(own), by(elsewhere)];
    void answer({ path, options, send, sendFromElsewhere, next });
  });
  await new Promise<void>((resolve) => front.bind(0, "127.0.0.1", resolve));
  const close = (): void => {
    for (const socket of sockets) socket.close();
  };
  return { port: front.address().port, requests, close };
}

export const data = (block: number, bytes: Uint8Array): Buffer =>
  Buffer.concat([Buffer.from([0, 3, (block >> 8) & 0xff, block & 0xff]), bytes]);

export const error = (code: number, message: string): Buffer =>
  Buffer.concat([Buffer.from([0, 5, 0, code]), Buffer.from(`${message}\0`)]);

export const oack = (options: Readonly<Record<string, string | number>>): Buffer =>
  Buffer.concat([
    Buffer.from([0, 6]),
    Buffer.from(
      Object.entries(options)
        .map(([k, v]) => `${k}\0${v}\0`)
        .join(""),
    ),
  ]);
