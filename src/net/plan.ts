/** How links are to get their addresses: Baton's configuration and the kernel's `ip=`. Pure. */

/** For one link, or for all that no other plan names. */
export interface LinkPlan {
  /** A name or a hardware address; null for every link. */
  readonly link: string | null;
  readonly method: "auto" | "dhcp" | "static" | "none";
  readonly ip: string | null;
  readonly bits: number | null;
  readonly gateway: string | null;
  readonly dns: readonly string[];
  /** VLAN of the link, 1 to 4094. */
  readonly vlan: number | null;
  /** What a static address boots from. */
  readonly server: string | null;
  readonly hostname: string | null;
}

const plan = (fields: Partial<LinkPlan> & Pick<LinkPlan, "method">): LinkPlan => ({
  ...{ link: null, ip: null, bits: null, gateway: null, dns: [], vlan: null, server: null, hostname: null },
  ...fields,
});

/** Everything that can be asked for an address, and IPv4 as well as IPv6. */
export const AUTOMATIC: readonly LinkPlan[] = [plan({ method: "auto" })];

/**
 * `network:` of the configuration, in petitboot's words: `no`; `auto`; `LINK,dhcp`; `LINK,no`;
 * `LINK,static,ADDRESS/BITS[,GATEWAY]`; `dns,ADDRESS[,ADDRESS]`. LINK is a name or a hardware address, with `.5` behind it
 * for VLAN 5.
 * @returns a sentence for each word that isn't understood
 */
export function parsePlans(words: readonly string[]): { plans: readonly LinkPlan[]; problems: readonly string[] } {
  const problems: string[] = [];
  const plans: LinkPlan[] = [];
  const dns: string[] = [];
  for (const word of words) {
    const [name = "", method = "", ...rest] = word.trim().split(",");
    if (/^(no|none|off|never)$/.test(word)) return { plans: [plan({ method: "none" })], problems };
    const at = linkOf(name);
    if (at.vlan !== null && !isVlan(at.vlan)) problems.push(`network: ${word}: VLANs have the numbers 1 to 4094`);
    else if (word === "auto") plans.push(plan({ method: "auto" }));
    else if (name === "dns") dns.push(method, ...rest);
    else if (method === "auto" || method === "dhcp") plans.push(plan({ ...at, method }));
    else if (method === "no" || method === "none") plans.push(plan({ ...at, method: "none" }));
    else if (method === "static" && rest[0] !== undefined) {
      const [ip = "", bits = ""] = rest[0].split("/");
      if (!isAddress(ip) || !/^\d{1,3}$/.test(bits)) problems.push(`network: ${word}: ADDRESS/BITS is missing`);
      else plans.push(plan({ ...at, method: "static", ip, bits: Number(bits), gateway: rest[1] || null }));
    } else
      problems.push(
        `network: ${word}: it is no, auto, prefer, require, LINK,dhcp, LINK,static,ADDRESS/BITS,GATEWAY or dns,ADDRESS`,
      );
  }
  const all = plans.length > 0 ? plans : AUTOMATIC;
  return { plans: all.map((one) => ({ ...one, dns: [...one.dns, ...dns] })), problems };
}

function linkOf(name: string): Pick<LinkPlan, "link" | "vlan"> {
  const [, parent, vlan] = /^([\w:-]+)\.(\d{1,4})$/.exec(name) ?? [];
  return parent === undefined ? { link: name, vlan: null } : { link: parent, vlan: Number(vlan) };
}

const isVlan = (id: number): boolean => id >= 1 && id <= 4094;

const isAddress = (text: string): boolean => /^[0-9.]+$|^[0-9a-f:.]+:[0-9a-f:.]*$/i.test(text);

/**
 * `ip=` as the kernel has it (Documentation/admin-guide/nfs/nfsroot.rst): `off`, `dhcp` and the like, `DEVICE:dhcp`, or
 * CLIENT:SERVER:GATEWAY:NETMASK:HOSTNAME:DEVICE:AUTOCONF:DNS0:DNS1. IPv6 addresses stand in brackets, as dracut has them.
 * @returns null where the word says nothing
 */
