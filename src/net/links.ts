/** Network interfaces: which there are, making them ready, and whether a cable is in. */

import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { basename, join } from "node:path";
import { describeError } from "../errors.ts";
import { addVlan, setLinkUp } from "../linux/rtnetlink.ts";
import { log } from "../log.ts";

export interface Link {
  /** `eth0`, or `eth0.5` for VLAN 5 of it. */
  readonly name: string;
  readonly index: number;
  /** `52:54:00:12:34:56`. */
  readonly mac: string;
  /** RFC 1700: 1 for Ethernet. */
  readonly hardwareType: number;
  /** The driver's name, null for what has none. */
  readonly driver: string | null;
}

const ROOT = "/sys/class/net";
/** ARPHRD_ETHER; and InfiniBand's. */
const ETHERNET = 1;

const attribute = (root: string, name: string, file: string): string | null => {
  try {
    return readFileSync(join(root, name, file), "utf8").trim();
  } catch {
    return null;
  }
};

/** Every Ethernet interface but the loopback and those that the kernel makes by itself, by name. */
export function listLinks(root = ROOT): Link[] {
  let names: string[];
  try {
    names = readdirSync(root);
  } catch {
    return [];
  }
  return names
    .sort((a, b) => a.localeCompare(b, "en", { numeric: true }))
    .flatMap((name) => {
      const hardwareType = Number(attribute(root, name, "type"));
      const mac = attribute(root, name, "address") ?? "";
      const index = Number(attribute(root, name, "ifindex"));
      // Tunnels and dummies have no cable that a server could be at the other end of.
      if (hardwareType !== ETHERNET || !/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/.test(mac)) return [];
      if (/^(dummy|ifb|bond|sit|teql)/.test(name)) return [];
      return [{ name, index, mac, hardwareType, driver: driverOf(root, name) }];
    });
}

function driverOf(root: string, name: string): string | null {
  try {
    return basename(readlinkSync(join(root, name, "device/driver")));
  } catch {
    return null;
  }
}

/** The interface that somebody means: by its name, or by its hardware address in any usual form. */
export function findLink(links: readonly Link[], wanted: string): Link | null {
  const plain = wanted.toLowerCase().replace(/[:-]/g, "");
  // BOOTIF=01-52-54-… has the hardware's type before the address.
  const mac = plain.length === 14 && plain.startsWith("01") ? plain.slice(2) : plain;
  return (
    links.find(({ name }) => name === wanted) ?? links.find((link) => link.mac.replaceAll(":", "") === mac) ?? null
  );
}

/** Sets a link up. @returns false where its driver refuses */
export function startLink(link: Link): boolean {
  try {
    setLinkUp(link.index);
    return true;
  } catch (error) {
    log.warn(`${link.name}: ${describeError(error)}`);
    return false;
  }
}

/** Sets every link down; what fails is logged. */
export function takeLinksDown(): void {
  for (const { name, index } of listLinks()) {
    try {
      setLinkUp(index, false);
    } catch (error) {
      log.warn(`${name}: ${describeError(error)}`);
    }
  }
}

/** Whether there is something at the other end; a link that is down has no carrier. */
export function hasCarrier({ name }: Pick<Link, "name">, root = ROOT): boolean {
  return attribute(root, name, "carrier") === "1";
}

/** The interface for one VLAN of a link, made where it isn't there yet. @throws LinuxError */
export function vlanOf(link: Link, id: number): Link | null {
  const name = `${link.name}.${id}`;
  setLinkUp(link.index);
  addVlan(link.index, name, id);
  return listLinks().find((other) => other.name === name) ?? null;
}
