/**
 * The clock, where a machine has lost it (an empty battery shows 1970 or the year it was made): certificates can't be
 * checked by it. SNTP (RFC 4330) from the servers that DHCP names, else the Date of an HTTP server.
 */

import { execFile } from "node:child_process";
import { createSocket } from "node:dgram";
import { readFileSync } from "node:fs";
import { request } from "node:http";
import { promisify } from "node:util";
import { describeError } from "../errors.ts";
import { withDeadline } from "../linux/deadline.ts";
import { log } from "../log.ts";

/** When Baton began: no image of it is older. */
const BEGINNING = Date.UTC(2026, 0, 1);
/** From 1900 to 1970, in seconds. */
const NTP_EPOCH = 2_208_988_800;
const WAIT_MS = 4000;

/**
 * When the image's kernel was built, which no right clock stands before: the end of /proc/version is `Sat Nov 21 08:28:26
 * UTC 2026`, or `Debian 6.1.176-1 (2026-11-16)`. Where it says neither, 2026.
 */
export function earliestTime(version = readVersion()): number {
  const [, day] = /\((\d{4}-\d\d-\d\d)\)\s*$/.exec(version) ?? [];
  const [, date] = /((?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) \w{3} +\d+ [\d:]+ \w+ \d{4})\s*$/.exec(version) ?? [];
  const built = Date.parse(day ?? date ?? "");
  return Number.isFinite(built) ? Math.max(built, BEGINNING) : BEGINNING;
}

function readVersion(): string {
  try {
    return readFileSync("/proc/version", "utf8");
  } catch {
    return "";
  }
}

/**
 * Sets the clock if it stands before the image was made.
 * @param ntp servers that DHCP names
 * @param sites `http://host:port`, whose servers may be asked
 * @param set for tests
 * @returns whether it is right now
 */
export async function correctClock(
  ntp: readonly string[],
  sites: readonly string[],
  now = Date.now(),
  set: (time: number) => Promise<void> = setClock,
): Promise<boolean> {
  const earliest = earliestTime();
  if (now >= earliest) return true;
  for (const [what, ask] of [
    ...ntp.map((server) => [`NTP server ${server}`, () => askNtp(server)] as const),
    ...sites.map((site) => [`server ${site}`, () => askHttp(site)] as const),
  ]) {
    try {
      const time = await ask();
      if (time < earliest) {
        log.info(`${what}: it says ${new Date(time).toISOString()}, which can't be either`);
        continue;
      }
      await set(time);
      log.info(
        `the clock stood at ${new Date(now).toISOString()}; set to ${new Date(time).toISOString()} by the ${what}`,
      );
      return true;
    } catch (error) {
      log.info(`${what}: no time: ${describeError(error)}`);
    }
  }
  return false;
}

async function setClock(time: number): Promise<void> {
  // The image has busybox's programs under its own name alone.
  await promisify(execFile)("/bin/busybox", ["date", "-u", "-s", `@${Math.round(time / 1000)}`]);
}

/** @returns milliseconds since 1970 */
export function askNtp(server: string, port = 123): Promise<number> {
  const socket = createSocket(server.includes(":") ? "udp6" : "udp4");
  const answered = new Promise<number>((resolve, reject) => {
    socket.on("error", reject);
    socket.on("message", (message) => {
      // Mode 4 is a server's; stratum 0 says that it must not be asked.
      if (message.length < 48 || (message[0]! & 7) !== 4 || message[1] === 0) return;
      resolve((message.readUInt32BE(40) - NTP_EPOCH) * 1000);
    });
    const question = Buffer.alloc(48);
    question[0] = (4 << 3) | 3;
    socket.send(question, port, server, (error) => {
      if (error) reject(error);
    });
  });
  const late = (): Error => new Error(`no answer within ${WAIT_MS / 1000} s`);
  return withDeadline(answered, WAIT_MS, late).finally(() => socket.close());
}

/** By the Date of whatever it answers, a redirect or an error included. */
function askHttp(site: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const asked = request(`${site}/`, { method: "HEAD", timeout: WAIT_MS, agent: false }, (response) => {
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
