/** Swap space, and swap space that holds a hibernated system (Linux: include/linux/swap.h, union swap_header). */

import type { Magic, Probe } from "./probe.ts";
import { labelText, uuidText } from "./text.ts";
import type { Window } from "./window.ts";

/** The signature is at the end of the first page, whatever size pages have. */
const PAGE_SIZES = [4096, 8192, 16384, 32768, 65536];

const atPageEnds = (signatures: readonly string[]): Magic[] =>
  PAGE_SIZES.flatMap((page) => signatures.map((bytes) => ({ at: page - 10, bytes })));

export const swap: Probe = {
  type: "swap",
  usage: "other",
  magics: atPageEnds(["SWAP-SPACE", "SWAPSPACE2"]),
  least: 10 * 4096,
  async read(window, magic) {
    if (magic?.bytes === "SWAP-SPACE") return { uuid: null, label: null, version: "0" };
    const header = await readHeader(window);
    return header && { ...header, version: "1" };
  },
};

/** Which way of hibernating wrote the signature, in blkid's words. */
const VERSIONS: Readonly<Record<string, string>> = {
  S1SUSPEND: "s1suspend",
  S2SUSPEND: "s2suspend",
  ULSUSPEND: "ulsuspend",
  LINHIB0001: "linhib0001",
  "\xed\xc3\x02\xe9\x98\x56\xe5\x0c": "tuxonice",
};

export const swsuspend: Probe = {
  type: "swsuspend",
  usage: "other",
  magics: [
    { at: 0, bytes: "\xed\xc3\x02\xe9\x98\x56\xe5\x0c" },
    ...atPageEnds(["S1SUSPEND", "S2SUSPEND", "ULSUSPEND", "LINHIB0001"]),
  ],
  async read(window, magic) {
    const header = (await readHeader(window)) ?? { uuid: null, label: null };
    const version = VERSIONS[magic?.bytes ?? ""];
    return version === undefined ? header : { ...header, version };
  },
};

async function readHeader(window: Window): Promise<{ uuid: string | null; label: string | null } | null> {
  const header = await window.bytes(1024, 44);
  if (!header) return null;
  // Written in the byte order of the machine that made it.
  const little = header.readUInt32LE(0) === 1;
  if (!little && header.readUInt32BE(0) !== 1) return null;
  const lastPage = little ? header.readUInt32LE(4) : header.readUInt32BE(4);
  if (lastPage === 0) return null;
  return { uuid: uuidText(header.subarray(12, 28)), label: labelText(header.subarray(28, 44)) };
}
