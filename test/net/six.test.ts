import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseRouterOptions } from "../../src/linux/routeevents.ts";
import {
  addressIn,
  bootParameters,
  bootUrl,
  decodeMessage,
  encodeMessage,
  OPTION,
  refusalIn,
  timeServers,
  u16,
} from "../../src/net/dhcp6packet.ts";
import { ipxeOptions } from "../../src/net/ipxeoptions.ts";
import { bootServerToAsk } from "../../src/net/pxe.ts";
import { NO_NAMES, withRouterOptions } from "../../src/net/routeroptions.ts";

const hex = (text: string): Buffer => Buffer.from(text.replace(/\s/g, ""), "hex");

/** IA_NA with one address, its times in seconds. */
const identity = (renew: number, rebind: number, preferred: number, valid: number): Buffer => {
  const u32 = (value: number): Buffer => Buffer.from(value.toString(16).padStart(8, "0"), "hex");
  const address = Buffer.concat([hex("20010db8000000000000000000000050"), u32(preferred), u32(valid)]);
  return Buffer.concat([u32(7), u32(renew), u32(rebind), u16(OPTION.iaAddress), u16(address.length), address]);
};

test("an address comes with its times; where the server leaves them open they are half and four fifths", () => {
  const { ip, renew, rebind, valid } = addressIn([[OPTION.iaNa, identity(100, 160, 200, 300)]])!;
  assert.deepEqual({ ip, renew, rebind, valid }, { ip: "2001:db8::50", renew: 100, rebind: 160, valid: 300 });
  const open = addressIn([[OPTION.iaNa, identity(0, 0, 200, 300)]])!;
  assert.deepEqual([open.renew, open.rebind], [100, 160]);
  assert.equal(addressIn([[OPTION.iaNa, identity(1, 1, 0, 0)]]), null, "one that is taken back");
});

test("a refusal is told in the server's words", () => {
  const status = Buffer.concat([u16(2), Buffer.from("no addresses left")]);
  assert.equal(refusalIn([[OPTION.status, status]]), "no addresses left");
  const inner = Buffer.concat([Buffer.alloc(12), u16(OPTION.status), u16(status.length), status]);
  assert.equal(refusalIn([[OPTION.iaNa, inner]]), "no addresses left");
  assert.equal(refusalIn([[OPTION.status, u16(0)]]), null);
});

test("the boot file's URL and parameters, and time servers, are read", () => {
  assert.equal(bootUrl([[OPTION.url, Buffer.from("http://[2001:db8::1]/x")]]), "http://[2001:db8::1]/x");
  assert.equal(bootUrl([[OPTION.url, Buffer.from("tftp://[fec0::2]/(null)")]]), null, "QEMU without a boot file");
  const parameters = Buffer.concat([u16(3), Buffer.from("a=b"), u16(5), Buffer.from("quiet")]);
  assert.deepEqual(bootParameters([[OPTION.parameters, parameters]]), ["a=b", "quiet"]);
  const server = hex("20010db8000000000000000000000123");
  assert.deepEqual(timeServers([[OPTION.ntp, Buffer.concat([u16(1), u16(16), server])]]), ["2001:db8::123"]);
  assert.deepEqual(timeServers([[OPTION.sntp, server]]), ["2001:db8::123"]);
});

test("routers give name servers and search lists, and take them back", () => {
  const dns = hex("19 03 0000 00000e10 20010db8000000000000000000000053");
  const search = hex("1f 02 0000 00000e10 03 6c616e 00 000000");
  const names = withRouterOptions(withRouterOptions(NO_NAMES, dns), search);
  assert.deepEqual(names, { dns: ["2001:db8::53"], search: ["lan"] });
  const over = hex("19 03 0000 00000000 20010db8000000000000000000000053");
  assert.deepEqual(withRouterOptions(names, over), { dns: [], search: ["lan"] });
  // struct nlmsghdr and struct nduseroptmsg as the kernel sends them.
  const message = hex("38000000 4400 0000 00000000 00000000 0a00 1800 02000000 86 00 0000 00000000");
  const datagram = Buffer.concat([message, dns]);
  const [option] = parseRouterOptions(datagram);
  assert.deepEqual([option!.link, Buffer.from(option!.bytes).equals(dns)], [2, true]);
});

test("no bytes from the network make reading fail or hang", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.constantFrom(...Object.values(OPTION)), (bytes, code) => {
      const whole = decodeMessage(encodeMessage({ type: 7, id: 1, options: [[code, bytes]] }))!;
      for (const options of [whole.options, decodeMessage(Buffer.from(bytes))?.options ?? []]) {
        addressIn(options);
        refusalIn(options);
        timeServers(options);
        bootUrl(options);
        bootParameters(options);
      }
      withRouterOptions(NO_NAMES, bytes);
      parseRouterOptions(Buffer.from(bytes));
      ipxeOptions(bytes);
      const message = decodeMessage(Buffer.from(bytes));
      assert.ok(message === null || message.id >= 0);
      const heard = { options: new Map([[43, bytes]]), sname: "", file: "", siaddr: "0.0.0.0" };
      bootServerToAsk({ message: heard as never, type: 2, from: "10.0.0.1" });
    }),
  );
});
