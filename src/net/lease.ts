/** What a network told this machine: by DHCP, DHCPv6, router advertisements, or by hand. Pure. */

/** One answer. Names are DHCP's, the numbers its options (RFC 2132 and those named). */
export interface Lease {
  /** Where it came from: `DHCP from 10.0.2.2 on eth0`, `--lease`. */
  readonly origin: string;
  /** The interface, null where none is meant. */
  readonly interface: string | null;
  /** `52:54:00:12:34:56`. */
  readonly mac: string | null;
  /** Type of the network hardware (RFC 1700), 1 for Ethernet. */
  readonly hardwareType: number;
  /** This machine's address. */
  readonly ip: string | null;
  /** Option 1, dotted; for IPv6 null. */
  readonly netmask: string | null;
  /** For IPv6: bits of the network's prefix. */
  readonly prefixLength: number | null;
  /** Option 3. */
  readonly gateway: string | null;
  /** Option 6. */
  readonly dns: readonly string[];
  /** Option 12. */
  readonly hostname: string | null;
  /** Option 15. */
  readonly domain: string | null;
  /** Option 119 (RFC 3397). */
  readonly search: readonly string[];
  /** Option 28. */
  readonly broadcast: string | null;
  /** Option 26. */
  readonly mtu: number | null;
  /** Option 42. */
  readonly ntp: readonly string[];
  /** Option 121 (RFC 3442), or 33: networks and the routers to them. */
  readonly routes: readonly { readonly network: string; readonly bits: number; readonly router: string }[];
  /** This machine's SMBIOS UUID as it asks with it (option 97). */
  readonly uuid: string | null;
  /** What kind of client it asks as (option 93, RFC 4578), or a machine's name; null: this machine's own. */
  readonly arch: string | null;
  /** next-server (siaddr), else option 66; a name or an address. */
  readonly server: string | null;
  /** The boot file's name: the header's, else option 67. */
  readonly file: string | null;
  /** Option 209 (RFC 5071): the configuration's file name. */
  readonly conf: string | null;
  /** Option 210 (RFC 5071): where relative names start. */
  readonly prefix: string | null;
  /** A boot file's URL (DHCPv6's option 59, UEFI HTTP Boot, a URL as the boot file name). */
  readonly url: string | null;
  /** DHCPv6's option 60: parameters for the boot file. */
  readonly parameters: readonly string[];
  /** Option 175: iPXE's own settings by their names; those of them that Baton knows. */
  readonly ipxe: Readonly<Record<string, string>>;
  /** Option 17. */
  readonly rootPath: string | null;
  /** DHCPv4's options by number, as they came. */
  readonly options: ReadonlyMap<number, Uint8Array>;
  /** Option 54, or the address of the router that advertised. */
  readonly dhcpServer: string | null;
  /** Seconds that the address may be used (option 51); null for ever. */
  readonly seconds: number | null;
}

/** A lease that says nothing but what is given. */
export function lease(fields: Partial<Lease> & Pick<Lease, "origin">): Lease {
  return {
    interface: null,
    mac: null,
    hardwareType: 1,
    ip: null,
    netmask: null,
    prefixLength: null,
    gateway: null,
    dns: [],
    hostname: null,
    domain: null,
    search: [],
    mtu: null,
    broadcast: null,
    ntp: [],
    routes: [],
    uuid: null,
    arch: null,
    server: null,
    file: null,
    conf: null,
    prefix: null,
    url: null,
    parameters: [],
    ipxe: {},
    rootPath: null,
    options: new Map(),
    dhcpServer: null,
    seconds: null,
    ...fields,
  };
}

/** True where a lease says what to boot. */
export function namesBootFile({ file, conf, prefix, url }: Lease): boolean {
  return [file, conf, prefix, url].some((value) => value !== null && value !== "");
}

/** `01-52-54-00-12-34-56`, as PXELINUX's BOOTIF= and GRUB's file names have it; null without a hardware address. */
export function bootif({ mac, hardwareType }: Pick<Lease, "mac" | "hardwareType">): string | null {
  if (mac === null) return null;
  return `${hardwareType.toString(16).padStart(2, "0")}-${mac.toLowerCase().replace(/[:.]/g, "-")}`;
}

/** `0A000205` for 10.0.2.5; IPv6 in full, without colons; null for what is no address. */
export function hexAddress(ip: string | null): string | null {
  if (ip === null) return null;
  const bytes = ip.split(".").map(Number);
  const isV4 = bytes.length === 4 && bytes.every((byte) => Number.isInteger(byte) && byte >= 0 && byte <= 255);
  if (isV4) return bytes.map((byte) => byte.toString(16).toUpperCase().padStart(2, "0")).join("");
  return expandIpv6(ip)?.replaceAll(":", "").toUpperCase() ?? null;
}

/** Eight groups of four digits, `2001:0db8:…`; null for what is no IPv6 address. */
export function expandIpv6(ip: string): string | null {
  const [head = "", tail, more] = ip.replace(/%.*$/, "").split("::");
  if (more !== undefined || !ip.includes(":")) return null;
  const left = head === "" ? [] : head.split(":");
  const right = tail === undefined || tail === "" ? [] : tail.split(":");
  const missing = 8 - left.length - right.length;
  if (tail === undefined ? missing !== 0 : missing < 1) return null;
  const groups = [...left, ...Array.from({ length: tail === undefined ? 0 : missing }, () => "0"), ...right];
  if (!groups.every((group) => /^[0-9a-f]{1,4}$/i.test(group))) return null;
  return groups.map((group) => group.toLowerCase().padStart(4, "0")).join(":");
}
