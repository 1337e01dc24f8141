/** `--lease KEY=VALUE`: words that stand for a DHCP reply. */

import { BatonError } from "../../errors.ts";
import type { Platform } from "../../formats/format.ts";
import { machineOfArchitecture } from "../../net/clientfacts.ts";
import { type Lease, lease } from "../../net/lease.ts";

const KEYS = [
  ...(["mac", "ip", "hostname", "uuid", "arch", "server", "file", "conf", "prefix", "url"] as const),
  // More than a bootloader needs, and what `ip=` on a command line is made of.
  ...(["netmask", "gateway", "dns", "domain"] as const),
];
type Key = (typeof KEYS)[number];

/**
 * @returns null where none is given
 * @throws BatonError `usage`
 */
export function parseLease(words: readonly string[]): Lease | null {
  if (words.length === 0) return null;
  const values: Partial<Record<Key, string>> = {};
  for (const word of words) {
    const equals = word.indexOf("=");
    const key = KEYS.find((known) => known === word.slice(0, equals));
    if (key === undefined) {
      throw new BatonError("usage", `--lease ${word}: it is KEY=VALUE, and KEY one of ${KEYS.join(", ")}`);
    }
    const value = word.slice(equals + 1);
    if (value !== "") values[key] = value;
  }
  const { dns, mac, ...texts } = values;
  if (mac !== undefined && !/^[0-9a-f]{2}([:.-]?[0-9a-f]{2}){5,19}$/i.test(mac)) {
    throw new BatonError("usage", `--lease mac=${mac}: a hardware address is written as 52:54:00:12:34:56`);
  }
  return lease({
    origin: "--lease",
    ...texts,
    ...(mac === undefined
      ? {}
      : {
          mac: mac
            .toLowerCase()
            .match(/[0-9a-f]{2}/g)!
            .join(":"),
        }),
    ...(dns === undefined ? {} : { dns: dns.split(",") }),
  });
}

/** The machine that a lease's `arch` stands for: a number of option 93, or as `uname -m` says. */
export function leasePlatform(lease: Lease | null, platform: Platform): Platform {
  const text = lease?.arch;
  if (!text) return platform;
  const number = /^(0x[0-9a-f]+|\d+)$/i.test(text)
    ? Number(text)
    : /^00:[0-9a-f]{2}$/i.test(text)
      ? Number(`0x${text.slice(3)}`)
      : null;
  if (number === null) return { ...platform, arch: text };
  const known = machineOfArchitecture(number);
  if (known === null)
    throw new BatonError("usage", `--lease arch=${text}: no client architecture of that number is known`);
  return { ...platform, ...known };
}
