/**
 * What the kernel tells of the network by rtnetlink(7): links and IPv6 addresses that change, and what router
 * advertisements say that the kernel itself has no use for (name servers).
 */

import { type NetlinkListener, openNetlink } from "./netlinksocket.ts";

const NETLINK_ROUTE = 0;
/** Bits of struct sockaddr_nl: RTNLGRP_LINK is group 1, RTNLGRP_IPV6_IFADDR 9, RTNLGRP_ND_USEROPT 20. */
const GROUPS = (1 << 0) | (1 << 8) | (1 << 19);
const RTM_NEWNDUSEROPT = 68;
const HEADER = 16;
/** struct nduseroptmsg: family, padding, length of the options, interface, ICMP type and code, padding. */
const OPTION_HEADER = 16;
const ROUTER_ADVERTISEMENT = 134;

/** One option of a router advertisement (RFC 4861, 4.6), its type and length included. */
interface RouterOption {
  /** Index of the interface that it came in by. */
  readonly link: number;
  readonly bytes: Uint8Array;
}

/**
 * The listener alone doesn't keep the process running.
 * @param onChange a link or an IPv6 address is another than before; also where messages were lost
 * @throws LinuxError
 */
export function openRouteEvents(onChange: () => void, onOption: (option: RouterOption) => void): NetlinkListener {
  const group = {
    protocol: NETLINK_ROUTE,
    name: "NETLINK_ROUTE",
    groups: GROUPS,
    messageSize: 64 * 1024,
    receiveBuffer: 1024 * 1024,
    what: "Cables that are plugged in are not noticed any more",
  };
  const take = (message: Buffer): void => {
    for (const option of parseRouterOptions(message)) onOption(option);
    onChange();
  };
  return openNetlink(group, take, onChange);
}

/** The options in a datagram of netlink messages; none where it has other messages. */
export function parseRouterOptions(datagram: Buffer): RouterOption[] {
  const options: RouterOption[] = [];
  for (let at = 0; at + HEADER <= datagram.length; ) {
    const length = datagram.readUInt32LE(at);
    if (length < HEADER || at + length > datagram.length) break;
    const body = datagram.subarray(at + HEADER, at + length);
    if (datagram.readUInt16LE(at + 4) === RTM_NEWNDUSEROPT && body.length >= OPTION_HEADER) {
      const size = body.readUInt16LE(2);
      const bytes = body.subarray(OPTION_HEADER, OPTION_HEADER + size);
      if (body[8] === ROUTER_ADVERTISEMENT && bytes.length === size) {
        options.push({ link: body.readInt32LE(4), bytes: Uint8Array.from(bytes) });
      }
    }
    at += (length + 3) & ~3;
  }
  return options;
}
