/** What an offer or an acknowledgement is worth, and the lease that it makes. Pure. */

import {
  addressList,
  classlessRoutes,
  type DhcpMessage,
  number16,
  number32,
  searchList,
  staticRoutes,
  zeroEnded,
} from "./dhcp4packet.ts";
import { ipxeOptions } from "./ipxeoptions.ts";
import { type Lease, lease } from "./lease.ts";
import type { Link } from "./links.ts";

/** An answer, and the address that it came from. */
export interface Heard {
  readonly message: DhcpMessage;
  /** Option 53. */
  readonly type: number;
  readonly from: string;
}

export const serverOf = ({ message, from }: Heard): string => {
  const id = message.options.get(54);
  return id?.length === 4 ? addressList(id)[0]! : from;
};

export const textOption = (heard: Heard, option: number): string =>
  zeroEnded(heard.message.options.get(option) ?? new Uint8Array());

const bootFileOf = (heard: Heard): string => heard.message.file || textOption(heard, 67);

export const hasBootFile = (heard: Heard): boolean =>
  bootFileOf(heard) !== "" || textOption(heard, 209) !== "" || textOption(heard, 210) !== "";

/** Where the boot file is iPXE itself: once it runs it asks anew, and is told its script. */
export const startsIpxe = (heard: Heard): boolean =>
  /(^|[/\\])(i?pxe|gpxe|undionly|snp(only)?|[^/\\]*ipxe[^/\\]*)\.(k?k?pxe|efi|0|lkrn)$/i.test(bootFileOf(heard)) ||
  /\.k?kpxe$/i.test(bootFileOf(heard));

/** It says itself that no proxy need be waited for, as iPXE's clients are told. */
export const needsNoProxy = (heard: Heard): boolean => {
  const { "no-pxedhcp": isAlone } = ipxeOptions(heard.message.options.get(175));
  return isAlone !== undefined && isAlone !== "0";
};

/** A server that says what to boot is worth more than one that only gives addresses; then counts iPXE's `priority`. */
export function worth(heard: Heard): number {
  const { priority = "0" } = ipxeOptions(heard.message.options.get(175));
  return (
    Number(priority) / 256 +
    (hasBootFile(heard) ? 4 : 0) +
    (heard.message.options.has(3) ? 2 : 0) +
    (heard.message.options.has(6) ? 1 : 0)
  );
}

/** siaddr; the name in option 66; Cisco's option 150; the header's name; else the server that answered. */
function bootServerOf(heard: Heard): string | null {
  const { siaddr, sname, options } = heard.message;
  if (siaddr !== "0.0.0.0") return siaddr;
  const named = textOption(heard, 66) || addressList(options.get(150))[0] || sname;
  return named || (bootFileOf(heard) !== "" ? serverOf(heard) : null);
}

export function withBootFile(base: Lease, heard: Heard): Lease {
  const name = bootFileOf(heard);
  const isUrl = /^[a-z][a-z0-9+.-]*:\/\//i.test(name);
  return {
    ...base,
    server: bootServerOf(heard) ?? base.server,
    file: isUrl ? null : name || base.file,
    url: isUrl ? name : base.url,
    conf: textOption(heard, 209) || base.conf,
    prefix: textOption(heard, 210) || base.prefix,
  };
}

/** @param uuid this machine's */
export function leaseOf(heard: Heard, link: Link, uuid: string | null): Lease {
  const { message } = heard;
  const { options } = message;
  const seconds = number32(options.get(51));
  const classless = classlessRoutes(options.get(121));
  const base = lease({
    origin: `DHCP from ${serverOf(heard)} on ${link.name}`,
    interface: link.name,
    mac: link.mac,
    hardwareType: link.hardwareType,
    ip: message.yiaddr,
    netmask: addressList(options.get(1))[0] ?? null,
    // RFC 3442: with option 121 the routers of option 3 are not used.
    gateway:
      classless.find(({ bits }) => bits === 0)?.router ??
      (classless.length > 0 ? null : (addressList(options.get(3))[0] ?? null)),
    dns: addressList(options.get(6)),
    hostname: textOption(heard, 12) || null,
    domain: textOption(heard, 15) || null,
    search: searchList(options.get(119)),
    mtu: number16(options.get(26)),
    broadcast: addressList(options.get(28))[0] ?? null,
    ntp: addressList(options.get(42)),
    routes: classless.length > 0 ? classless.filter(({ bits }) => bits > 0) : staticRoutes(options.get(33)),
    uuid,
    ipxe: ipxeOptions(options.get(175)),
    rootPath: textOption(heard, 17) || null,
    options,
    dhcpServer: serverOf(heard),
    seconds: seconds === null || seconds === 0xffffffff ? null : seconds,
  });
  const booting = withBootFile(base, heard);
  return hasBootFile(heard) ? booting : { ...booting, server: bootServerOf(heard) };
}

/** When to ask for more time, in seconds from the acknowledgement (RFC 2131, 4.4.5). */
export function renewalTimes({ message: { options } }: Heard, seconds: number): { renew: number; rebind: number } {
  const renew = number32(options.get(58)) ?? seconds / 2;
  const rebind = number32(options.get(59)) ?? seconds * 0.875;
  const isSane = renew > 0 && renew <= rebind && rebind <= seconds;
  return isSane ? { renew, rebind } : { renew: seconds / 2, rebind: seconds * 0.875 };
}
