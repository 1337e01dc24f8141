/**
 * Two network devices, t0 and t1, with a cable between them on which frames are lost, doubled, delayed and overtaken:
 * `badcable.ts FAULTS`, FAULTS as JSON. Each may be moved to a place of its own once `ready` is said.
 */

import { openSync, read, writeSync } from "node:fs";
import { callNow } from "../../../src/linux/libc.ts";
import { type Faults, unreliable } from "../relay.ts";

const TUNSETIFF = 0x400454ca;
const IFF_TAP = 2;
const IFF_NO_PI = 0x1000;
const MAX_FRAME_LENGTH = 65_536;

function openTap(name: string): number {
  const fd = openSync("/dev/net/tun", "r+");
  // struct ifreq
  const request = Buffer.alloc(40);
  request.write(name);
  request.writeUInt16LE(IFF_TAP | IFF_NO_PI, 16);
  callNow("ioctl", [fd, TUNSETIFF, request], { call: "ioctl", args: [fd, { word: "TUNSETIFF" }] });
  return fd;
}

const faults = JSON.parse(process.argv[2] ?? "{}") as Faults;
const ends = [openTap("t0"), openTap("t1")] as const;

for (const [from, to] of [ends, [ends[1], ends[0]]] as const) {
  const pass = unreliable(faults);
  const buffer = Buffer.alloc(MAX_FRAME_LENGTH);
  const send = (frame: Buffer): void => {
    try {
      writeSync(to, frame);
    } catch {
      // The other end is down.
    }
  };
  const next = (): void =>
    read(from, buffer, 0, buffer.length, null, (error, length) => {
      if (error) setTimeout(next, 10);
      else {
        pass(Buffer.from(buffer.subarray(0, length)), send);
        next();
      }
    });
  next();
}
console.log("ready");
