/** How long the network takes to the menu, in emulated machines (one CPU, 2 GiB), by the machine's own clock. */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { withBaton } from "../vm/baton.ts";
import { networkCard } from "../vm/network.ts";
import { type Figure, type Group, median } from "./figures.ts";

const ROUNDS = 3;
const MENU = "DEFAULT net\nLABEL net\n  KERNEL vmlinuz\n  APPEND quiet\n";
/** Everything that Baton does is on the serial line, with the kernel's time. */
const WORDS = "baton.timeout=-1 ignore_loglevel";
const LINKS = /\[ *([\d.]+)\] baton: network: eth0 \(/;
const LEASE = /\[ *([\d.]+)\] baton: DHCP from 10\.0\.2\.2 on eth\d: /;
const READY = /\[ *([\d.]+)\] baton: menu ready, [1-9]/;

interface Times {
  /** The drivers are loaded and the links known → an address. */
  readonly lease: number;
  /** The same → the first entry stands in the menu. */
  readonly menu: number;
}

/** @param silent cards without anything at their other end, before the one that has a network */
async function once(name: string, tftp: string, silent: number): Promise<Times> {
  const cards = Array.from({ length: silent }, (_, i) => networkCard("e1000", `hubport,hubid=${i}`, `net${i}`));
  const extra = [
    ...cards.flat(),
    ...networkCard("virtio-net-pci", `user,tftp=${tftp},bootfile=pxelinux.0`, `net${silent}`),
  ];
  return withBaton({ name, words: WORDS, extra }, async ({ serial }) => {
    const at = async (pattern: RegExp): Promise<number> => Number((await serial.waitFor(pattern)).match[1]);
    const [links, lease, ready] = [await at(LINKS), await at(LEASE), await at(READY)];
    return { lease: lease - links, menu: ready - links };
  });
}

async function measure(wanted: (name: string) => boolean, say: (text: string) => void): Promise<Figure[]> {
  const tftp = mkdtempSync(join(tmpdir(), "baton-bench-tftp-"));
  const figures: Figure[] = [];
  try {
    writeFileSync(join(tftp, "pxelinux.0"), "no real loader");
    mkdirSync(join(tftp, "pxelinux.cfg"));
    writeFileSync(join(tftp, "pxelinux.cfg/default"), MENU);
    const rounds = async (name: string, silent: number): Promise<Times[]> => {
      const times: Times[] = [];
      for (let round = 1; round <= ROUNDS; round++) {
        say(`${name}: round ${round} of ${ROUNDS}`);
        times.push(await once(name, tftp, silent));
      }
      return times;
    };
    const seconds = (times: readonly Times[], which: keyof Times): number => median(times.map((one) => one[which]));
    if (wanted("net.dhcpToMenuS")) {
      const value = seconds(await rounds("bench-net", 0), "menu");
      const meaning = "links known → the first entry in the menu, DHCP and TFTP over slirp, seconds (guest clock)";
      figures.push({ name: "net.dhcpToMenuS", value, meaning, target: null });
    }
    if (wanted("net.linkToLeaseS")) {
      const value = seconds(await rounds("bench-net-silent", 2), "lease");
      const meaning = "links known → a lease on the third card, two silent ones beside it, seconds (guest clock)";
      figures.push({ name: "net.linkToLeaseS", value, meaning, target: null });
    }
    return figures;
  } finally {
    rmSync(tftp, { recursive: true, force: true });
  }
}

export const netbootGroup: Group = { prefixes: ["net.dhcpToMenuS", "net.linkToLeaseS"], measure };
