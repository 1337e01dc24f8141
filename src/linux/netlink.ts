/** The kernel's uevents: what arrives, leaves or changes (lib/kobject_uevent.c). */

import { type NetlinkListener, openNetlink } from "./netlinksocket.ts";

const NETLINK_KOBJECT_UEVENT = 15;
/** Group 1 is the kernel's; udev repeats every event to group 2 in its own form. */
const KERNEL_GROUP = 1;
/** UEVENT_BUFFER_SIZE is 2048 and the header a path more; what doesn't fit is none of the kernel's. */
const MESSAGE_SIZE = 16 * 1024;
/** Bytes: room for a whole machine's worth of events while Baton is busy; the kernel takes memory only for what waits. */
const RECEIVE_BUFFER = 16 * 1024 * 1024;

/** One event of the kernel. */
export interface Uevent {
  /** `add` `remove` `change` `move` `bind` `unbind` `online` `offline`. */
  readonly action: string;
  /** Below /sys: `/devices/virtual/block/loop0`. */
  readonly devpath: string;
  /** `block`; empty where the event names none. */
  readonly subsystem: string;
  readonly properties: Readonly<Record<string, string>>;
}

/**
 * Listens to the kernel's uevents. The listener alone doesn't keep the process running.
 * @param onEvent gets every event in order; what it throws is logged
 * @param onLost events were lost because too many came at once: look at everything again
 * @param options.receiveBuffer bytes that may wait to be read
 * @param options.wanted events in which none of these texts stands are left out: loading a driver brings dozens that
 *   nobody asked for
 * @throws LinuxError
 */
export function openUevents(
  onEvent: (event: Uevent) => void,
  onLost: () => void = () => {},
  options: { readonly receiveBuffer?: number; readonly wanted?: readonly string[] } = {},
): NetlinkListener {
  const { receiveBuffer = RECEIVE_BUFFER, wanted = [""] } = options;
  const group = {
    protocol: NETLINK_KOBJECT_UEVENT,
    name: "NETLINK_KOBJECT_UEVENT",
    groups: KERNEL_GROUP,
    messageSize: MESSAGE_SIZE,
    receiveBuffer,
    what: "Devices that come and go are not noticed any more",
  };
  const take = (message: Buffer): void => {
    const event = wanted.some((text) => message.includes(text)) ? parseUevent(message) : null;
    if (event !== null) onEvent(event);
  };
  return openNetlink(group, take, onLost);
}

/**
 * Reads one message: `ACTION@DEVPATH`, then `KEY=VALUE` each, all ended by NUL.
 * @returns null for what isn't of that form, udev's own messages (which begin with `libudev`) included
 */
export function parseUevent(message: Uint8Array): Uevent | null {
  const [header, ...lines] = Buffer.from(message.buffer, message.byteOffset, message.byteLength)
    .toString("utf8")
    .split("\0");
  const parts = /^([a-z]+)@(\/.*)$/s.exec(header!);
  if (parts === null) return null;
  const properties: Record<string, string> = Object.create(null);
  for (const line of lines) {
    const equals = line.indexOf("=");
    if (equals > 0) properties[line.slice(0, equals)] = line.slice(equals + 1);
  }
  return { action: parts[1]!, devpath: parts[2]!, subsystem: properties.SUBSYSTEM ?? "", properties };
}
