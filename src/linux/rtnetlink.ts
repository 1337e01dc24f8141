/**
 * Network interfaces, addresses and routes by rtnetlink(7). Each request is answered by the kernel before the system
 * call that sends it returns, so nothing here blocks.
 */

import { isIPv6 } from "node:net";
import { BatonError } from "../errors.ts";
import { errnoNumber } from "./errno.ts";
import { LinuxError } from "./error.ts";
import { callForErrno, callNow } from "./libc.ts";

const AF_INET = 2;
const AF_INET6 = 10;
const AF_NETLINK = 16;
const SOCK_RAW_CLOEXEC = 3 | 0x80000;
const NETLINK_ROUTE = 0;
const MSG_DONTWAIT = 0x40;

const RTM_NEWLINK = 16;
const RTM_NEWADDR = 20;
const RTM_DELADDR = 21;
const RTM_NEWROUTE = 24;
const NLMSG_ERROR = 2;
const NLM_F_REQUEST = 1;
const NLM_F_ACK = 4;
const NLM_F_REPLACE = 0x100;
const NLM_F_EXCL = 0x200;
const NLM_F_CREATE = 0x400;

const IFF_UP = 1;
const IFLA_IFNAME = 3;
const IFLA_MTU = 4;
const IFLA_LINK = 5;
const IFLA_LINKINFO = 18;
const IFLA_INFO_KIND = 1;
const IFLA_INFO_DATA = 2;
const IFLA_VLAN_ID = 1;
const IFA_ADDRESS = 1;
const IFA_LOCAL = 2;
const IFA_BROADCAST = 4;
const RTA_DST = 1;
const RTA_OIF = 4;
const RTA_GATEWAY = 5;
const RTA_PRIORITY = 6;
const RT_TABLE_MAIN = 254;
const RTPROT_DHCP = 16;
const RT_SCOPE_UNIVERSE = 0;
const RT_SCOPE_LINK = 253;
const RTN_UNICAST = 1;

/** Lets an interface send and receive. @param index as /sys/class/net/NAME/ifindex */
export function setLinkUp(index: number, up = true): void {
  request(RTM_NEWLINK, 0, linkMessage(index, up ? IFF_UP : 0, IFF_UP), `set interface ${index} ${up ? "up" : "down"}`);
}

/** @param mtu bytes of a packet */
export function setMtu(index: number, mtu: number): void {
  const message = Buffer.concat([linkMessage(index, 0, 0), attribute(IFLA_MTU, u32(mtu))]);
  request(RTM_NEWLINK, 0, message, `set the MTU of interface ${index} to ${mtu}`);
}

/** Makes an interface for one VLAN of another's. @param id 1 to 4094 */
export function addVlan(parent: number, name: string, id: number): void {
  const data = Buffer.concat([
    attribute(IFLA_INFO_KIND, Buffer.from("vlan\0")),
    attribute(IFLA_INFO_DATA, attribute(IFLA_VLAN_ID, u16(id))),
  ]);
  const message = Buffer.concat([
    linkMessage(0, 0, 0),
    attribute(IFLA_IFNAME, Buffer.from(`${name}\0`)),
    attribute(IFLA_LINK, u32(parent)),
    attribute(IFLA_LINKINFO, data),
  ]);
  request(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, message, `make ${name} for VLAN ${id}`);
}

/**
 * @param bits of the network's prefix
 * @param broadcast of IPv4; the network's last address unless given
 */
export function addAddress(index: number, ip: string, bits: number, broadcast: string | null = null): void {
  const address = ipBytes(ip);
  const parts = [addressMessage(index, address, bits), attribute(IFA_LOCAL, address), attribute(IFA_ADDRESS, address)];
  if (address.length === 4 && bits < 31) {
    const last = Buffer.from(address);
    for (let bit = bits; bit < 32; bit++) last[bit >> 3]! |= 0x80 >> (bit & 7);
    parts.push(attribute(IFA_BROADCAST, broadcast === null ? last : ipBytes(broadcast)));
  }
  request(RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, Buffer.concat(parts), `give ${ip}/${bits} to interface ${index}`);
}

export function removeAddress(index: number, ip: string, bits: number): void {
  const address = ipBytes(ip);
  const message = Buffer.concat([addressMessage(index, address, bits), attribute(IFA_LOCAL, address)]);
  request(RTM_DELADDR, 0, message, `take ${ip}/${bits} from interface ${index}`);
}

/**
 * @param destination the network, `0.0.0.0` with 0 bits for all
 * @param gateway null where the network is on the link itself
 * @param metric the smaller, the sooner it is used
 */