export function parseKernelIp(value: string): LinkPlan | null {
  const method = (word: string | undefined): LinkPlan["method"] | null => {
    if (word === undefined || word === "") return null;
    if (["off", "none"].includes(word)) return "none";
    if (["on", "any", "auto", "both"].includes(word)) return "auto";
    if (/^(dhcp6?|bootp|rarp|auto6|either6)$/.test(word)) return word.endsWith("6") ? "auto" : "dhcp";
    return null;
  };
  const parts = [...value.matchAll(/(\[[^\]]*\]|[^:]*)(?::|$)/g)].map((match) => match[1]!.replace(/^\[|\]$/g, ""));
  const alone = method(parts[0]);
  if (alone !== null) return plan({ method: alone });
  const short = method(parts[1]);
  if (short !== null && parts.length <= 3) return plan({ ...(parts[0] ? linkOf(parts[0]) : {}), method: short });
  const [ip, server, gateway, mask, hostname, device, autoconf, dns0, dns1] = parts;
  const way = method(autoconf);
  const shared = { ...(device ? linkOf(device) : {}), server: server || null, hostname: hostname || null };
  if (!ip) return way === null ? null : plan({ ...shared, method: way });
  const bits = mask ? bitsOf(mask) : ip.includes(":") ? 64 : classBits(ip);
  if (!isAddress(ip) || bits === null) return null;
  const dns = [dns0, dns1].filter((text): text is string => text !== undefined && isAddress(text));
  return plan({ ...shared, method: "static", ip, bits, gateway: gateway || null, dns });
}

/**
 * The kernel command line's `ip=` words, with `vlan=NAME:LINK` as dracut has it (dracut.cmdline(7): `vlan5`, `vlan0005`,
 * `eth0.5` and `eth0.0005` are names of VLAN 5). A VLAN that no `ip=` names gets its address by itself.
 * @param words of the command line
 */
export function kernelPlans(words: readonly string[]): { plans: readonly LinkPlan[]; problems: readonly string[] } {
  const problems: string[] = [];
  const plans: LinkPlan[] = [];
  const vlans = new Map<string, { readonly link: string; readonly vlan: number }>();
  for (const word of words) {
    const [, name, link] = /^vlan=([^:]+):(.+)$/.exec(word) ?? [];
    const id = Number(/(?:^vlan|\.)(\d{1,4})$/.exec(name ?? "")?.[1]);
    if (name !== undefined && isVlan(id)) vlans.set(name, { link: link!, vlan: id });
    else if (word.startsWith("vlan=")) problems.push(`kernel command line: ${word}: it is vlan=NAME.NUMBER:LINK`);
    if (!word.startsWith("ip=")) continue;
    const read = parseKernelIp(word.slice(3));
    if (read !== null) plans.push(read);
    else problems.push(`kernel command line: ${word}: it says nothing that Baton understands`);
  }
  const isSame = (one: LinkPlan, vlan: { link: string; vlan: number }): boolean =>
    one.link === vlan.link && one.vlan === vlan.vlan;
  const placed = plans.map((one) => ({ ...one, ...(one.link === null ? {} : vlans.get(one.link)) }));
  const alone = [...vlans.values()].filter((vlan) => !placed.some((one) => isSame(one, vlan)));
  return { plans: [...placed, ...alone.map((vlan) => plan({ ...vlan, method: "auto" }))], problems };
}

/** `255.255.255.0` or `24`. */
function bitsOf(mask: string): number | null {
  if (/^\d{1,3}$/.test(mask)) return Number(mask);
  const value = mask.split(".").reduce((sum, byte) => sum * 256 + Number(byte), 0);
  const bits = 32 - Math.log2(2 ** 32 - value);
  return Number.isInteger(bits) ? bits : null;
}

/** What the kernel assumes of an address without a netmask. */
function classBits(ip: string): number {
  const first = Number(ip.split(".")[0]);
  return first < 128 ? 8 : first < 192 ? 16 : 24;
}
