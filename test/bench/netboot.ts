/**
 * How long the network takes: to the menu in an emulated machine (one CPU, 2 GiB, its own clock), to a lease in network
 * namespaces of this host, with dnsmasq.
 */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { withBaton } from "../vm/baton.ts";
import { World } from "../vm/namespaces.ts";
import { networkCard } from "../vm/network.ts";
import { type Figure, type Group, median } from "./figures.ts";

const ROUNDS = 3;
const MENU = "DEFAULT net\nLABEL net\n  KERNEL vmlinuz\n  APPEND quiet\n";
/** Everything that Baton does is on the serial line, with the kernel's time. */
const WORDS = "baton.timeout=-1 ignore_loglevel";
const LINKS = /\[ *([\d.]+)\] baton: network: eth0 \(/;
const READY = /\[ *([\d.]+)\] baton: menu ready, [1-9]/;

type Say = (text: string) => void;

/** Links known → the first entry stands in the menu, in seconds. */
async function toMenu(tftp: string): Promise<number> {
  const extra = networkCard("virtio-net-pci", `user,tftp=${tftp},bootfile=pxelinux.0`);
  return withBaton({ name: "bench-net", words: WORDS, extra }, async ({ serial }) => {
    const at = async (pattern: RegExp): Promise<number> => Number((await serial.waitFor(pattern)).match[1]);
    const links = await at(LINKS);
    return (await at(READY)) - links;
  });
}

/** Links known → a lease on the third, whose two neighbours have a carrier and nobody who answers, in seconds. */
async function toLease(): Promise<number> {
  const works: (() => unknown)[] = [];
  try {
    const world = new World({ after: (work) => works.push(work) });
    const [server, machine] = [await world.place(), await world.place()];
    for (const number of [0, 1, 2]) {
      await world.cable(server, `s${number}`, machine, `eth${number}`);
      await server.ip(`link set s${number} up`);
    }
    await server.ip("addr add 10.77.0.1/24 dev s2");
    await server.dnsmasq(
      ...["--port=0", "--interface=s2", "--bind-interfaces", "--dhcp-range=10.77.0.50,10.77.0.99"],
      "--dhcp-boot=tftp://10.77.0.1/x/",
    );
    const client = await machine.baton({ addressMs: 5000 });
    const at = async (pattern: RegExp): Promise<number> => Number((await client.waitFor(pattern))[1]);
    const links = await at(/^log (\d+) network: eth0 /m);
    return ((await at(/^log (\d+) DHCP from 10\.77\.0\.1 on eth2: /m)) - links) / 1000;
  } finally {
    for (const work of works.toReversed()) work();
  }
}

async function rounds(name: string, measureOne: () => Promise<number>, say: Say): Promise<number> {
  const times: number[] = [];
  for (let round = 1; round <= ROUNDS; round++) {
    say(`${name}: round ${round} of ${ROUNDS}`);
    times.push(await measureOne());
  }
  return median(times);
}

async function measure(wanted: (name: string) => boolean, say: Say): Promise<Figure[]> {
  const tftp = mkdtempSync(join(tmpdir(), "baton-bench-tftp-"));
  const figures: Figure[] = [];
  try {
    mkdirSync(join(tftp, "pxelinux.cfg"));
    writeFileSync(join(tftp, "pxelinux.0"), "no real loader");
    writeFileSync(join(tftp, "pxelinux.cfg/default"), MENU);
    if (wanted("net.dhcpToMenuS")) {
      const value = await rounds("DHCP to menu", () => toMenu(tftp), say);
      const meaning = "links known → the first entry in the menu, DHCP and TFTP over slirp, seconds (guest clock)";
      figures.push({ name: "net.dhcpToMenuS", value, meaning, target: null });
    }
    if (wanted("net.linkToLeaseS")) {
      const value = await rounds("link up to lease", toLease, say);
      const meaning = "links set up → a lease from dnsmasq on the third, two silent ones beside it, seconds";
      figures.push({ name: "net.linkToLeaseS", value, meaning, target: null });
    }
    return figures;
  } finally {
    rmSync(tftp, { recursive: true, force: true });
  }
}

export const netbootGroup: Group = { prefixes: ["net.dhcpToMenuS", "net.linkToLeaseS"], measure };
