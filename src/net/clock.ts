/**
 * The clock, where a machine has lost it (an empty battery shows 1970 or the year it was made): certificates can't be
 * checked by it. SNTP (RFC 4330) from the servers that DHCP names, else the Date of an HTTP server.
 */

import { execFile } from "node:child_process";
import { createSocket } from "node:dgram";
import { request } from "node:http";
import { promisify } from "node:util";
import { describeError } from "../errors.ts";
import { log } from "../log.ts";

/** A clock that stands before this version of Baton was made is wrong. */
export const EARLIEST = Date.UTC(2026, 0, 1);
/** From 1900 to 1970, in seconds. */
const NTP_EPOCH = 2_208_988_800;
const WAIT_MS = 2000;

export const isClockWrong = (now = Date.now()): boolean => now < EARLIEST;

/**
 * Sets the clock if it is wrong.
 * @param hosts whose HTTP servers may be asked
 * @returns whether it is right now
 */
export async function correctClock(ntp: readonly string[], hosts: readonly string[]): Promise<boolean> {
  if (!isClockWrong()) return true;
  for (const [what, ask] of [
    ...ntp.map((server) => [`NTP server ${server}`, () => askNtp(server)] as const),
    ...hosts.map((host) => [`HTTP server ${host}`, () => askHttp(host)] as const),
  ]) {
    try {
      const time = await ask();
      if (isClockWrong(time)) continue;
      await promisify(execFile)("date", ["-u", "-s", `@${Math.round(time / 1000)}`]);
      log.info(`the clock stood at ${new Date().toISOString()}; set to ${new Date(time).toISOString()} by the ${what}`);
      return true;
    } catch (error) {
      log.info(`${what}: no time: ${describeError(error)}`);
    }
  }
  return false;
}

/** @returns milliseconds since 1970 */
export function askNtp(server: string, port = 123): Promise<number> {
  return new Promise((resolve, reject) => {
    const socket = createSocket(server.includes(":") ? "udp6" : "udp4");
    const end = (error: Error | null, time = 0): void => {
      clearTimeout(timer);
      socket.close();
      if (error) reject(error);
      else resolve(time);
    };
    const timer = setTimeout(() => end(new Error(`no answer within ${WAIT_MS / 1000} s`)), WAIT_MS);
    socket.on("error", (error) => end(error));
    socket.on("message", (message) => {
      // Mode 4 is a server's; stratum 0 says that it must not be asked.
      if (message.length < 48 || (message[0]! & 7) !== 4 || message[1] === 0) return;
      end(null, (message.readUInt32BE(40) - NTP_EPOCH) * 1000);
    });
    const question = Buffer.alloc(48);
    question[0] = (4 << 3) | 3;
    socket.send(question, port, server);
  });
}

function askHttp(host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const asked = request(`http://${host}/`, { method: "HEAD", timeout: WAIT_MS, agent: false }, (response) => {
      response.resume();
      const time = Date.parse(response.headers.date ?? "");
      if (Number.isFinite(time)) resolve(time);
      else reject(new Error("its answer has no date"));
    });
    asked.on("timeout", () => asked.destroy(new Error(`no answer within ${WAIT_MS / 1000} s`)));
    asked.on("error", reject);
    asked.end();
  });
}
