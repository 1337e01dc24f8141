/** The other end of a machine's cable, frame by frame (QEMU's `socket` backend): a DHCP server that lives on one VLAN. */

import { createSocket, type Socket } from "node:dgram";
import type { TestContext } from "node:test";
import { addressBytes, DHCP, decodeMessage, encodeQuestion } from "../../src/net/dhcp4packet.ts";

const ETHERTYPE_VLAN = 0x8100;
const ETHERTYPE_IPV4 = 0x0800;
const UDP = 17;
const SERVER = "10.7.0.1";
const SERVER_MAC = Buffer.from("525400000777", "hex");

const bound = (socket: Socket): Promise<number> =>
  new Promise((resolve) => socket.bind(0, "127.0.0.1", () => resolve(socket.address().port)));

/**
 * A server at 10.7.0.1 that answers what bears the VLAN's number, and nothing else.
 * @returns QEMU's words for the backend, and how many questions came without the number
 */
export async function vlanServer(
  t: TestContext,
  vlan: number,
): Promise<{ backend: string; untagged: () => number; tagged: () => number }> {
  const socket = createSocket("udp4");
  t.after(() => socket.close());
  const here = await bound(socket);
  const other = createSocket("udp4");
  const there = await bound(other);
  // QEMU takes the port; nobody else is likely to in between.
  await new Promise<void>((resolve) => other.close(resolve));
  let [untagged, tagged] = [0, 0];
  socket.on("message", (frame) => {
    const isTagged = frame.readUInt16BE(12) === ETHERTYPE_VLAN && (frame.readUInt16BE(14) & 0xfff) === vlan;
    const question = dhcpIn(frame.subarray(isTagged ? 16 : 12));
    if (question === null) return;
    if (isTagged) tagged++;
    else untagged++;
    if (!isTagged) return;
    const type = question.options.get(53)?.[0] === DHCP.discover ? DHCP.offer : DHCP.ack;
    const answer = encodeQuestion({
      ...{ xid: question.xid, mac: question.chaddr, hardwareType: 1, secs: 0, broadcast: true },
      options: [
        [53, Uint8Array.of(type)],
        [54, addressBytes(SERVER)],
        [51, Uint8Array.of(0, 0, 14, 16)],
        [1, addressBytes("255.255.255.0")],
      ],
    });
    answer[0] = 2;
    answer.set(addressBytes("10.7.0.50"), 16);
    socket.send(frameOf(answer, vlan), there, "127.0.0.1");
  });
  return {
    backend: `socket,udp=127.0.0.1:${here},localaddr=127.0.0.1:${there}`,
    untagged: () => untagged,
    tagged: () => tagged,
  };
}

/** @param packet from the type of what the frame carries on */
function dhcpIn(packet: Buffer): ReturnType<typeof decodeMessage> {
  if (packet.length < 30 || packet.readUInt16BE(0) !== ETHERTYPE_IPV4 || packet[11] !== UDP) return null;
  const udp = packet.subarray(2 + (packet[2]! & 15) * 4);
  return udp.length > 8 && udp.readUInt16BE(2) === 67 ? decodeMessage(Buffer.from(udp.subarray(8))) : null;
}

/** To everybody, from the server. */
function frameOf(message: Buffer, vlan: number): Buffer {
  const udp = Buffer.alloc(8);
  udp.writeUInt16BE(67, 0);
  udp.writeUInt16BE(68, 2);
  udp.writeUInt16BE(8 + message.length, 4);
  const ip = Buffer.alloc(20);
  ip[0] = 0x45;
  ip.writeUInt16BE(28 + message.length, 2);
  ip[8] = 64;
  ip[9] = UDP;
  ip.set(addressBytes(SERVER), 12);
  ip.fill(255, 16);
  let sum = 0;
  for (let at = 0; at < 20; at += 2) sum += ip.readUInt16BE(at);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  ip.writeUInt16BE(0xffff - sum, 10);
  const header = Buffer.alloc(18, 255);
  header.set(SERVER_MAC, 6);
  header.writeUInt16BE(ETHERTYPE_VLAN, 12);
  header.writeUInt16BE(vlan, 14);
  header.writeUInt16BE(ETHERTYPE_IPV4, 16);
  return Buffer.concat([header, ip, udp, message]);
}
