/** A DHCP server that offers an address and then refuses it. */

import { createSocket } from "node:dgram";
import { addressBytes, DHCP, decodeMessage, encodeQuestion } from "../../../src/net/dhcp4packet.ts";

const socket = createSocket("udp4");
socket.on("message", (bytes) => {
  const question = decodeMessage(bytes);
  if (question === null) return;
  const isRequest = question.options.get(53)?.[0] === DHCP.request;
  const answer = encodeQuestion({
    ...{ xid: question.xid, mac: question.chaddr, hardwareType: 1, secs: 0, broadcast: true },
    options: [
      [53, Uint8Array.of(isRequest ? DHCP.nak : DHCP.offer)],
      [54, addressBytes("10.77.0.1")],
      ...(isRequest ? [[56, Buffer.from("no room")] as const] : []),
    ],
  });
  answer[0] = 2;
  if (!isRequest) answer.set(addressBytes("10.77.0.50"), 16);
  socket.send(answer, 68, "255.255.255.255");
});
socket.bind(67, () => {
  socket.setBroadcast(true);
  console.log("ready");
});
