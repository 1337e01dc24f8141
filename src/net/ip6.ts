/** IPv6 addresses as text, and those that this machine has. */

import { readFileSync } from "node:fs";

/** `2001:db8::5`, the longest run of zeros left out. */
export function ip6Text(bytes: Uint8Array): string {
  const groups = Array.from({ length: 8 }, (_, i) => ((bytes[i * 2]! << 8) | bytes[i * 2 + 1]!).toString(16));
  const runs = [...groups.join(":").matchAll(/(?:^|(?<=:))0(?::0)+(?=:|$)/g)].sort((a, b) => b[0].length - a[0].length);
  const [run] = runs;
  if (run === undefined) return groups.join(":");
  const text = groups.join(":");
  return `${text.slice(0, run.index).replace(/:$/, "")}::${text.slice(run.index + run[0].length).replace(/^:/, "")}`;
}

/** Every whole address in an option that is a list of them. */
export function ip6List(bytes: Uint8Array | null): string[] {
  const count = Math.floor((bytes?.length ?? 0) / 16);
  return Array.from({ length: count }, (_, i) => ip6Text(bytes!.subarray(i * 16)));
}

/** An address as /proc/net/if_inet6 lists it. */
export interface Address6 {
  readonly ip: string;
  readonly bits: number;
  readonly isLinkLocal: boolean;
  /** Whether nobody else has it is still being found out. */
  readonly isTentative: boolean;
}

export function parseIfInet6(text: string, name: string): Address6[] {
  return text.split("\n").flatMap((line) => {
    const [hex = "", , bits = "", scope, flags = "", device] = line.trim().split(/\s+/);
    if (device !== name || hex.length !== 32) return [];
    return [
      {
        ip: ip6Text(Buffer.from(hex, "hex")),
        bits: Number.parseInt(bits, 16),
        isLinkLocal: scope === "20",
        isTentative: (Number.parseInt(flags, 16) & 0x40) !== 0,
      },
    ];
  });
}

/** An interface's addresses that can be used. */
export function addressesOf({ name }: { readonly name: string }): Address6[] {
  try {
    return parseIfInet6(readFileSync("/proc/net/if_inet6", "utf8"), name).filter((one) => !one.isTentative);
  } catch {
    return [];
  }
}

/** Whether a router has told of a network on this link: /proc/net/ipv6_route has one that is neither local nor a group. */
export function hasNetwork6({ name }: { readonly name: string }): boolean {
  try {
    return readFileSync("/proc/net/ipv6_route", "utf8")
      .split("\n")
      .some((line) => {
        const [network = "", bits = ""] = line.split(/\s+/);
        return line.trimEnd().endsWith(` ${name}`) && bits !== "80" && !/^f[ef]/.test(network);
      });
  } catch {
    return false;
  }
}
