/** Ties a socket of Node's to one network interface. */

import type { Socket } from "node:dgram";
import { BatonError } from "../errors.ts";
import { socketDescriptor } from "./datagram.ts";
import { callNow } from "./libc.ts";

const SOL_SOCKET = 1;
const SO_BINDTODEVICE = 25;

/**
 * From now on the socket sends and receives by this interface alone, whatever addresses and routes there are.
 * @param socket bound already
 * @throws LinuxError; BatonError `unsupported` where Node hides the socket's descriptor
 */
export function bindToDevice(socket: Socket, name: string): void {
  const fd = socketDescriptor(socket);
  if (fd === null) {
    throw new BatonError("unsupported", `${name}: this version of Node does not show a socket's file descriptor`);
  }
  const value = Buffer.from(`${name}\0`);
  const args = [fd, { word: "SO_BINDTODEVICE" }, name];
  callNow("setsockopt", [fd, SOL_SOCKET, SO_BINDTODEVICE, value, value.length], { call: "setsockopt", args });
}
