/**
 * netlink(7) sockets that listen to what the kernel tells everybody in a group. libuv's own poll watches them, so that
 * no thread waits and nothing is polled by a timer.
 */

import { describeError } from "../errors.ts";
import { log } from "../log.ts";
import { errnoNumber } from "./errno.ts";
import { LinuxError } from "./error.ts";
import { callForErrno, callNow, loadKoffi } from "./libc.ts";

const AF_NETLINK = 16;
const SOCK_DGRAM = 2;
const SOCK_NONBLOCK = 0x800;
const SOCK_CLOEXEC = 0x80000;
const SOL_SOCKET = 1;
const SO_RCVBUF = 8;
const SO_RCVBUFFORCE = 33;
const MSG_TRUNC = 0x20;
const MSG_DONTWAIT = 0x40;

/** struct sockaddr_nl (include/uapi/linux/netlink.h): family, padding, port, groups. */
const ADDRESS_SIZE = 12;
/** Events read at one go before the rest of the program gets its turn. */
const BATCH = 256;

interface NetlinkGroup {
  /** As include/uapi/linux/netlink.h has it, with its name for errors. */
  readonly protocol: number;
  readonly name: string;
  /** A bit for each of the first 32 groups. */
  readonly groups: number;
  /** Bytes of the longest message; what is longer counts as lost. */
  readonly messageSize: number;
  /** Bytes that may wait to be read. */
  readonly receiveBuffer: number;
  /** What is lost when the socket fails for good, for the log. */
  readonly what: string;
}

export interface NetlinkListener {
  close(): void;
}

/**
 * Closed before the process ends: Node runs its loop once more then, and an event that koffi tells JavaScript of at that
 * time, where no JavaScript may run, would abort the process.
 */
const listeners = new Set<NetlinkListener>();

process.on("exit", () => {
  for (const listener of listeners) listener.close();
});

/**
 * The listener alone doesn't keep the process running.
 * @param onMessage gets every message in order, valid until it returns; what it throws is logged
 * @param onLost messages were lost because too many came at once
 * @throws LinuxError
 */
export function openNetlink(
  group: NetlinkGroup,
  onMessage: (message: Buffer) => void,
  onLost: () => void,
): NetlinkListener {
  const fd = openSocket(group);
  let fdOpen = true;
  let turn: NodeJS.Immediate | null = null;
  // libuv calls back outside of Node's own turn, where exceptions and promises would be lost: go there first.
  const poll = watch(fd, () => {
    turn ??= setImmediate(drain);
  });
  const receive = receiver(fd, group.messageSize);

  function drain(): void {
    turn = null;
    // What is left after a batch, the level-triggered poll reports again in the next turn of the loop.
    for (let read = 0; read < BATCH && fdOpen; read++) {
      const message = receive();
      if (message === "empty") return;
      if (message === "lost") guarded(onLost);
      else if (message instanceof LinuxError) {
        log.error(`${group.what}: ${message.message}`);
        close();
      } else if (message !== "ignored") guarded(() => onMessage(message));
    }
  }

  function close(): void {
    if (!fdOpen) return;
    fdOpen = false;
    listeners.delete(listener);
    if (turn !== null) clearImmediate(turn);
    poll.close();
    callForErrno("close", [fd]);
  }
  const listener = { close };
  listeners.add(listener);
  return listener;
}

function guarded(callback: () => void): void {
  try {
    callback();
  } catch (error) {
    log.error(`A netlink listener failed: ${describeError(error)}`);
  }
}

function openSocket({ protocol, name, groups, receiveBuffer }: NetlinkGroup): number {
  const fd = callNow("socket", [AF_NETLINK, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol], {
    call: "socket",
    args: [{ word: "AF_NETLINK" }, { word: "SOCK_DGRAM" }, { word: name }],
  });
  const size = Buffer.alloc(4);
  size.writeUInt32LE(receiveBuffer);
  // The first needs CAP_NET_ADMIN; the second gives as much as the system allows. Neither is worth failing for.
  if (callForErrno("setsockopt", [fd, SOL_SOCKET, SO_RCVBUFFORCE, size, 4]) < 0) {
    callForErrno("setsockopt", [fd, SOL_SOCKET, SO_RCVBUF, size, 4]);
  }
  const address = Buffer.alloc(ADDRESS_SIZE);
  address.writeUInt16LE(AF_NETLINK, 0);
  address.writeUInt32LE(groups, 8);
  try {
    const shown = [fd, { word: `{AF_NETLINK, groups ${groups}}` }];
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
function receiver(fd: number, messageSize: number): () => Buffer | LinuxError | "empty" | "ignored" | "lost" {
  const message = Buffer.allocUnsafeSlow(messageSize);
  const sender = Buffer.alloc(ADDRESS_SIZE);
  const senderSize = Buffer.alloc(4);
  const [EAGAIN, EINTR, ENOBUFS] = [errnoNumber("EAGAIN"), errnoNumber("EINTR"), errnoNumber("ENOBUFS")];
  return () => {
    senderSize.writeUInt32LE(ADDRESS_SIZE);
    const size = callForErrno("recvfrom", [fd, message, messageSize, MSG_DONTWAIT | MSG_TRUNC, sender, senderSize]);
    if (size === -EAGAIN) return "empty";
    if (size === -EINTR) return "ignored";
    if (size === -ENOBUFS) return "lost";
    if (size < 0) return new LinuxError("recvfrom", `${fd}`, -size);
    // Any process may send to a group with the right capability; only the kernel's port is 0.
    if (sender.readUInt32LE(4) !== 0) return "ignored";
    return size > messageSize ? "lost" : message.subarray(0, size);
  };
}
