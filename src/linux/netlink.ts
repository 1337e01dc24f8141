/**
 * The kernel's uevents: what arrives, leaves or changes (lib/kobject_uevent.c). Read from a netlink socket that
 * libuv's own poll watches, so that no thread waits and nothing is polled by a timer.
 */

import { describeError } from "../errors.ts";
import { log } from "../log.ts";
import { errnoNumber } from "./errno.ts";
import { LinuxError } from "./error.ts";
import { callForErrno, callNow, loadKoffi } from "./libc.ts";

const AF_NETLINK = 16;
const NETLINK_KOBJECT_UEVENT = 15;
const SOCK_DGRAM = 2;
const SOCK_NONBLOCK = 0x800;
const SOCK_CLOEXEC = 0x80000;
const SOL_SOCKET = 1;
const SO_RCVBUF = 8;
const SO_RCVBUFFORCE = 33;
const MSG_TRUNC = 0x20;
const MSG_DONTWAIT = 0x40;
/** Group 1 is the kernel's; udev repeats every event to group 2 in its own form. */
const KERNEL_GROUP = 1;

/** UEVENT_BUFFER_SIZE is 2048 and the header a path more; what doesn't fit is none of the kernel's. */
const MESSAGE_SIZE = 16 * 1024;
/** Bytes: room for a whole machine's worth of events while Baton is busy; the kernel takes memory only for what waits. */
const RECEIVE_BUFFER = 16 * 1024 * 1024;
/** Events read at one go before the rest of the program gets its turn. */
const BATCH = 256;

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

export interface UeventListener {
  close(): void;
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
): UeventListener {
  const { receiveBuffer = RECEIVE_BUFFER, wanted = [""] } = options;
  const fd = openSocket(receiveBuffer);
  let fdOpen = true;
  let turn: NodeJS.Immediate | null = null;
  // libuv calls back outside of Node's own turn, where exceptions and promises would be lost: go there first.
  const poll = watch(fd, () => {
    turn ??= setImmediate(drain);
  });
  const receive = receiver(fd, wanted);

  function drain(): void {
    turn = null;
    // What is left after a batch, the level-triggered poll reports again in the next turn of the loop.
    for (let read = 0; read < BATCH && fdOpen; read++) {
      const message = receive();
      if (message === "empty") return;
      if (message === "lost") guarded(onLost);
      else if (message instanceof LinuxError) {
        log.error(`Devices that come and go are not noticed any more: ${message.message}`);
        close();
      } else if (message !== "ignored") guarded(() => onEvent(message));
    }
  }

  function close(): void {
    if (!fdOpen) return;
    fdOpen = false;
    if (turn !== null) clearImmediate(turn);
    poll.close();
    callForErrno("close", [fd]);
  }
  return { close };
}

function guarded(callback: () => void): void {
  try {
    callback();
  } catch (error) {
    log.error(`A uevent listener failed: ${describeError(error)}`);
  }
}

/** struct sockaddr_nl (include/uapi/linux/netlink.h): family, padding, port, groups. */
const ADDRESS_SIZE = 12;

function openSocket(receiveBuffer: number): number {
  const fd = callNow("socket", [AF_NETLINK, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, NETLINK_KOBJECT_UEVENT], {
    call: "socket",
    args: [{ word: "AF_NETLINK" }, { word: "SOCK_DGRAM" }, { word: "NETLINK_KOBJECT_UEVENT" }],
  });
  const size = Buffer.alloc(4);
  size.writeUInt32LE(receiveBuffer);
  // The first needs CAP_NET_ADMIN; the second gives as much as the system allows. Neither is worth failing for.
  if (callForErrno("setsockopt", [fd, SOL_SOCKET, SO_RCVBUFFORCE, size, 4]) < 0) {
    callForErrno("setsockopt", [fd, SOL_SOCKET, SO_RCVBUF, size, 4]);
  }
  const address = Buffer.alloc(ADDRESS_SIZE);
  address.writeUInt16LE(AF_NETLINK, 0);
  address.writeUInt32LE(KERNEL_GROUP, 8);
  try {
    const shown = [fd, { word: `{AF_NETLINK, groups ${KERNEL_GROUP}}` }];
    callNow("bind", [fd, address, ADDRESS_SIZE], { call: "bind", args: shown });
  } catch (error) {
    callForErrno("close", [fd]);
    throw error;
  }
  return fd;
}

/** Watches a file descriptor by libuv's poll, without keeping the process running for it. */
function watch(fd: number, onReadable: () => void): { close(): void } {
  try {
    const poll = loadKoffi().node.poll(fd, { readable: true }, onReadable);
    poll.unref();
    return poll;
  } catch (error) {
    callForErrno("close", [fd]);
    throw error;
  }
}

/** A function that takes one message off the socket. */
function receiver(fd: number, wanted: readonly string[]): () => Uevent | LinuxError | "empty" | "ignored" | "lost" {
  const message = Buffer.allocUnsafeSlow(MESSAGE_SIZE);
  const sender = Buffer.alloc(ADDRESS_SIZE);
  const senderSize = Buffer.alloc(4);
  const [EAGAIN, EINTR, ENOBUFS] = [errnoNumber("EAGAIN"), errnoNumber("EINTR"), errnoNumber("ENOBUFS")];
  return () => {
    senderSize.writeUInt32LE(ADDRESS_SIZE);
    const size = callForErrno("recvfrom", [fd, message, MESSAGE_SIZE, MSG_DONTWAIT | MSG_TRUNC, sender, senderSize]);
    if (size === -EAGAIN) return "empty";
    if (size === -EINTR) return "ignored";
    if (size === -ENOBUFS) return "lost";
    if (size < 0) return new LinuxError("recvfrom", `${fd}`, -size);
    // Any process may send to a group with the right capability; only the kernel's port is 0.
    if (sender.readUInt32LE(4) !== 0) return "ignored";
    if (size > MESSAGE_SIZE) return "lost";
    const received = message.subarray(0, size);
    return (wanted.some((text) => received.includes(text)) && parseUevent(received)) || "ignored";
  };
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
