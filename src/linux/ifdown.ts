/** Taking network interfaces down, so that no card goes on writing into memory that is another kernel's. */

import { readdirSync } from "node:fs";
import { callNow } from "./libc.ts";

const AF_INET = 2;
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0o2000000;
// include/uapi/linux/sockios.h, if.h
const SIOCGIFFLAGS = 0x8913;
const SIOCSIFFLAGS = 0x8914;
const IFF_UP = 1;
/** struct ifreq: 16 bytes of name, then the flags. */
const IFREQ_SIZE = 40;
const FLAGS_AT = 16;

/** All interfaces but the loopback's. */
export function networkInterfaces(folder = "/sys/class/net"): string[] {
  return readdirSync(folder).filter((name) => name !== "lo" && name.length < FLAGS_AT);
}

/**
 * Takes an interface down; no failure where it is down.
 * @throws LinuxError
 */
export function ifdown(name: string): void {
  const request = Buffer.alloc(IFREQ_SIZE);
  request.write(name, 0, FLAGS_AT - 1, "latin1");
  const fd = callNow("socket", [AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0], {
    call: "socket",
    args: [{ word: "AF_INET, SOCK_DGRAM" }, 0],
  });
  try {
    callNow("ioctl", [fd, SIOCGIFFLAGS, request], { call: "ioctl", args: [{ word: "SIOCGIFFLAGS" }, name] });
    const flags = request.readUInt16LE(FLAGS_AT);
    if ((flags & IFF_UP) === 0) return;
    request.writeUInt16LE(flags & ~IFF_UP, FLAGS_AT);
    callNow("ioctl", [fd, SIOCSIFFLAGS, request], { call: "ioctl", args: [{ word: "SIOCSIFFLAGS" }, name] });
  } finally {
    callNow("close", [fd], { call: "close", args: [fd] });
  }
}
