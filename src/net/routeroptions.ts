/** Name servers and search lists in router advertisements (RFC 8106). Pure. */

import { searchList } from "./dhcp4packet.ts";
import { ip6Text } from "./ip6.ts";

const RDNSS = 25;
const DNSSL = 31;

/** What routers on one link have said. */
export interface RouterNames {
  readonly dns: readonly string[];
  readonly search: readonly string[];
}

export const NO_NAMES: RouterNames = { dns: [], search: [] };

/**
 * @param bytes options as an advertisement has them: type, length in units of eight bytes, value
 * @returns `names` with what these say; a lifetime of zero takes names back
 */
export function withRouterOptions(names: RouterNames, bytes: Uint8Array): RouterNames {
  let { dns, search } = names;
  const all = Buffer.from(bytes);
  for (let at = 0; at + 8 <= all.length; ) {
    const length = all[at + 1]! * 8;
    if (length === 0 || at + length > all.length) break;
    const isOver = all.readUInt32BE(at + 4) === 0;
    const value = all.subarray(at + 8, at + length);
    if (all[at] === RDNSS) {
      const servers = Array.from({ length: Math.floor(value.length / 16) }, (_, i) => ip6Text(value.subarray(i * 16)));
      dns = merged(dns, servers, isOver);
    } else if (all[at] === DNSSL) search = merged(search, searchList(value), isOver);
    at += length;
  }
  return { dns, search };
}

function merged(known: readonly string[], named: readonly string[], isOver: boolean): readonly string[] {
  const others = known.filter((one) => !named.includes(one));
  return isOver ? others : [...others, ...named];
}