export function addRoute(
  index: number,
  destination: string,
  bits: number,
  gateway: string | null,
  metric: number,
): void {
  const network = ipBytes(destination);
  const header = Buffer.alloc(12);
  header[0] = network.length === 16 ? AF_INET6 : AF_INET;
  header[1] = bits;
  header[4] = RT_TABLE_MAIN;
  header[5] = RTPROT_DHCP;
  header[6] = gateway === null ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
  header[7] = RTN_UNICAST;
  const message = Buffer.concat([
    header,
    ...(bits === 0 ? [] : [attribute(RTA_DST, network)]),
    ...(gateway === null ? [] : [attribute(RTA_GATEWAY, ipBytes(gateway))]),
    attribute(RTA_OIF, u32(index)),
    attribute(RTA_PRIORITY, u32(metric)),
  ]);
  const what = `route ${destination}/${bits}${gateway === null ? "" : ` by ${gateway}`} over interface ${index}`;
  request(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, message, what);
}

function linkMessage(index: number, flags: number, change: number): Buffer {
  const message = Buffer.alloc(16);
  message.writeInt32LE(index, 4);
  message.writeUInt32LE(flags, 8);
  message.writeUInt32LE(change, 12);
  return message;
}

function addressMessage(index: number, address: Uint8Array, bits: number): Buffer {
  const message = Buffer.alloc(8);
  message[0] = address.length === 16 ? AF_INET6 : AF_INET;
  message[1] = bits;
  message.writeUInt32LE(index, 4);
  return message;
}

/** struct rtattr: length, type, value, padded to four bytes. */
function attribute(type: number, value: Uint8Array): Buffer {
  const padded = Buffer.alloc((4 + value.length + 3) & ~3);
  padded.writeUInt16LE(4 + value.length, 0);
  padded.writeUInt16LE(type, 2);
  padded.set(value, 4);
  return padded;
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

function u16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16LE(value);
  return bytes;
}

/** Four bytes or sixteen. @throws BatonError `bad-format` */
export function ipBytes(text: string): Buffer {
  const bytes = text.split(".").map(Number);
  if (bytes.length === 4 && /^\d{1,3}(\.\d{1,3}){3}$/.test(text) && bytes.every((byte) => byte <= 255)) {
    return Buffer.from(bytes);
  }
  if (!isIPv6(text)) throw new BatonError("bad-format", `'${text}' is no IP address`);
  const [head = "", tail] = text.replace(/%.*$/, "").split("::");
  const groups = (part: string | undefined): string[] => (part ? part.split(":").flatMap(dotted) : []);
  const [left, right] = [groups(head), groups(tail)];
  const missing = tail === undefined ? 0 : 8 - left.length - right.length;
  const all = [...left, ...Array.from({ length: missing }, () => "0"), ...right];
  return Buffer.from(all.map((group) => group.padStart(4, "0")).join(""), "hex");
}

/** The last two groups may be written as an IPv4 address. */
function dotted(group: string): string[] {
  if (!group.includes(".")) return [group];
  const hex = Buffer.from(group.split(".").map(Number)).toString("hex");
  return [hex.slice(0, 4), hex.slice(4)];
}

/** @throws LinuxError with `what` was tried */
function request(type: number, flags: number, body: Uint8Array, what: string): void {
  const named = { call: "rtnetlink", args: [{ word: what }] };
  const message = Buffer.alloc(16 + body.length);
  message.writeUInt32LE(message.length, 0);
  message.writeUInt16LE(type, 4);
  message.writeUInt16LE(NLM_F_REQUEST | NLM_F_ACK | flags, 6);
  message.writeUInt32LE(1, 8);
  message.set(body, 16);
  const fd = callNow("socket", [AF_NETLINK, SOCK_RAW_CLOEXEC, NETLINK_ROUTE], named);
  try {
    const kernel = Buffer.alloc(12);
    kernel.writeUInt16LE(AF_NETLINK, 0);
    callNow("sendto", [fd, message, message.length, 0, kernel, kernel.length], named);
    const answer = Buffer.alloc(4096);
    const from = Buffer.alloc(12);
    const fromSize = u32(from.length);
    for (;;) {
      const size = callNow("recvfrom", [fd, answer, answer.length, MSG_DONTWAIT, from, fromSize], named);
      if (size < 20 || answer.readUInt16LE(4) !== NLMSG_ERROR) continue;
      const errno = -answer.readInt32LE(16);
      // What is there already is as it should be.
      if (errno !== 0 && errno !== errnoNumber("EEXIST")) throw new LinuxError("rtnetlink", what, errno);
      return;
    }
  } finally {
    callForErrno("close", [fd]);
  }
}
