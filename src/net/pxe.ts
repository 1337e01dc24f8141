/**
 * PXE's own options, within option 43 (PXE 2.1, table 2-1): a server that names no file may have a menu of boot servers,
 * each of which is asked on port 4011 for its file. Pure.
 */

import { type Heard, hasBootFile, serverOf, textOption } from "./dhcp4offer.ts";
import { addressList, subOptions } from "./dhcp4packet.ts";

const BOOT_SERVERS = 8;
const BOOT_MENU = 9;
const BOOT_ITEM = 71;

/** Whom to ask for the boot file, and with which words. */
export interface BootServer {
  readonly address: string;
  /** Option 43 of the question; null where there is no menu to choose from. */
  readonly vendor: Uint8Array | null;
  /** As the menu shows it; null likewise. */
  readonly title: string | null;
}

/** RFC 4578 and PXE 2.1, 2.2.3. */
export const isPxeServer = (heard: Heard): boolean =>
  /^(PXE|HTTP)Client/.test(textOption(heard, 60)) || hasBootFile(heard);

/**
 * Whom to ask on port 4011 for the file that this answer doesn't name: where there is a menu, the server of its first
 * choice that isn't the local disk.
 */
export function bootServerToAsk(heard: Heard): BootServer {
  const options = subOptions(heard.message.options.get(43));
  const [choice] = bootMenu(options.get(BOOT_MENU)).filter(({ type }) => type !== 0);
  if (choice === undefined) return { address: serverOf(heard), vendor: null, title: null };
  const listed = bootServers(options.get(BOOT_SERVERS)).get(choice.type);
  // Type and layer; the first layer is the boot file itself.
  const vendor = Uint8Array.of(BOOT_ITEM, 4, choice.type >> 8, choice.type & 0xff, 0, 0, 255);
  return { address: listed ?? serverOf(heard), vendor, title: choice.title };
}

/** Type of the boot server (two bytes), length, text. */
function bootMenu(bytes: Uint8Array | undefined): { type: number; title: string }[] {
  const items: { type: number; title: string }[] = [];
  for (let at = 0; bytes !== undefined && at + 3 <= bytes.length; ) {
    const end = at + 3 + bytes[at + 2]!;
    if (end > bytes.length) break;
    const title = Buffer.from(bytes.subarray(at + 3, end)).toString("utf8");
    items.push({ type: (bytes[at]! << 8) | bytes[at + 1]!, title });
    at = end;
  }
  return items;
}

/** Type, count, addresses; of each the first. */
function bootServers(bytes: Uint8Array | undefined): ReadonlyMap<number, string> {
  const servers = new Map<number, string>();
  for (let at = 0; bytes !== undefined && at + 3 <= bytes.length; ) {
    const end = at + 3 + bytes[at + 2]! * 4;
    if (end > bytes.length) break;
    const [first] = addressList(bytes.subarray(at + 3, end));
    if (first !== undefined) servers.set((bytes[at]! << 8) | bytes[at + 1]!, first);
    at = end;
  }
  return servers;
}
